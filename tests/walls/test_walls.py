"""The walls between modules, read off their imports."""

import ast
from pathlib import Path

import pytest

import arrangement
import convex_solver

ROOTS = [Path(arrangement.__file__).parent, Path(convex_solver.__file__).parent]


def imports(path):
    """Modules that a file imports, anywhere in it, with what it takes from them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules():
    return [path for root in ROOTS for path in sorted(root.rglob("*.py"))]


def module(name):
    package, *rest = name.split(".")
    root = ROOTS[0] if package == "arrangement" else ROOTS[1]
    return root.joinpath(*rest).with_suffix(".py")


def touches(path, name):
    return any(i == name or i.startswith(name + ".") for i in imports(path))


@pytest.mark.parametrize("path", modules(), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_each_heavy_package_stays_behind_its_wall(path):
    if path.parent.name != "_kernels":
        assert not touches(path, "numba") or path.name == "cli.py"
    assert not touches(path, "zarr") or path.name == "arrays.py"
    assert not touches(path, "sklearn") or path.name == "estimators.py"
    if path.parent.parent.name == "arrangement" or path.parent.name == "arrangement":
        assert not touches(path, "convex_solver")


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        (
            "arrangement.counting.counts",
            "enumeration patterns verification walker geometry",
        ),
        (
            "arrangement.verification.verification",
            "enumeration walker geometry arithmetic vertices",
        ),
        (
            "arrangement._kernels.verification.borders",
            "_kernels.vertices _kernels.keys",
        ),
        (
            "arrangement.verification.realisability",
            "enumeration walker geometry arithmetic",
        ),
        (
            "arrangement._kernels.counting",
            "_kernels.cells _kernels.walk_ints _kernels.walk_floats _kernels.limbs",
        ),
        (
            "arrangement._kernels.verification.witnesses",
            "_kernels.cells _kernels.walk_ints _kernels.walk_floats _kernels.limbs",
        ),
    ],
)
def test_the_proof_and_the_count_never_use_the_enumerator(name, forbidden):
    for other in forbidden.split():
        assert not touches(module(name), f"arrangement.{other}")


@pytest.mark.parametrize("other", ["program", "solver", "builder", "recovery"])
def test_the_certificate_shares_nothing_with_the_solver(other):
    names = "certificate covering reduction network losses reading _kernels.pricing"
    names += " data_terms log_terms gauge_certificate obstruction cnn_certificate"
    names += " cnn_bounds minimum_norm_certificate exact_rows"
    kernels = "_kernels.covering _kernels.cell_bounds _kernels.bounded_squares"
    for name in f"{names} {kernels}".split():
        assert not touches(module(f"convex_solver.{name}"), f"convex_solver.{other}")


def test_every_module_is_of_a_readable_length():
    long = {p.name: len(p.read_text().splitlines()) for p in modules()}
    assert {name: n for name, n in long.items() if n > 500} == {}


def test_the_shipped_data_come_with_the_package():
    assert convex_solver.penguins_csv().parent.parent == ROOTS[1]
    assert len(convex_solver.load_penguins()[0]) == 342
