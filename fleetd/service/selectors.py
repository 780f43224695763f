"""Label selectors and label changes, as people write them on a command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from fleetd.domain.errors import InvalidInput
from fleetd.kubeapi.refusals import ApiRefusal
from fleetd.kubeapi.selectors import labels_match, parse_labels

Selects = Callable[[Mapping[str, str]], bool]


def label_selector(text: str) -> Selects:
    """What says of labels whether they fulfil the selector; an empty one selects everything.

    Raises:
        InvalidInput: it is no selector.
    """
    try:
        parse_labels(text)
    except ApiRefusal as refusal:
        raise InvalidInput(f"{text!r} is no label selector ({refusal}): write a=b,c!=d,e in (f,g),h,!i") from refusal
    return lambda labels: labels_match(text, labels)


def label_changes(words: Iterable[str]) -> dict[str, str | None]:
    """Reads `key=value` and `key-`; None takes a label away.

    Raises:
        InvalidInput: a word is neither, or a key is named twice.
    """
    changes: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            key = word.removesuffix("-")
        if not key or (not equals and not word.endswith("-")):
            raise InvalidInput(f"{word!r} is no change: write key=value to set, key- to take away")
        if key in changes:
            raise InvalidInput(f"{key} is named twice")
        changes[key] = value if equals else None
    return changes


def labels_of(text: str) -> dict[str, str]:
    """Reads `k=v,k2=v2`.

    Raises:
        InvalidInput: a part is no pair.
    """
    changes = label_changes(part.strip() for part in text.split(",") if part.strip())
    if None in changes.values():
        raise InvalidInput(f"{text!r} takes labels away: write key=value,…")
    return {key: value for key, value in changes.items() if value is not None}
