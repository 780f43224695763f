"""The types of the built-in kinds: which fields there are, and what may stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from importlib.resources import files

FACTS = "builtin_types.txt"


class Sort(Enum):
    """The codes of the table; a struct has none."""

    STRUCT = ""
    LIST = "["
    MAP = "{"
    TEXT = "s"
    BYTES = "y"
    TRUTH = "b"
    INT32 = "i"
    INT64 = "l"
    NUMBER = "d"
    QUANTITY = "q"
    INT_OR_TEXT = "x"
    TIME = "t"
    MICROTIME = "m"
    ANY = "o"


GO_TYPES = {
    Sort.TEXT: "string",
    Sort.BYTES: "[]uint8",
    Sort.TRUTH: "bool",
    Sort.INT32: "int32",
    Sort.INT64: "int64",
    Sort.NUMBER: "float64",
    Sort.QUANTITY: "resource.Quantity",
    Sort.INT_OR_TEXT: "intstr.IntOrString",
    Sort.TIME: "v1.Time",
    Sort.MICROTIME: "v1.MicroTime",
    Sort.ANY: "interface {}",
}


LEAVES: Mapping[Sort, type] = {Sort.TEXT: str, Sort.BYTES: str, Sort.TRUTH: bool}


@dataclass(slots=True, eq=False)
class Type:
    """One type; `element` is that of a list's items or a map's values, `required` the fields that a struct cannot do without."""

    sort: Sort
    name: str = ""
    fields: dict[str, Type] = field(default_factory=dict, repr=False)
    required: tuple[str, ...] = ()
    element: Type | None = field(default=None, repr=False)
    leaf: type | None = None
    """The one Python type whose every value is right."""

    @property
    def holds_forms(self) -> bool:
        """Whether something stands anywhere in it that the server writes in one form only: a quantity or a time."""
        return _holds_forms(self)

    @property
    def of(self) -> Type:
        """The element of a list or map."""
        return self.element or ANY

    @property
    def title(self) -> str:
        """The name without the group that tells it from others of that name."""
        return self.name.partition("@")[0]

    @property
    def go(self) -> str:
        """The name of the type in messages."""
        match self.sort:
            case Sort.STRUCT:
                return f"{'v2' if self.name.endswith('@v2') else 'v1'}.{self.title}"
            case Sort.LIST:
                return f"[]{self.of.go}"
            case Sort.MAP:
                return f"map[string]{self.of.go}"
            case _:
                return GO_TYPES[self.sort]


ANY = Type(Sort.ANY)


@cache
def _holds_forms(root: Type) -> bool:
    seen, waiting = {root}, [root]
    while waiting:
        kind = waiting.pop()
        if kind.sort in (Sort.QUANTITY, Sort.TIME, Sort.MICROTIME):
            return True
        # The times of metadata are the server's own.
        fields = () if kind.name == "ObjectMeta" else kind.fields.values()
        for below in (*fields, *((kind.element,) if kind.element else ())):
            if below not in seen:
                seen.add(below)
                waiting.append(below)
    return False


@dataclass(frozen=True, slots=True)
class _Table:
    kinds: Mapping[tuple[str, str], Type]
    types: Mapping[str, Type]


@cache
def _table() -> _Table:
    """The table of facts, read once."""
    text = (files("fleetd.kubeapi") / FACTS).read_text(encoding="utf-8")
    said, lines = (part for part in text.split("\n\n")[1:3])
    known: dict[str, Type] = {
        code.value: Type(code, leaf=LEAVES.get(code)) for code in Sort if code not in (Sort.STRUCT, Sort.LIST, Sort.MAP)
    }
    for line in lines.splitlines():
        name = line.partition(":")[0]
        known[name] = Type(Sort.STRUCT, name)
    for line in lines.splitlines():
        name, _, groups = line.partition(":")
        _fill(known, known[name], groups.strip())
    kinds: dict[tuple[str, str], Type] = {}
    for line in said.splitlines():
        version, _, names = line.partition(":")
        for kind, _, name in (word.partition("=") for word in names.split()):
            kinds[version, kind] = known[name or kind]
    return _Table(kinds, known)


def _fill(known: dict[str, Type], struct: Type, groups: str) -> None:
    required = []
    for group in groups.split("; ") if groups else ():
        code, *names = group.split()
        for name in names:
            struct.fields[name.rstrip("!")] = _coded(known, code)
            if name.endswith("!"):
                required.append(name[:-1])
    struct.required = tuple(required)


def _coded(known: dict[str, Type], code: str) -> Type:
    found = known.get(code)
    if found is None:
        found = known[code] = Type(Sort(code[0]), element=_coded(known, code[1:]))
    return found


def type_of(api_version: str, kind: str) -> Type | None:
    """The type of a built-in kind."""
    return _table().kinds.get((api_version, kind))


def named_type(name: str) -> Type:
    """A type by its name in the table."""
    return _table().types[name]
