"""Messages for a person are sentences: each ends with a period."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import arrangement
import convex_solver
from arrangement.errors import ArrangementError
from arrangement.io import UsageError
from convex_solver.errors import ConvexSolverError

from walls.import_graph import tree_of

pytestmark = pytest.mark.every

ROOTS = [Path(package.__file__).parent for package in (arrangement, convex_solver)]


def family(top: type[Exception]) -> set[str]:
    """Return the names of a class and all below it."""
    return {top.__name__}.union(*(family(below) for below in top.__subclasses__()))


FAMILY = set().union(*map(family, (ArrangementError, ConvexSolverError, UsageError)))
# what is raised there is a part of a sentence that says where the number stands
PARTS = {"arrangement/exact/kinds.py", "arrangement/exact/scalars.py"}


def end(node: ast.expr) -> str | None:
    """Return how a text ends; None where that is not written down."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return end(node.values[-1])
    if isinstance(node, ast.BinOp):
        return end(node.right)
    return None


def messages():
    """Yield file, line and end of each message that is raised as it is written."""
    for root in ROOTS:
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root.parent).as_posix()
            for node in ast.walk(tree_of(path)):
                if not isinstance(node, ast.Raise) or name in PARTS:
                    continue
                if isinstance(node.exc, ast.Call) and node.exc.args:
                    last = end(node.exc.args[0])
                    if ast.unparse(node.exc.func) in FAMILY and last is not None:
                        yield name, node.lineno, last


def test_there_are_many():
    assert {"InputError", "UsageError", "ModelFileError"} <= FAMILY
    assert sum(1 for _ in messages()) > 200


@pytest.mark.slow
def test_each_ends_with_a_period():
    assert [where for where in messages() if not where[2].endswith(".")] == []
