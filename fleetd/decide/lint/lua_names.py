"""Scripts that speak of an object by the name that it has in another place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleetd.decide.lint.given import Given
from fleetd.decide.lint.lua_code import Token, finding_at, readable_scripts, tokens_of
from fleetd.domain.findings import Finding
from fleetd.domain.kinds.mistakes import Path, dotted

_GIVEN = {"evaluate": "obj", "script": "obj"}
"""What a script is given; in every other place it is `resources`."""

_NAMES = frozenset({"obj", "resource", "resources"})


def check_lua_names(given: Given) -> Iterator[Finding]:
    """The first use of `obj` where there are `resources`, and the other way round; names that a script sets itself are its own."""
    for document, path, script in readable_scripts(given):
        own, tokens = given_in(path), tokens_of(script)
        foreign = _NAMES - {own} - bound_names(tokens)
        token = next((token for place, token in enumerate(tokens) if token.text in foreign and _read(tokens, place)), None)
        if token is not None:
            message = f"{dotted(path)}: there is no {token.text} here; the script is given {own}"
            fix = f"write {own} for {token.text}" if own == "obj" else "go through them: for _, one in ipairs(resources) do … end"
            yield finding_at(document, path, script, token.offset, {"code": "FD211", "message": message, "fix": fix})


def given_in(path: Path) -> str:
    """What a script at this path is given."""
    return _GIVEN.get(str(path[-1]), "resources")


def _read(tokens: Sequence[Token], place: int) -> bool:
    before = tokens[place - 1].text if place else ""
    after = tokens[place + 1].text if place + 1 < len(tokens) else ""
    return tokens[place].kind == "word" and before not in (".", ":") and after != "="


def bound_names(tokens: Sequence[Token]) -> set[str]:
    """Names that the script sets: local ones, loop variables, parameters, globals."""
    bound: set[str] = set()
    for place, token in enumerate(tokens):
        after = tokens[place + 1].text if place + 1 < len(tokens) else ""
        if token.kind == "word" and after == "=":
            bound.add(token.text)
        elif token.text in ("local", "for"):
            bound |= _listed(tokens, place + 1)
        elif token.text == "function":
            opening = next((number for number in range(place, min(place + 6, len(tokens))) if tokens[number].text == "("), len(tokens))
            bound |= _listed(tokens, opening + 1)
    return bound


def _listed(tokens: Sequence[Token], place: int) -> set[str]:
    """`a, b, c`."""
    names: set[str] = set()
    while place < len(tokens) and tokens[place].kind == "word" and tokens[place].text != "function":
        names.add(tokens[place].text)
        if place + 1 >= len(tokens) or tokens[place + 1].text != ",":
            break
        place += 2
    return names
