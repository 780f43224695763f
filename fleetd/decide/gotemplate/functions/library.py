"""The explicit lists of what a template may call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from fleetd.decide.gotemplate.functions import (
    addresses,
    cases,
    dates,
    defaults,
    dicts,
    formats,
    lists,
    numbers,
    reflection,
    regular,
    strings,
    sveltos,
    versions,
)
from fleetd.decide.gotemplate.functions.chance import FUNCTIONS as CHANCE
from fleetd.decide.gotemplate.functions.signature import Function, unavailable
from fleetd.decide.gotemplate.functions.standard import FUNCTIONS as BUILTIN
from fleetd.decide.gotemplate.run import Chance, Surroundings


class Functions(Mapping[str, Function]):
    """Names to functions, and what surrounds them: the time, chance, and the resources that deploy-time functions read."""

    def __init__(self, table: Mapping[str, Function], surroundings: Surroundings) -> None:
        self._table = dict(table)
        self.surroundings = surroundings

    def __getitem__(self, name: str) -> Function:
        return self._table[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


_MUST = (
    "append", "push", "prepend", "first", "rest", "last", "initial", "reverse", "uniq", "compact", "without", "has", "slice", "chunk",
    "merge", "mergeOverwrite", "deepCopy", "regexFind", "regexFindAll", "regexReplaceAll", "regexReplaceAllLiteral", "regexSplit",
)  # fmt: skip
"""Functions whose `must…` form is the same here: every one of ours fails where Sprig's plain form does, too."""
_WORLD = {
    **dict.fromkeys(("env", "expandenv"), "templates do not see the process's environment"),
    "getHostByName": "templates do not speak to the network",
    **dict.fromkeys(
        ("htpasswd", "bcrypt", "derivePassword", "encryptAES", "decryptAES", "genPrivateKey", "buildCustomCert"),
        "keys and passwords are not made in templates; refer to a Secret",
    ),
    **dict.fromkeys(
        ("genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey"),
        "keys and certificates are not made in templates; refer to a Secret",
    ),
}


def _table() -> dict[str, Function]:
    table = dict(BUILTIN)
    for family in (strings, cases, numbers, lists, dicts, defaults, reflection, regular, formats, dates, versions, addresses):
        table.update(family.FUNCTIONS)
    table.update(CHANCE)
    for name in _MUST:
        table[f"must{name[0].upper()}{name[1:]}"] = replace(table[name], name=f"must{name[0].upper()}{name[1:]}")
    table.update({name: unavailable(name, because) for name, because in _WORLD.items()})
    return table


_STANDARD = _table()

STANDARD = Functions(_STANDARD, Surroundings())
"""Go's own functions, Sprig's and Helm's; those that need the time or chance answer with an error."""


def standard_functions(*, now: datetime | None = None, random: Chance | None = None) -> Functions:
    """Go's own functions, Sprig's and Helm's, at a time and with a source of chance."""
    return Functions(_STANDARD, Surroundings(now, random))


def event_functions(*, now: datetime | None = None, random: Chance | None = None) -> Functions:
    """What a template may call when an event happens: Sveltos' functions take an object, `copy .Resource`."""
    return Functions({**_STANDARD, **sveltos.EVENT}, Surroundings(now, random))


def deploy_functions(resources: Mapping[str, Any], *, now: datetime | None = None, random: Chance | None = None) -> Functions:
    """What a template may call at deploy time: Sveltos' functions take an identifier of the resources, `copy "id"`."""
    return Functions({**_STANDARD, **sveltos.DEPLOY}, Surroundings(now, random, resources))
