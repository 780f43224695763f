"""A question or an action of the service as a tool: schemas from its fields, description from its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, dataclass, fields
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import orjson
from mcp_types import Tool as ToolDescription
from mcp_types import ToolAnnotations
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic import Field as Described

from fleetd.service.arguments import About
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.teaching import Code, Lesson, Taught, near
from mcp_server.principals import Scope

_TYPES = {
    "boolean": ("a truth value", "write true or false, without quotes"),
    "integer": ("a whole number", "write it as 20, without quotes"),
}
_MEANT = {"yes": "true", "on": "true", "1": "true", "y": "true", "no": "false", "off": "false", "0": "false", "n": "false"}
ERROR = {"type": "object", "properties": {"code": {"type": "string"}, "sentence": {"type": "string"}}, "required": ["code", "sentence"]}
"""What is always in a lesson."""


@dataclass(frozen=True)
class Tool:
    """A tool: what it asks or does, and what a client should know of it before it calls.

    `open_world` is set on exactly those whose answers can carry text from outside; `cost` names the bucket of the rate limit.
    """

    asks: type[Question[Any]]
    title: str
    open_world: bool
    scope: Scope = Scope.READ
    writes: bool = False
    cost: str = "cheap"

    @cached_property
    def name(self) -> str:
        return self.asks.name()

    @cached_property
    def described(self) -> ToolDescription:
        """As `tools/list` shows it."""
        annotations = ToolAnnotations(
            title=self.title,
            read_only_hint=not self.writes,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=self.open_world,
        )
        return ToolDescription(
            name=self.name,
            title=self.title,
            description=inspect.getdoc(self.asks) or "",
            input_schema=self.input_schema,
            output_schema=self.output_schema,
            annotations=annotations,
        )

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        schema = _trimmed(self._model.model_json_schema())
        return {"type": "object", "properties": {}, **schema, "additionalProperties": False}

    @cached_property
    def output_schema(self) -> dict[str, Any]:
        """That of a good result, in which what is empty may be left out, or of a lesson.

        Many clients hold every structured result against it, one that is an error, too, and show nothing of what does not fit.
        """
        [base] = [base for base in self.asks.__orig_bases__ if get_origin(base) is Question]  # type: ignore[attr-defined]
        good: dict[str, Any] = _trimmed(TypeAdapter(get_args(base)[0]).json_schema())
        required = good.pop("required", [])
        either = [{"required": required}, {"required": ["error"]}]
        return {**good, "properties": {**good["properties"], "error": ERROR}, "anyOf": either}

    @cached_property
    def _model(self) -> type[BaseModel]:
        hints = get_type_hints(self.asks, include_extras=True)
        given: dict[str, Any] = {one.name: _field(one, hints[one.name]) for one in fields(self.asks)}
        model: type[BaseModel] = create_model(self.asks.__name__, __config__=ConfigDict(extra="forbid", frozen=True), **given)
        return model

    def read(self, arguments: Mapping[str, Any]) -> Question[Any]:
        """The question with these arguments.

        Raises:
            Taught: an argument is unknown, missing, or not what it should be.
        """
        known = [one.name for one in fields(self.asks)]
        for name in arguments:
            if name not in known:
                missing = [one.name for one in fields(self.asks) if _required(one) and one.name not in arguments]
                raise _unknown(self.name, str(name), known, missing)
        lists = {one for one, schema in self.input_schema["properties"].items() if schema.get("type") == "array"}
        given = {name: _as_list(value) if name in lists else value for name, value in arguments.items() if value is not None}
        given = {name: _of_its_type(name, value, self.input_schema["properties"][name].get("type")) for name, value in given.items()}
        try:
            read = self._model.model_validate(given)
        except ValidationError as error:
            raise _refused(error) from error
        return self.asks(**{name: getattr(read, name) for name in known})


def _field(one: Field[Any], hint: Any) -> tuple[Any, Any]:
    about = next((extra for extra in get_args(hint)[1:] if isinstance(extra, About)), None) if get_origin(hint) is Annotated else None
    default: Any = ... if one.default is MISSING else one.default
    if one.default_factory is not MISSING:
        default = one.default_factory()
    if about is None:
        return (hint, default)
    return (get_args(hint)[0], Described(default, description=about.text, ge=about.least, le=about.most))


def _trimmed(schema: Any, *, names: bool = False) -> Any:
    """Without what repeats the name of a field, and without defaults that only say "empty"."""
    if isinstance(schema, dict):
        kept = {}
        for key, value in schema.items():
            if not names and (key == "title" or (key == "default" and value in ("", None, [], {}))):
                continue
            kept[key] = _trimmed(value, names=key in ("properties", "$defs"))
        return kept
    return [_trimmed(item) for item in schema] if isinstance(schema, list) else schema


def _as_list(value: Any) -> Any:
    """Some clients send a list as its JSON text, or one word for a list of one."""
    if not isinstance(value, str):
        return value
    try:
        read = orjson.loads(value)
    except orjson.JSONDecodeError:
        return [value]
    return read if isinstance(read, list) else [value]


def _of_its_type(name: str, value: Any, kind: object) -> Any:
    """A truth value or a whole number as the schema has it, or as its JSON text, which some clients send for each argument.

    Raises:
        Taught: it is something that could only be taken for one.
    """
    if kind not in _TYPES:
        return value
    read = value
    if isinstance(value, str):
        with suppress(orjson.JSONDecodeError):
            read = orjson.loads(value)
    fits = isinstance(read, bool) if kind == "boolean" else isinstance(read, int | float) and not isinstance(read, bool)
    if fits:
        return read
    word, example = _TYPES[kind]
    got = value[:80] if isinstance(value, str) else type(value).__name__
    meant = _MEANT.get(str(value).strip().lower()) if kind == "boolean" else None
    raise Taught(
        Lesson(
            code=Code.BAD_ARGUMENT,
            sentence=f"{name} is {word}: {example}",
            field=name,
            got=plain_text(got, most=80),
            allowed=("true", "false") if kind == "boolean" else (),
            did_you_mean=(meant,) if meant else (),
        )
    )


def _required(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _unknown(tool: str, name: str, known: list[str], missing: list[str]) -> Taught:
    """The argument most like it; where there is none, the only one that must be given and is not."""
    sentence = f"{tool} has no argument of this name; it takes {', '.join(known) or 'none'}"
    return Taught(
        Lesson(
            code=Code.UNKNOWN_ARGUMENT,
            sentence=sentence,
            field=safe_ref(name[:60]),
            allowed=tuple(known),
            did_you_mean=near(name[:60], known) or (tuple(missing) if len(missing) == 1 else ()),
        )
    )


def _refused(error: ValidationError) -> Taught:
    first = error.errors(include_url=False, include_context=True)[0]
    name = ".".join(safe_ref(str(part)[:60]) for part in first["loc"])
    context = first.get("ctx") or {}
    allowed = tuple(word.strip().strip("'") for word in str(context.get("expected", "")).replace(" or ", ",").split(",") if word.strip())
    given = first["input"] if isinstance(first["input"], str) else ""
    sentence = f"{name} is missing" if first["type"] == "missing" else f"{name}: {first['msg']}"
    bounds = tuple(str(context[bound]) for bound in ("le", "ge") if bound in context)
    return Taught(
        Lesson(
            code=Code.BAD_ARGUMENT,
            sentence=sentence,
            field=name,
            got=given[:80],
            allowed=allowed,
            did_you_mean=near(given[:80], allowed) or bounds,
        )
    )
