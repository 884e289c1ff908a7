"""The walls of the house, read off its sources: what may import what, and how long.

What an import is, and how far a wall sees, is said in `import_graph`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import arrangement
import convex_solver

from walls.import_graph import ImportGraph, circle, is_under, longest_chain, tree_of

pytestmark = pytest.mark.every

ROOTS = [Path(package.__file__).parent for package in (arrangement, convex_solver)]
GRAPH = ImportGraph(*ROOTS)
TESTS = Path(__file__).parents[1]
MODULES = sorted(GRAPH.paths)
DOORS = [name for name in MODULES if GRAPH.is_door(name)]

# From the ground up: what stands on a line uses only what stands on lines above it.
FLOORS = {
    "arrangement": """
        errors checker
        options executors
        _kernels
        exact
        io
        model
        counting proofs
        verification constructions
        listing
        stores combinatorics plot
        cli
        __main__
    """,
    "convex_solver": """
        errors typing checker linear_checker
        _kernels
        rounding
        reading
        exchange
        losses
        networks
        leaves
        proofs
        certificates
        program
        restricted linear_cnn training
        conic
        solver
        baselines datasets
        estimators plot
        cli
        __main__
    """,
}

# What convex_solver may use of arrangement; and the one file that hands on the
# decorators of the kernels, so that both packages compile alike.
DOORS_BETWEEN = {
    f"arrangement{room}" for room in ("", ".exact", ".executors", ".io", ".options")
}
COMPILE = ("convex_solver._kernels.compile", "arrangement._kernels.compile")

# Starts, and what they never reach.
WALLS = {
    "counts and proofs know nothing of the listing": (
        (
            "arrangement.checker",
            "arrangement.counting",
            "arrangement.proofs",
            "arrangement.verification",
            "arrangement._kernels.counting",
            "arrangement._kernels.verification",
        ),
        (
            "arrangement.listing",
            "arrangement.stores",
            "arrangement._kernels.cells",
            "arrangement._kernels.vertices",
            "arrangement._kernels.tree",
        ),
    ),
    "certificates know nothing of the solver": (
        ("convex_solver.certificates", "convex_solver._kernels.certify"),
        (
            "convex_solver.program",
            "convex_solver.restricted",
            "convex_solver.solver",
            "convex_solver.conic",
            "convex_solver.linear_cnn",
            "convex_solver.training",
            "convex_solver.baselines",
            "convex_solver._kernels.solve",
        ),
    ),
    "proofs, too": (
        (
            "convex_solver.proofs",
            "convex_solver.checker",
            "convex_solver.linear_checker",
        ),
        (
            "convex_solver.certificates",
            "convex_solver.program",
            "convex_solver.restricted",
            "convex_solver.solver",
            "convex_solver.conic",
            "convex_solver.linear_cnn",
            "convex_solver.baselines",
            "convex_solver._kernels.solve",
        ),
    ),
    "arrangement knows nothing of convex_solver": (
        ("arrangement",),
        ("convex_solver",),
    ),
}

# What is compiled: functions are longer there, as every call costs.
KERNELS = ("arrangement._kernels", "convex_solver._kernels")

# Of every heavy package, the one place where it is imported.
PLACES = {
    "numba": ("arrangement._kernels",),
    "zarr": ("arrangement.stores.arrays",),
    # what is fitted there, and data that are fetched
    "sklearn": ("convex_solver.estimators", "convex_solver.datasets"),
    "matplotlib": ("arrangement.io.pictures", "arrangement.plot", "convex_solver.plot"),
    "cvxpy": ("convex_solver.conic.cvxpy_model",),
    "networkx": ("arrangement.combinatorics.tope_graphs",),
    "pandas": (),
    "torch": ("convex_solver.exchange.torch_modules",),
    "onnx": ("convex_solver.exchange.onnx_files",),
    "onnxruntime": ("convex_solver.exchange.onnx_files",),
    "dask": (),
}

MOST_FLOORS = 10
MOST_LINES = 500
MOST_LINES_A_FUNCTION = 60


def exported(name: str) -> set[str]:
    """Return ``__all__``; of a file without it, all that it defines in public."""
    for node in GRAPH.trees[name].body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    if GRAPH.is_door(name):
        return set()
    return {n for n in GRAPH.defined(name) if not n.startswith("_")}


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function, its docstring and decorators left out."""
    first, n_text = function.body[0], 0
    if ast.get_docstring(function, clean=False) is not None:
        n_text = first.end_lineno - first.lineno + 1
    return function.end_lineno - function.lineno + 1 - n_text


def test_there_are_no_circles():
    assert circle(GRAPH.direct) == []
    assert circle(GRAPH.resolved) == []
    assert circle(GRAPH.rooms) == []


@pytest.mark.parametrize("package", FLOORS)
def test_rooms_use_only_rooms_below_them(package):
    lines = [line.split() for line in FLOORS[package].strip().splitlines()]
    height = {f"{package}.{room}": i for i, line in enumerate(lines) for room in line}
    height[package] = len(lines)  # the door of the whole
    above = []
    for name in MODULES:
        if not is_under(name, package):
            continue
        own = ".".join(name.split(".")[:2])
        assert own in height, f"{own} has no floor"
        for other in GRAPH.resolved[name]:
            top = ".".join(other.split(".")[:2])
            if is_under(other, package) and top != own and height[top] >= height[own]:
                above.append((name, other))
    assert above == []


@pytest.mark.parametrize("package", FLOORS)
def test_there_are_at_most_ten_floors(package):
    # __main__ only calls cli: the two are one floor, the edge
    rooms = {
        name: {other for other in others if is_under(other, package)}
        for name, others in GRAPH.rooms.items()
        if is_under(name, package) and name != f"{package}.__main__"
    }
    assert circle(rooms) == []  # a chain in a circle has no end
    chain = longest_chain(rooms)
    assert len(chain) <= MOST_FLOORS, chain


@pytest.mark.parametrize("wall", WALLS)
def test_no_wall_is_passed_however_long_the_way(wall):
    starts, forbidden = WALLS[wall]
    # a wall between rooms that are gone would hold whatever is imported
    assert {*starts, *forbidden} <= set(MODULES)
    reached = GRAPH.reached(*starts)
    assert [way for name, way in reached.items() if is_under(name, *forbidden)] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_room_is_entered_by_its_door(name):
    for module, taken, _ in GRAPH.statements(name):
        if module not in GRAPH.paths:
            continue
        assert taken is not None, f"{name}: import names of {module}, not the module"
        is_room_of_hall = GRAPH.is_hall(module) and f"{module}.{taken}" in GRAPH.paths
        if module.partition(".")[0] != name.partition(".")[0]:
            assert module in DOORS_BETWEEN or (name, module) == COMPILE
            assert taken in exported(module), f"{name}: {module} has no {taken}"
        elif not is_room_of_hall and GRAPH.room(module) != GRAPH.room(name):
            door = GRAPH.room(module)
            assert module == door, f"{name} passes the door of {door}"
            assert taken in exported(door), f"{name}: {door} does not export {taken}"


@pytest.mark.parametrize("name", DOORS)
def test_a_door_only_hands_on_what_is_inside(name):
    docstring, *body = GRAPH.trees[name].body
    assert isinstance(docstring, ast.Expr)
    assert ast.get_docstring(GRAPH.trees[name])
    names = set()
    for node in body:
        if name == "convex_solver" and is_for_estimators(node):
            continue
        if isinstance(node, ast.Assign):
            assert ast.unparse(node.targets[0]) == "__all__"
            continue
        assert isinstance(node, ast.ImportFrom), ast.unparse(node)
        if node.module == "__future__":
            continue
        names |= {alias.asname or alias.name for alias in node.names}
        for alias in node.names:
            inside = node.module if node.module != name else f"{name}.{alias.name}"
            # the errors of bad input are one family for both packages
            is_shared = (name, node.module) == ("convex_solver", "arrangement")
            assert is_shared or (is_under(inside, name) and inside in GRAPH.paths)
    assert names == exported(name)


def is_for_estimators(node: ast.stmt) -> bool:
    """Whether a line of the door loads the estimators only when they are asked for."""
    text = ast.unparse(node)
    return text.startswith(
        (
            "from typing import TYPE_CHECKING, Any",
            "if TYPE_CHECKING:",
            "_ESTIMATORS = ",
            "def __getattr__(",
            "def __dir__(",
        )
    )


@pytest.mark.parametrize("name", DOORS)
def test_no_module_is_named_like_what_its_door_exports(name):
    # `import a.partition` would give the function or the module, as the order falls
    files = {m for m in MODULES if m.rpartition(".")[0] == name}
    values = {f"{name}.{n}" for n in exported(name)}
    # a whole file or room that is handed on under its own name is one thing
    values -= {f"{module}.{n}" for module, n, _ in GRAPH.statements(name)}
    assert files & values == set()


@pytest.mark.parametrize("package", PLACES)
def test_each_heavy_package_has_one_place(package):
    users = [name for name in MODULES if package in GRAPH.outside(name)]
    assert [name for name in users if not is_under(name, *PLACES[package])] == []
    # and a place that is gone would allow nothing, and forbid nothing either
    assert all(is_used(place, users) for place in PLACES[package])


def is_used(place: str, users: list[str]) -> bool:
    return any(is_under(name, place) for name in users)


def test_heavy_packages_are_imported_when_they_are_used():
    lazy = [package for package in PLACES if package != "numba"]
    names = [n for n in MODULES if not is_under(n, "convex_solver.estimators")]
    names = [n for n in names if not n.endswith("__main__")]
    code = (
        "import importlib, sys\n"
        f"for name in {names}: importlib.import_module(name)\n"
        f"print(*sorted(set({lazy}) & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []


def test_files_are_of_a_readable_length():
    long = {}
    benchmarks = (TESTS.parent / "bench").rglob("*.py")
    for path in (*GRAPH.paths.values(), *TESTS.rglob("*.py"), *benchmarks):
        n_lines = len(path.read_text(encoding="utf-8").splitlines())
        if n_lines > MOST_LINES:
            long[path.name] = n_lines
    assert long == {}


@pytest.mark.parametrize("name", MODULES)
def test_functions_are_of_a_readable_length(name):
    lengths = {
        node.name: body_length(node)
        for node in ast.walk(GRAPH.trees[name])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if not is_under(name, *KERNELS):
        assert {f: n for f, n in lengths.items() if n > MOST_LINES_A_FUNCTION} == {}


@pytest.mark.slow
def test_files_of_tests_are_apart():
    files = sorted(TESTS.rglob("test_*.py"))
    names = [path.name for path in files]
    assert sorted({n for n in names if names.count(n) > 1}) == []
    for path in files:
        for node in ast.walk(tree_of(path)):
            taken = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                taken = [node.module or "", *(a.name for a in node.names)]
            modules = [name.rpartition(".")[2] + ".py" for name in taken]
            assert not set(modules) & set(names), f"{path.name} imports a file of tests"


def test_folders_of_tests_are_rooms():
    folders = {
        path.parent.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")
    }
    rooms = {name.split(".")[1] for name in MODULES if name not in FLOORS}
    # a folder named like a package would shadow it
    assert folders - rooms <= {"bench", "fuzz", "journeys", "reference", "walls"}


def test_the_shipped_data_come_with_the_package():
    assert convex_solver.penguins_csv().parent.parent == ROOTS[1]
    assert len(convex_solver.load_penguins()[0]) == 342
