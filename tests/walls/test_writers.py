"""No function of the packages writes a file that the tests of faults do not kill."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import arrangement

from reference.writers import NAMES, OUTPUTS, RAW, SITES
from walls.import_graph import tree_of

ROOT = Path(arrangement.__file__).parents[1]
HELPERS = ("new_file", "write_new")
# methods and functions that make, change or rename what is on the disk
METHODS = (
    *("write_text", "write_bytes", "touch", "mkdir", "makedirs", "rename", "renames"),
    *("replace", "link", "symlink", "link_to", "hardlink_to", "symlink_to", "tofile"),
    *("save", "savez", "savez_compressed", "savetxt", "savefig", "dump", "copyfile"),
    *(
        "copy2",
        "copytree",
        "move",
        "NamedTemporaryFile",
        "mkstemp",
        "ZipFile",
        "to_csv",
    ),
)
# the same names on what is no file: text, dates, dataclasses, dictionaries
HARMLESS = ("replace", "dump", "save", "move")


def functions():
    """Path and name of each function of the packages, with the calls in it."""
    for package in ("arrangement", "convex_solver"):
        for path in sorted((ROOT / package).rglob("*.py")):
            found = [("", tree_of(path))]
            while found:
                name, node = found.pop()
                inner = []
                for child in calls_and_functions(node):
                    if isinstance(child, ast.Call):
                        inner.append(child)
                    else:
                        found.append((child.name, child))
                yield path.relative_to(ROOT).as_posix(), name, inner


def calls_and_functions(node):
    """Calls below a node that are in no function below it, and these functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from calls_and_functions(child)


def called(call):
    """The last part of the name of what is called."""
    function = call.func
    return getattr(function, "attr", getattr(function, "id", ""))


def writes(call):
    """Whether a call may write a file by itself."""
    name = called(call)
    if name in ("open", "ZipFile"):
        # os.open to read has its own word; so has open without a mode
        words = ast.unparse(call)
        modes = [x.value for x in ast.walk(call) if isinstance(x, ast.Constant)]
        modes = [x for x in modes if isinstance(x, str) and len(x) <= 3]
        is_new = any(set(mode) & set("wax+") for mode in modes)
        return is_new or "O_WRONLY" in words or "O_RDWR" in words or "O_CREAT" in words
    if name == "replace":
        # of a path it has one argument, of text two, of a dataclass keywords
        return len(call.args) == 1 and not call.keywords and is_method(call)
    return name in METHODS and (name not in HARMLESS or is_of_library(call))


def is_method(call):
    return isinstance(call.func, ast.Attribute)


def is_of_library(call):
    """Whether a name is looked up in a module that writes, such as torch.save."""
    owner = getattr(call.func, "value", None)
    known = ("np", "torch", "onnx", "json", "shutil")
    return isinstance(owner, ast.Name) and owner.id in known


def test_every_writer_of_a_file_is_killed():
    found = set()
    for path, name, calls in functions():
        if any(called(call) in HELPERS for call in calls):
            found.add((path, name))
    found -= {("arrangement/io/files.py", "write_new")}
    assert found == set(SITES)
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.slow
def test_every_option_that_names_a_file_is_killed():
    found = set()
    for path, name, calls in functions():
        if any(called(call) == "check_output" for call in calls):
            found.add((path, name))
    assert found == set(OUTPUTS)
    assert {name for names in OUTPUTS.values() for name in names} <= set(NAMES)


def test_nothing_else_writes_by_itself():
    found = set()
    for path, name, calls in functions():
        if any(writes(call) for call in calls):
            found.add((path, name))
    assert found == RAW


@pytest.mark.parametrize(
    ("text", "is_writer"),
    [
        ("path.write_text('a')", True),
        ("open(path, 'w')", True),
        ("open(path, mode='xb')", True),
        ("path.open('r+b')", True),
        ("os.open(path, os.O_WRONLY)", True),
        ("np.save(path, X)", True),
        ("partial.replace(path)", True),
        ("shutil.move(a, b)", True),
        ("open(path, encoding='utf-8')", False),
        ("path.open('rb')", False),
        ("text.replace(',', '.')", False),
        ("replace(header, status=1)", False),
        ("patterns.save(target)", False),
    ],
)
def test_what_writes_is_seen(text, is_writer):
    call = ast.parse(text).body[0].value
    assert writes(call) is is_writer
