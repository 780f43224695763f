"""Faults from a file: which clusters, when, for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import yaml

from fleetd.domain.errors import InvalidInput
from fleetd.sim.cluster import SimulatedCluster
from fleetd.sim.faults import Fault, FaultKind

NUMBERS = ("at", "for", "seconds")
COUNTS = ("status", "retry_after", "times", "rate")
KEYS = frozenset({"clusters", "kind", "verbs", "path", *NUMBERS, *COUNTS})


@dataclass(frozen=True)
class PlannedFault:
    """A fault for the clusters whose name matches a glob, `at` seconds from the start, for `lasts` seconds (None: until the end)."""

    fault: Fault
    clusters: str = "*"
    at: float = 0.0
    lasts: float | None = None


def parse_faults(text: str) -> tuple[PlannedFault, ...]:
    """Reads the file's form: a YAML list of maps with `kind`, and as wanted `clusters`, `at`, `for` and the fields of a Fault.

    Raises:
        InvalidInput: the text says something else.
    """
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"the faults are no YAML: {error}") from error
    if not isinstance(entries, list):
        raise InvalidInput("the faults are a list: begin each with `- kind: …`")
    return tuple(_planned(number, entry) for number, entry in enumerate(entries, 1))


def _planned(number: int, entry: object) -> PlannedFault:
    where = f"fault {number}"
    if not isinstance(entry, Mapping):
        raise InvalidInput(f"{where} is no map: write `- kind: …`")
    unknown = sorted(map(str, set(entry) - KEYS))
    if unknown:
        raise InvalidInput(f"{where}: {', '.join(unknown)} is not known; there are {', '.join(sorted(KEYS))}")
    kinds = [kind.value for kind in FaultKind]
    if entry.get("kind") not in kinds:
        raise InvalidInput(f"{where}: kind is one of {', '.join(kinds)}")
    for key in (*NUMBERS, *COUNTS):
        wanted = (int, float) if key in NUMBERS else (int,)
        if key in entry and (not isinstance(entry[key], wanted) or isinstance(entry[key], bool) or entry[key] < 0):
            raise InvalidInput(f"{where}: {key} is a number that is not negative")
    return PlannedFault(_fault(where, entry), str(entry.get("clusters", "*")), float(entry.get("at", 0)), _lasts(entry))


def _lasts(entry: Mapping[str, Any]) -> float | None:
    return float(entry["for"]) if "for" in entry else None


def _fault(where: str, entry: Mapping[str, Any]) -> Fault:
    verbs = entry.get("verbs", [])
    if not isinstance(verbs, list) or not all(isinstance(verb, str) for verb in verbs):
        raise InvalidInput(f"{where}: verbs is a list of words like get, watch, patch")
    given = {key: entry[key] for key in ("seconds", "path", *COUNTS) if key in entry}
    return Fault(FaultKind(entry["kind"]), verbs=frozenset(verbs), **given)


async def play(planned: Iterable[PlannedFault], clusters: Mapping[str, SimulatedCluster]) -> None:
    """Injects and heals as planned; returns after the last. Clusters that join later are not struck by what came before."""
    async with asyncio.TaskGroup() as group:
        for each in planned:
            group.create_task(_play(each, clusters))


async def _play(planned: PlannedFault, clusters: Mapping[str, SimulatedCluster]) -> None:
    await asyncio.sleep(planned.at)
    struck = [cluster for name, cluster in clusters.items() if fnmatchcase(name, planned.clusters)]
    for cluster in struck:
        cluster.inject(planned.fault)
    if planned.lasts is not None:
        await asyncio.sleep(planned.lasts)
        for cluster in struck:
            cluster.heal(planned.fault)
