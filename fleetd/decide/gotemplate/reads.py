"""What a template reads of its data and which functions it calls, found without rendering it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.decide.gotemplate.nodes import Action, Branch, Chain, Command, Definition, Dot, Field, Identifier, Invocation, Pipe, Variable
from fleetd.decide.gotemplate.parser import FIRST_SLOT

Path = tuple[str, ...]

ELEMENT = "*"
"""Stands in a path for any element that a range goes over."""
_FOLLOWED = 200
"""So many calls of templates are followed; what further ones are given counts as read whole."""


class Reads:
    """Walks the templates of a source from the main one; a path is followed through `with`, `range`, variables and calls.

    A value that a function made belongs to no path; the paths that the function was given count as read. Of what is `tried` no more is
    read than that it is there, and whether it is something: `with` and assignments go on from it.
    """

    def __init__(self, definitions: Mapping[str, Definition], main: str) -> None:
        self.paths: set[Path] = set()
        self.tried: set[Path] = set()
        self.calls: set[str] = set()
        self._definitions = definitions
        self._seen: set[tuple[str, Path | None]] = set()
        self._active: set[str] = set()
        self._template(main, ())

    def sorted_paths(self) -> tuple[Path, ...]:
        """Every path; the empty one stands for the whole data."""
        return tuple(sorted(self.paths))

    def sorted_tried(self) -> tuple[Path, ...]:
        """Every path that is tried, and not read whole."""
        return tuple(sorted(self.tried - self.paths))

    def _template(self, name: str, dot: Path | None) -> None:
        if name not in self._definitions or (name, dot) in self._seen:
            return
        if name in self._active or len(self._seen) >= _FOLLOWED:
            self.paths.update([] if dot is None else [dot])
            return
        self._seen.add((name, dot))
        self._active.add(name)
        self._block(self._definitions[name].body, dot, {FIRST_SLOT: dot})
        self._active.discard(name)

    def _block(self, nodes: tuple[Any, ...], dot: Path | None, known: dict[int, Path | None]) -> None:
        for node in nodes:
            match node:
                case Action(pipe=pipe):
                    self._value(pipe, dot, known, quiet=bool(pipe.variables))
                case Branch():
                    self._branch(node, dot, known)
                case Invocation(name=name, pipe=pipe):
                    self._template(name, None if pipe is None else self._value(pipe, dot, known, quiet=name in self._definitions))

    def _branch(self, node: Branch, dot: Path | None, known: dict[int, Path | None]) -> None:
        quiet = node.word == "with"
        found = self._value(node.pipe, dot, known, quiet=quiet)
        inner = dot
        if node.word == "with":
            inner = found
        elif node.word == "range":
            inner = None if found is None else (*found, ELEMENT)
            slots = [slot for _, slot in node.pipe.variables]
            known = {**known, **dict.fromkeys(slots), **({slots[-1]: inner} if slots else {})}
        self._block(node.body, inner, known)
        self._block(node.orelse, dot, known)

    def _value(self, node: Any, dot: Path | None, known: dict[int, Path | None], *, quiet: bool = False) -> Path | None:
        """The path that the expression stands for, or None; unless quiet, it counts as read."""
        path = self._path(node, dot, known)
        if path is not None:
            (self.tried if quiet else self.paths).add(path)
        return path

    def _path(self, node: Any, dot: Path | None, known: dict[int, Path | None]) -> Path | None:
        match node:
            case Dot():
                return dot
            case Field(names=names):
                return None if dot is None else (*dot, *names)
            case Variable(slot=slot, names=names):
                base = known.get(slot)
                return None if base is None else (*base, *names)
            case Chain(node=inner, names=names):
                base = self._value(inner, dot, known, quiet=True)
                return None if base is None else (*base, *names)
            case Identifier(name=name):
                self.calls.add(name)
            case Pipe():
                return self._pipe(node, dot, known)
            case Command(args=args):
                if len(args) == 1:
                    return self._path(args[0], dot, known)
                for argument in args:
                    self._value(argument, dot, known)
        return None

    def _pipe(self, node: Pipe, dot: Path | None, known: dict[int, Path | None]) -> Path | None:
        single = len(node.commands) == 1
        path = self._path(node.commands[0], dot, known)
        if not single:
            if path is not None:
                self.paths.add(path)
            for command in node.commands[1:]:
                self._value(command, dot, known)
            path = None
        for _, slot in node.variables:
            if node.assigns:
                # Which of the two values it has may depend on what is chosen, so both count as read whole.
                self.paths.update(one for one in (path, known.get(slot)) if one is not None)
            known[slot] = path
        return path
