"""Where what stands falls short of what is wanted, field by field; only what is written as wanted counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleetd.decide.spots import Path

NOTHING = object()
"""There is no such field."""
KEYS = ("name", "containerPort", "port", "key", "ip", "mountPath", "type")
"""What tells entries of a list apart where their order means nothing; the first that all wanted entries have counts."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as wanted; `found` is NOTHING where it is not there."""

    path: Path
    wanted: Any
    found: Any


def differences(wanted: Any, found: Any, path: Path = ()) -> Iterator[Difference]:
    """The fields of what is wanted that are otherwise; null means that there is no such field. A list has as many entries as wanted."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            if value is None and key not in found:
                continue
            yield from differences(value, found.get(key, NOTHING), (*path, key))
    elif isinstance(wanted, Sequence) and not isinstance(wanted, str) and isinstance(found, Sequence) and not isinstance(found, str):
        yield from _in_list(wanted, found, path)
    elif not _same(wanted, found):
        yield Difference(path, wanted, found)


def _in_list(wanted: Sequence[Any], found: Sequence[Any], path: Path) -> Iterator[Difference]:
    if len(wanted) != len(found):
        yield Difference(path, wanted, found)
        return
    key = next((key for key in KEYS if all(isinstance(one, Mapping) and key in one for one in (*wanted, *found))), "")
    by_key = {str(one[key]): one for one in found} if key else {}
    keyed = len(by_key) == len(found) and all(str(one[key]) in by_key for one in wanted) if key else False
    for index, one in enumerate(wanted):
        yield from differences(one, by_key[str(one[key])] if keyed else found[index], (*path, index))


def _same(wanted: Any, found: Any) -> bool:
    """JSON's equality: true is not 1."""
    return isinstance(wanted, bool) == isinstance(found, bool) and bool(wanted == found)
