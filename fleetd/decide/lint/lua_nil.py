"""Scripts that look into a part of an object which need not be there, without asking first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleetd.decide.lint.given import Given
from fleetd.decide.lint.lua_code import Token, finding_at, readable_scripts, tokens_of
from fleetd.decide.lint.lua_names import bound_names, given_in
from fleetd.domain.findings import Finding
from fleetd.domain.kinds.mistakes import dotted

_OPTIONAL = frozenset(
    {
        ("metadata", "labels"),
        ("metadata", "annotations"),
        ("metadata", "ownerReferences"),
        ("metadata", "finalizers"),
        ("status", "conditions"),
        ("status", "containerStatuses"),
        ("status", "initContainerStatuses"),
        ("loadBalancer", "ingress"),
        ("spec", "nodeSelector"),
        ("spec", "tolerations"),
        ("obj", "data"),
        ("obj", "stringData"),
    }
)
"""Parts that objects may well lack, by their last two names."""

_WALKS = frozenset({"pairs", "ipairs", "next", "unpack"})
_CATCHES = frozenset({"pcall", "xpcall"})


def check_lua_nils(given: Given) -> Iterator[Finding]:
    """The first use of each optional part that is not asked for before."""
    for document, path, script in readable_scripts(given):
        tokens = tokens_of(script)
        if any(token.text in _CATCHES for token in tokens):
            continue
        nobody = {"obj"} - {given_in(path)} - bound_names(tokens)
        for chain, offset in _unguarded(tokens):
            if chain.partition(".")[0] in nobody:
                continue
            message = f"{dotted(path)}: {chain} may be nil, and the script fails on every object without it"
            said = {"code": "FD209", "message": message, "fix": f"ask first: {chain} and …, or use ({chain} or {{}})"}
            yield finding_at(document, path, script, offset, said)


def _unguarded(tokens: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """The optional parts that are looked into before anything asks whether they are there, and where."""
    asked: set[str] = set()
    stand_ins: set[str] = set()
    place = 0
    while place < len(tokens):
        names, end = _chain(tokens, place)
        if not names:
            place += 1
            continue
        within = _opens(tokens, end) or _walked(tokens, place, end)
        for length in range(1, len(names) + 1):
            chain = ".".join(names[:length])
            if chain in asked or not (chain in stand_ins if length == 1 else _optional(names[length - 2 : length])):
                continue
            asked.add(chain)
            if length < len(names) or within:
                yield chain, tokens[place].offset
            elif (variable := _variable(tokens, place, end)) is not None:
                # `local labels = obj.metadata.labels`: whoever looks into the variable looks into the part.
                asked.discard(variable)
                stand_ins.add(variable)
        place = end


def _optional(last_two: Sequence[str]) -> bool:
    """Whatever the object is called, its parts are its parts."""
    owner, part = last_two
    return ("obj" if owner == "resource" else owner, part) in _OPTIONAL


def _variable(tokens: Sequence[Token], place: int, end: int) -> str | None:
    """The variable that just this chain is given to."""
    if place < 2 or tokens[place - 1].text != "=" or tokens[place - 2].kind != "word" or (place > 2 and tokens[place - 3].text == "."):
        return None
    return None if end < len(tokens) and tokens[end].text in ("or", "and") else tokens[place - 2].text


def _chain(tokens: Sequence[Token], place: int) -> tuple[list[str], int]:
    """The names `a.b.c` that begin here, and where they end; none where no name begins."""
    if tokens[place].kind != "word" or (place and tokens[place - 1].text in (".", ":")):
        return [], place
    names = [tokens[place].text]
    place += 1
    while place + 1 < len(tokens) and tokens[place].text == "." and tokens[place + 1].kind == "word":
        names.append(tokens[place + 1].text)
        place += 2
    return names, place


def _opens(tokens: Sequence[Token], end: int) -> bool:
    return end < len(tokens) and tokens[end].text == "["


def _walked(tokens: Sequence[Token], place: int, end: int) -> bool:
    before = [token.text for token in tokens[max(0, place - 2) : place]]
    if before[-1:] == ["#"]:
        return True
    return len(before) == 2 and before[0] in _WALKS and before[1] == "(" and end < len(tokens) and tokens[end].text == ")"
