"""Schedules of CronJobs: what is wrong with one, in the words of the server's own parser of them."""

from __future__ import annotations

import re
from typing import NamedTuple

MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES.split(" "), 1)}
DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
EVERY = "@every "
DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)")


class _Bounds(NamedTuple):
    least: int
    most: int
    names: dict[str, int]


FIELDS = (_Bounds(0, 59, {}), _Bounds(0, 23, {}), _Bounds(1, 31, {}), _Bounds(1, 12, MONTHS), _Bounds(0, 6, DAYS))


class _Fault(Exception):
    """What the parser says."""


def schedule_fault(text: str) -> str:
    """What is wrong with a schedule; nothing if it can be read. A time zone may stand before it."""
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, _, rest = text.partition(" ")
        if not rest:
            return f"provided bad location {zone.partition('=')[2]}: unknown time zone {zone.partition('=')[2]}"
        text = rest.strip()
    try:
        if text.startswith("@"):
            _word(text)
        else:
            _fields(text)
    except _Fault as fault:
        return str(fault)
    return ""


def _word(text: str) -> None:
    if text.startswith(EVERY):
        length = text.removeprefix(EVERY)
        if not DURATION.fullmatch(length):
            raise _Fault(f'failed to parse duration {text}: time: invalid duration "{length}"')
    elif text not in WORDS:
        raise _Fault(f"unrecognized descriptor: {text}")


def _fields(text: str) -> None:
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise _Fault(f"expected exactly {len(FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]")
    for field, bounds in zip(fields, FIELDS, strict=True):
        for part in filter(None, field.split(",")):
            _range(part, bounds)


def _range(text: str, bounds: _Bounds) -> None:
    span, *steps = text.split("/")
    ends = span.split("-")
    if ends[0] in ("*", "?"):
        low, high = bounds.least, bounds.most
    elif len(ends) > 2:
        raise _Fault(f"too many hyphens: {text}")
    else:
        low = _number(ends[0], bounds.names)
        high = low if len(ends) == 1 else _number(ends[1], bounds.names)
    step = 1
    if len(steps) > 1:
        raise _Fault(f"too many slashes: {text}")
    if steps:
        step = _number(steps[0], {})
        high = bounds.most if len(ends) == 1 else high
    if low < bounds.least:
        raise _Fault(f"beginning of range ({low}) below minimum ({bounds.least}): {text}")
    if high > bounds.most:
        raise _Fault(f"end of range ({high}) above maximum ({bounds.most}): {text}")
    if low > high:
        raise _Fault(f"beginning of range ({low}) beyond end of range ({high}): {text}")
    if not step:
        raise _Fault(f"step of range should be a positive number: {text}")


def _number(text: str, names: dict[str, int]) -> int:
    known = names.get(text.lower())
    if known is not None:
        return known
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        raise _Fault(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(text)
    if number < 0:
        raise _Fault(f"negative number ({number}) not allowed: {text}")
    return number
