"""Sprig's functions of chance; the source of chance is given from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleetd.decide.gotemplate.functions.formats import base64_of
from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.run import Chance, Run
from fleetd.decide.gotemplate.values import CallFailed, Int

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"


def chance_of(run: Run, name: str) -> Chance:
    """The given source of chance.

    Raises:
        CallFailed: none was given.
    """
    chance = run.surroundings.chance
    if chance is None:
        raise CallFailed(f"{name} is not available: no source of chance was given")
    return chance


def shuffle(run: Run, text: str) -> str:
    chance = chance_of(run, "shuffle")
    letters = list(text)
    run.spend(len(letters))
    for at in range(len(letters) - 1, 0, -1):
        other = chance.randrange(at + 1)
        letters[at], letters[other] = letters[other], letters[at]
    return "".join(letters)


def _drawn(name: str, alphabet: str) -> Callable[[Run, int], str]:
    def draw(run: Run, count: int) -> str:
        chance = chance_of(run, name)
        _room(run, count)
        return "".join(alphabet[chance.randrange(len(alphabet))] for _ in range(count))

    return draw


def _room(run: Run, count: int) -> None:
    if count < 0:
        raise CallFailed("the length is negative")
    run.text(count)
    run.spend(count)


def random_int(run: Run, low: int, high: int) -> Int:
    chance = chance_of(run, "randInt")
    if high <= low:
        raise CallFailed("invalid argument to Intn")
    return Int(low + chance.randrange(high - low))


def random_bytes(run: Run, count: int) -> str:
    chance = chance_of(run, "randBytes")
    _room(run, count)
    return base64_of(bytes(chance.randrange(256) for _ in range(count)))


def uuid4(run: Run) -> str:
    chance = chance_of(run, "uuidv4")
    digits = [chance.randrange(16) for _ in range(32)]
    digits[12], digits[16] = 4, digits[16] & 3 | 8
    text = "".join(f"{digit:x}" for digit in digits)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_TABLE: dict[str, tuple[str, Any]] = {
    "shuffle": ("meter string", shuffle),
    "randAlpha": ("meter int", _drawn("randAlpha", _LETTERS)),
    "randAlphaNum": ("meter int", _drawn("randAlphaNum", _LETTERS + _DIGITS)),
    "randNumeric": ("meter int", _drawn("randNumeric", _DIGITS)),
    "randAscii": ("meter int", _drawn("randAscii", "".join(map(chr, range(32, 127))))),
    "randInt": ("meter int int", random_int),
    "randBytes": ("meter int", random_bytes),
    "uuidv4": ("meter", uuid4),
}

FUNCTIONS: dict[str, Function] = declare(_TABLE)
