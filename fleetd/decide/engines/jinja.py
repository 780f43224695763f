"""Jinja2 over plain data: what a template may reach is listed here, and nothing else.

Time and memory are not bounded here: only ever run in a child that may be killed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NoReturn

import orjson
from jinja2 import BaseLoader, Environment, Template, Undefined, nodes
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.tests import TESTS
from jinja2.utils import Namespace

from fleetd.decide.engines.jinja_functions import Callables, Unfit
from fleetd.decide.engines.missing import strict, word_of
from fleetd.decide.gotemplate.formatting import text_of
from fleetd.decide.gotemplate.functions.library import Functions
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import Struct

OWN_FILTERS = (
    "abs", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "escape", "e", "filesizeformat", "first", "float",
    "format", "groupby", "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr",
    "replace", "reverse", "round", "select", "selectattr", "slice", "sort", "string", "sum", "title", "trim", "truncate", "unique",
    "upper", "urlencode", "wordcount", "wordwrap",
)  # fmt: skip
"""Jinja2's filters that are there, with Jinja2's meaning. Not: `attr`, `random`, and those that make HTML."""
OWN_TESTS = tuple(name for name in TESTS if name not in {"escaped", "filter", "test"})
OWN_GLOBALS = ("range", "namespace")
_TEXT = (
    "capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "islower",
    "isspace", "istitle", "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex",
    "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper",
)  # fmt: skip
_LOOP = (
    "index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0", "previtem", "nextitem", "cycle", "changed",
)  # fmt: skip
METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(_TEXT),
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("count", "index")),
    tuple: frozenset(("count", "index")),
    LoopContext: frozenset(_LOOP),
}
"""What may be read of a value beside its keys: no method that changes it, and no `format`."""
_LARGEST_POWER = 4096
_UNREAD = object()


class _Nowhere(BaseLoader):
    def get_source(self, _environment: Environment, template: str) -> Any:
        raise Unfit(f'there are no other templates to take in: "{template}"')


class Jinja(ImmutableSandboxedEnvironment):
    """An environment for one moment: `functions` are the event's or the deployment's."""

    intercepted_binops = frozenset(("*", "**", "%", "+"))

    def __init__(self, functions: Functions, text_bytes: int) -> None:
        self._text_bytes = text_bytes
        self._variables: tuple[str, ...] = ()
        self._made = False
        self.callables = Callables(functions)
        undefined = strict(lambda: self._variables, (*functions, *OWN_GLOBALS))
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            optimized=False,
            autoescape=False,
            undefined=undefined,
            loader=_Nowhere(),
            extensions=("jinja2.ext.loopcontrols",),
            finalize=self._written,
            cache_size=0,
        )
        self.globals = {**self.callables.globals(), "range": safe_range, "namespace": Namespace}
        self.filters = {**self.callables.filters(), **{name: FILTERS[name] for name in OWN_FILTERS}, "tojson": as_json}
        self.tests = {name: TESTS[name] for name in OWN_TESTS}

    def begin(self, run: Run, data: Mapping[str, Any]) -> None:
        """Prepares for one rendering."""
        self.callables.run = run
        self._variables = tuple(data)

    def parts(self, template: Template, data: Mapping[str, Any]) -> Iterator[str]:
        """What a template writes, piece by piece; whoever takes it may stop."""
        # Not `generate`: what it does with errors looks for source files.
        yield from template.root_render_func(template.new_context(dict(data)))

    def placed_parts(self, template: Template, data: Mapping[str, Any]) -> Iterator[tuple[str, int, bool]]:
        """The same, each with the line of the template, from 1, that wrote it, and whether an expression did."""
        writing: Any = template.root_render_func(template.new_context(dict(data)))
        self._made = False
        for part in writing:
            yield part, template.get_corresponding_lineno(writing.gi_frame.f_lineno), self._made
            self._made = False

    def value(self, template: Template, data: Mapping[str, Any]) -> Any:
        """What an expression made by `expression` yields."""
        context = template.new_context(dict(data))
        for _ in template.root_render_func(context):
            pass
        return context.vars["result"]

    def expression(self, node: nodes.Expr) -> Template:
        """A template that yields the expression's value."""
        body: list[nodes.Node] = [nodes.Assign(nodes.Name("result", "store"), node, lineno=node.lineno)]
        return self.from_string(nodes.Template(body, lineno=1))

    def handle_exception(self, source: str | None = None) -> NoReturn:  # noqa: ARG002
        """Jinja2's own makes tracebacks for people, and reads files for them."""
        raise  # noqa: PLE0704 - called within an `except`

    # What may be reached

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`a.b`: a key before a method, and of methods only those that are listed."""
        value = self._part(obj, attribute)
        return self.undefined(obj=obj, name=attribute) if value is _UNREAD else value

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`a[b]`"""
        if isinstance(obj, dict | list | tuple | str) and not isinstance(argument, str if not isinstance(obj, dict) else ()):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self.undefined(obj=obj, name=argument)
        if isinstance(obj, self.undefined):
            str(obj)  # fails, and says what is missing
        value = self._part(obj, argument) if isinstance(argument, str) else _UNREAD
        return self.undefined(obj=obj, name=argument) if value is _UNREAD else value

    def _part(self, obj: Any, name: str) -> Any:
        if isinstance(obj, dict) and name in obj:
            return obj[name]
        if isinstance(obj, Struct):
            return obj.fields.get(name, _UNREAD)
        if isinstance(obj, Namespace):
            return getattr(obj, name, _UNREAD) if not name.startswith("_") else _UNREAD
        for kind, names in METHODS.items():
            if isinstance(obj, kind):
                return getattr(obj, name) if name in names else _UNREAD
        if isinstance(obj, self.undefined):
            str(obj)
        return _UNREAD

    def is_safe_attribute(self, obj: Any, attr: str, _value: Any) -> bool:
        return self._part(obj, attr) is not _UNREAD

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Operators by which a short text makes a large value."""
        if operator == "**":
            return self._power(left, right)
        if operator == "*":
            for sized, times in ((left, right), (right, left)):
                if isinstance(sized, str | list | tuple) and isinstance(times, int):
                    self._room(len(sized) * times)
        value = super().call_binop(context, operator, left, right)
        if isinstance(value, str | list | tuple):
            self._room(len(value))
        return value

    def _room(self, size: int) -> None:
        if size > self._text_bytes:
            raise Unfit(f"a value of {size} characters or elements is made, and {self._text_bytes} are allowed")

    def _power(self, left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > _LARGEST_POWER:
            raise Unfit(f"{word_of(left)} to the power of {right if abs(right) < 10**9 else 'a huge number'} is too large")
        return left**right

    def _written(self, value: Any) -> Any:
        """How a value stands in the text: texts as they are, times and numbers as Go writes them, all else as JSON."""
        self._made = True
        if isinstance(value, (str, self.undefined)):
            return value
        if isinstance(value, Struct | datetime | float) and self.callables.run is not None:
            return text_of(value, self.callables.run)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(int(value))
        if value is None or isinstance(value, bool | dict | list | tuple):
            return written(value)
        raise Unfit(f"a {type(value).__name__.lower()} cannot be written into the text; call it, or make a list of it")


def written(value: Any) -> str:
    """A value as JSON, which is YAML, too."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError as error:
        raise Unfit(f"the value cannot be written as JSON: {error}") from error


def as_json(value: Any, indent: int = 0) -> str:
    """Jinja2's filter `tojson`, without what is for HTML."""
    if isinstance(value, Undefined):
        str(value)  # fails, and says what is missing
    return orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2).decode() if indent else written(value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    raise TypeError(f"it holds a {type(value).__name__.lower()}")
