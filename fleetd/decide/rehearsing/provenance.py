"""Which template, and which expression in it, each field of a rendered object came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fleetd.decide.engines.annotations import Form, language_of
from fleetd.decide.engines.answers import Asking, Awaited
from fleetd.decide.languages import Moment
from fleetd.decide.made import as_stored
from fleetd.decide.members import Member, template_data
from fleetd.decide.plane.blame import Origin, origin_of, template_of_copy
from fleetd.decide.plane.state import Plane
from fleetd.decide.rehearsing.results import Made, Result
from fleetd.decide.rehearsing.shapes import Shape
from fleetd.decide.rendering import Render
from fleetd.decide.resources import read_resources
from fleetd.decide.spots import Flaw, Path, Spot, path_text
from fleetd.decide.trail import Trail, offset_of, place_of
from fleetd.domain.documents import Document, read_documents
from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.refs import ObjectRef

WAITER = ("provenance",)


@dataclass(frozen=True, slots=True)
class FieldOrigin:
    """One leaf of an object: where in a template its value is made, by which expressions, or by which patches."""

    field: str
    value: Any
    flaw: Flaw | None
    expressions: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Text:
    """A value of a content as it is deployed, and what it was made of: at the deployment, and before that by an event."""

    spot: Spot
    text: str
    deployed: Trail | None
    made: Origin | None


def origins_of(plane: Plane, now: datetime, result: Result) -> list[list[FieldOrigin]]:
    """For each object of a result, in their order, its leaves.

    Raises:
        Awaited: children are asked first, in the plane's answers.
    """
    member = plane.members[result.destinations[0]] if result.destinations else None
    if member is None:
        return []
    texts: dict[ObjectRef, list[_Text]] = {}
    found = []
    render = Render(now, asking=Asking(plane.answers, WAITER))
    for item in result.made:
        if item.source not in texts:
            texts[item.source] = list(_texts(plane, render, result, item.source, member))
        template = _Template.of(plane, result, item.source)
        found.append(list(_fields(item, texts[item.source], template)))
    return found


@dataclass(frozen=True, slots=True)
class _Template:
    """What an add-on was made of where no trail tells more: the places of structured templates, and its only text."""

    shapes: Sequence[tuple[Spot, Shape]]
    whole: Flaw | None

    @classmethod
    def of(cls, plane: Plane, result: Result, ref: ObjectRef) -> _Template:
        template = template_of_copy(plane, ref) or ref
        content = plane.contents.get(template) or plane.contents[ref]
        texts = Render.texts(content)
        whole = Flaw(Spot(template, ("data", next(iter(texts))))) if len(texts) == 1 else None
        trigger = plane.triggers.get(result.trigger)
        beside = trigger.annotations if trigger is not None else plane.profiles[result.profile].annotations
        structured = language_of(content["metadata"].get("annotations"), beside).form is Form.STRUCTURED
        return cls([(Spot(template, ("data", key)), Shape(text)) for key, text in texts.items()] if structured else [], whole)

    def origin(self, manifest: Manifest, path: Path, value: Any, patches: tuple[str, ...]) -> FieldOrigin | None:
        """Of a field in a structured template; None in any other."""
        for spot, shape in self.shapes:
            placed = shape.place(shape.of(manifest), path, value)
            if placed is not None:
                return FieldOrigin(path_text(path), value, Flaw(spot, placed.line, placed.column), placed.expressions, patches)
        return None


def _texts(plane: Plane, render: Render, result: Result, ref: ObjectRef, member: Member) -> Iterator[_Text]:
    content = plane.contents[ref]
    deploying = render.deploying(content, plane.profiles[result.profile].annotations)
    templated = deploying is not None
    data, render = _data(plane, deploying or render, result, member)
    for key, text in render.texts(content).items():
        made = origin_of(plane, render, ref, key)
        if made is None and template_of_copy(plane, ref) is not None:
            continue  # an event made it, in a language that does not tell how
        try:
            trail = render.trail(text, data, Moment.DEPLOY) if templated and render.engine.concerns(text) else None
        except Awaited:
            raise
        except GiveUp:
            continue
        yield _Text(Spot(ref, ("data", key)), trail.text if trail else text, trail, made)


def _data(plane: Plane, render: Render, result: Result, member: Member) -> tuple[Manifest, Render]:
    data = template_data(member)
    profile = plane.profiles[result.profile]
    if profile.resource_refs:
        resources = read_resources(profile, member, plane.contents, render, set())
        data["MgmtResources"] = resources.found
        render = replace(render, resources=resources.found)
    return data, render


def _fields(item: Made, texts: Sequence[_Text], template: _Template) -> Iterator[FieldOrigin]:
    text, document = _found(ref_of(item.manifest), texts)
    before = as_stored(document.manifest) if document is not None else {}
    for path, value in _leaves(item.manifest, ()):
        if text is None or document is None:
            whole = FieldOrigin(path_text(path), value, template.whole, (), item.patches)
            yield template.origin(item.manifest, path, value, item.patches) or whole
        elif _at(before, path) != value:
            yield FieldOrigin(path_text(path), value, None, (), item.patches)
        else:
            yield _origin(path, value, text, document)


def _found(ref: ObjectRef, texts: Sequence[_Text]) -> tuple[_Text | None, Document | None]:
    for text in texts:
        try:
            documents = read_documents(text.text, source="")
        except (InvalidInput, GiveUp):
            continue
        for document in documents:
            if ref_of(document.manifest) == ref:
                return text, document
    return None, None


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    entries: Sequence[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    if not entries:
        yield path, value
    for step, inner in entries:
        yield from _leaves(inner, (*path, step))


def _at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _origin(path: Path, value: Any, text: _Text, document: Document) -> FieldOrigin:
    start, end = _extent(text.text, document, path, value)
    expressions: dict[str, None] = {}
    place = start
    for begin, stop, source in _earlier(text.deployed, start, end, expressions):
        if text.made is not None:
            for _ in _earlier(text.made.trail, begin, stop, expressions):
                pass
        place = source
    if text.deployed is not None:
        place = text.deployed.origin(start)
    if text.made is not None:
        trail = text.made.trail
        line, column = place_of(trail.template, trail.origin(place))
        return FieldOrigin(path_text(path), value, Flaw(text.made.spot, line, column), tuple(expressions))
    template = text.deployed.template if text.deployed is not None else text.text
    line, column = place_of(template, place)
    return FieldOrigin(path_text(path), value, Flaw(text.spot, line, column), tuple(expressions))


def _earlier(trail: Trail | None, start: int, end: int, expressions: dict[str, None]) -> Iterator[tuple[int, int, int]]:
    """The parts of the template's own text behind a part of what it made; expressions are noted."""
    if trail is None:
        yield start, end, start
        return
    for piece in trail.between(start, end):
        if piece.expression:
            expressions[piece.expression] = None
        else:
            first, last = max(start, piece.start), min(end, piece.end)
            yield piece.pos + first - piece.start, piece.pos + last - piece.start, piece.pos


def _extent(text: str, document: Document, path: Path, value: Any) -> tuple[int, int]:
    """From where to where a value stands in the text; for one of several lines down to the end of the last."""
    if path not in document.places:
        line, column = document.place_of(path)
        start = offset_of(text, line, column)
        return start, _line_end(text, start)
    start = offset_of(text, *document.place_inside(path, 1, 1))
    shown = str(value)
    if "\n" not in shown:
        return start, max(start + 1, min(start + len(shown), _line_end(text, start)))
    end = start
    for _ in shown.rstrip("\n").split("\n"):
        end = _line_end(text, end) + 1
    return start, end


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end
