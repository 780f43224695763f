"""Which parts of an object does an expression read?"""

from __future__ import annotations

from collections.abc import Iterator

from fleetd.decide.cel import tree

Path = tuple[str, ...]


def paths(node: tree.Node, variable: str) -> frozenset[Path]:
    """The shortest paths of map keys under a variable that are read; ``()`` when the whole of it may be."""
    found = frozenset(_paths(node, variable, False))
    return frozenset(path for path in found if not any(path[:length] in found for length in range(len(path))))


def _paths(node: tree.Node, variable: str, hidden: bool) -> Iterator[Path]:
    """``hidden`` where a macro's name stands for something else; the variable is then read only as ``.name``."""
    path = _path(node, variable, hidden)
    if path is not None:
        yield path
        return
    match node:
        case tree.Loop(names=names) if variable in names:
            yield from _paths(node.over, variable, hidden)
            for child in (node.condition, node.body):
                yield from _paths(child, variable, True) if child is not None else ()
        case tree.Bind(name=name) if name == variable:
            yield from _paths(node.bound, variable, hidden)
            yield from _paths(node.body, variable, True)
        case _:
            for child in tree.children(node):
                yield from _paths(child, variable, hidden)


def _path(node: tree.Node, variable: str, hidden: bool) -> Path | None:
    """The path that a node is, as far as its keys are constant."""
    match node:
        case tree.Name(name=name, absolute=absolute):
            return () if name == variable and (absolute or not hidden) else None
        case tree.Select(operand=operand, key=key):
            before = _path(operand, variable, hidden)
        case tree.Index(operand=operand, key=tree.Literal(value=str(key))):
            before = _path(operand, variable, hidden)
        case _:
            return None
    return None if before is None else (*before, key)
