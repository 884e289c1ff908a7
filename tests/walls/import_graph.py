"""What imports what, read off the sources: files, doors, rooms and floors.

A file is named like a module (``arrangement.model.flats``; a door, the
``__init__.py`` of a room, like its room).  Every import statement of a file counts,
wherever it stands: at the top, inside a function, under ``TYPE_CHECKING``.

Two graphs are read:

- `direct`: from a file to the files that its statements name.  ``from a.door import
  name`` leads to the door, and the door leads to every file that it re-exports from.
- `resolved`: the same, but a name that comes through a door leads to the file that
  defines it, however many doors it passes.  The walls are asked of this graph: what
  a claim rests on is the code behind the names it uses, and not what else stands
  behind the same door.  A door that is taken whole (``import a.door``) counts with
  all that it re-exports.

That importing a module also runs the doors of the packages above it is no edge: the
door of the package imports every room.
"""

from __future__ import annotations

import ast
import importlib.util
from functools import cache, cached_property
from pathlib import Path


def tree_of(path: Path) -> ast.Module:
    """Return the parsed source; not to be changed, as every wall looks at it."""
    return parsed(path.read_text(encoding="utf-8"))


@cache
def parsed(text: str) -> ast.Module:
    return ast.parse(text)


class ImportGraph:
    """The imports of some packages, each given by its folder."""

    def __init__(self, *roots: Path) -> None:
        self.roots = roots
        self.paths: dict[str, Path] = {}
        for root in roots:
            for path in sorted(root.rglob("*.py")):
                parts = path.relative_to(root.parent).with_suffix("").parts
                name = ".".join(parts).removesuffix(".__init__")
                self.paths[name] = path
        self._statements: dict[str, list[tuple[str, str | None, str]]] = {}

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        return {name: tree_of(path) for name, path in self.paths.items()}

    def is_door(self, name: str) -> bool:
        """Whether the module is the ``__init__.py`` of a folder."""
        return self.paths[name].name == "__init__.py"

    def statements(self, name: str) -> list[tuple[str, str | None, str]]:
        """Return every import of a file: module, name taken or None, bound name."""
        if name not in self._statements:
            self._statements[name] = self._read_statements(name)
        return self._statements[name]

    def _read_statements(self, name: str) -> list[tuple[str, str | None, str]]:
        found: list[tuple[str, str | None, str]] = []
        package = name if self.is_door(name) else name.rpartition(".")[0]
        for node in ast.walk(self.trees[name]):
            if isinstance(node, ast.Import):
                # `import a.b` binds a, `import a.b as c` binds a.b
                bound = [a.asname or a.name.partition(".")[0] for a in node.names]
                plain = [a.name for a in node.names]
                found += [(m, None, b) for m, b in zip(plain, bound, strict=True)]
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                module = importlib.util.resolve_name(module, package)
                found += [(module, a.name, a.asname or a.name) for a in node.names]
        return found

    def defined(self, name: str) -> set[str]:
        """Return what a file binds at its top: functions, classes, constants."""
        found: set[str] = set()
        for node in self.trees[name].body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = (
                    node.targets if isinstance(node, ast.Assign) else [node.target]
                )
                found |= {
                    n.id for t in targets for n in ast.walk(t) if hasattr(n, "id")
                }
        return found

    def outside(self, name: str) -> set[str]:
        """Return the packages of others that a file imports."""
        tops = {module.partition(".")[0] for module, _, _ in self.statements(name)}
        return tops - {root.name for root in self.roots}

    def _named(self, module: str, taken: str | None) -> str | None:
        """Return the file that one import statement names, doors not passed."""
        if taken is not None and f"{module}.{taken}" in self.paths:
            return f"{module}.{taken}"
        return module if module in self.paths else None

    def _definer(self, module: str, taken: str | None) -> str | None:
        """Return the file that defines what one import statement takes."""
        found = self._named(module, taken)
        if found is None or taken is None or found != module:
            return found
        if not self.is_door(module):
            return module
        for source, inner, bound in self.statements(module):
            if bound == taken and source.partition(".")[0] in self._packages:
                return self._definer(source, inner)
        return module

    @cached_property
    def _packages(self) -> set[str]:
        return {root.name for root in self.roots}

    def _edges(self, find) -> dict[str, set[str]]:
        edges: dict[str, set[str]] = {}
        for name in self.paths:
            found = {find(module, taken) for module, taken, _ in self.statements(name)}
            edges[name] = {other for other in found if other not in (None, name)}
        return edges

    @cached_property
    def direct(self) -> dict[str, set[str]]:
        return self._edges(self._named)

    @cached_property
    def resolved(self) -> dict[str, set[str]]:
        return self._edges(self._definer)

    def reached(self, *starts: str) -> dict[str, list[str]]:
        """Return every file within reach of the names, with a chain that leads there.

        A name stands for its file and for all files below it.
        """
        chains = {name: [name] for name in self.paths if is_under(name, *starts)}
        queue = list(chains)
        for name in queue:
            for other in sorted(self.resolved[name] - set(chains)):
                chains[other] = [*chains[name], other]
                queue.append(other)
        return chains

    def is_hall(self, name: str) -> bool:
        """Whether the module is a package or its ``_kernels``: a folder of rooms."""
        return name.removesuffix("._kernels") in self._packages

    def room(self, name: str) -> str:
        """Return the folder of a file, or the file itself where it is a room alone."""
        folder = name.rpartition(".")[0]
        return name if self.is_door(name) or self.is_hall(folder) else folder

    @cached_property
    def rooms(self) -> dict[str, set[str]]:
        """The imports between rooms; sub-rooms are rooms of their own."""
        edges: dict[str, set[str]] = {self.room(name): set() for name in self.paths}
        for name, others in self.resolved.items():
            room = self.room(name)
            edges[room] |= {self.room(other) for other in others} - {room}
        return edges


def is_under(name: str, *tops: str) -> bool:
    """Whether a module is one of those named or lies below one."""
    return any(name == top or name.startswith(top + ".") for top in tops)


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Return some circle of a graph as a list of its nodes, or an empty list."""
    done: set[str] = set()
    for start in edges:
        way: list[str] = []
        stack = [(start, iter(sorted(edges[start])))] if start not in done else []
        way = [start] if stack else []
        while stack:
            node, others = stack[-1]
            for other in others:
                if other in way:
                    return [*way[way.index(other) :], other]
                if other not in done:
                    way.append(other)
                    stack.append((other, iter(sorted(edges[other]))))
                    break
            else:
                done.add(node)
                stack.pop()
                way.pop()
    return []


def longest_chain(edges: dict[str, set[str]]) -> list[str]:
    """Return a longest chain of imports, from the top floor to the ground."""
    chains: dict[str, list[str]] = {}

    def chain(node: str) -> list[str]:
        if node not in chains:
            below = max((chain(other) for other in edges[node]), key=len, default=[])
            chains[node] = [node, *below]
        return chains[node]

    return max((chain(node) for node in edges), key=len, default=[])
