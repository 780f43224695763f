"""The clusters of a world against what the oracle says should stand on them."""

from __future__ import annotations

import json
import runpy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fleetd.domain.errors import NotFound

DESIRED = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("desired.py"))))

USUAL = (
    ("v1", "Namespace ConfigMap Secret Service Endpoints Pod ResourceQuota ServiceAccount"),
    ("apps/v1", "Deployment StatefulSet"),
    ("batch/v1", "Job"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "Role RoleBinding ClusterRole"),
)
"""Kinds that are looked through for what should not be there, beside those that some definition names."""
OWNER_KIND, OWNER_NAME = "projectsveltos.io/owner-kind", "projectsveltos.io/owner-name"
AT_REST = ("deployed", "healthy")
OURS = "fleetd"


@dataclass
class Found:
    """What is wrong now, what could not be judged, and how many objects were held against each other."""

    wrong: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    compared: int = 0


@dataclass
class Rows:
    """What fleetd itself says is not in order. It excuses, and is told; it never says what should be."""

    addons: Sequence[Mapping[str, Any]]
    matches: Sequence[Mapping[str, Any]]
    generated: Sequence[Mapping[str, Any]]
    put: set[tuple[str, str]]
    held: bool

    def maker_of(self, profile: str) -> str:
        """The trigger that made a profile, else the profile itself."""
        name = profile.partition("/")[2]
        for row in self.generated:
            if row["ref"].partition("/")[0].startswith("ClusterProfile") and row["ref"].endswith(f"/{name}"):
                return f"EventTrigger/{row['event_trigger']}"
        return profile

    def excuse(self, cluster: str, want: Any) -> str:
        """Why fleetd says that something which should stand does not; empty where it says nothing."""
        profiles = {want.maker}
        if want.maker.startswith("EventTrigger/"):
            trigger = want.maker.partition("/")[2]
            mine = [row for row in self.generated if row["event_trigger"] == trigger and row["cluster"] == want.event[0]]
            names = [row["ref"] for row in mine if (row["object_ref"] or "") == want.event[1] and row["ref"].startswith("ClusterProfile")]
            profiles = {f"ClusterProfile/{name.rpartition('/')[2]}" for name in names}
            for row in self.matches:
                same = row["event_trigger"] == trigger and row["cluster"] == want.event[0] and (row["object_ref"] or "") == want.event[1]
                if same and row["superseded_at"] is None and row["state"] not in ("acted", "acting") and row["reason"]:
                    return f"match {row['state']}: {row['reason']}"
        for row in self.addons:
            if row["profile"] in profiles and row["cluster"] == cluster and row["state"] not in AT_REST and row["reason"]:
                return f"add-on {row['state']}: {row['reason']}"
        return ""


async def compare(world: Any) -> Found:
    """Looks once."""
    found = Found()
    declared = {}
    for row in await world.rows("SELECT manifest, state, reason FROM fleet_declared"):
        manifest = json.loads(row["manifest"]) if isinstance(row["manifest"], str) else row["manifest"]
        key = DESIRED.key_of(manifest)
        # As written: without what the server of the management plane adds.
        metadata = {
            name: value for name, value in manifest["metadata"].items() if name not in ("managedFields", "resourceVersion", "generation")
        }
        declared[key] = {**manifest, "metadata": metadata}
        if row["state"] == "failed":
            found.skipped.append(f"{key[0]} {key[3]}: {row['reason']}")
    clusters = await world.rows("SELECT cluster, name, kind, connection, paused FROM fleet_clusters")
    plane = declared.get(("SveltosCluster", "lib.projectsveltos.io", "mgmt", "mgmt"), {"metadata": {}})
    if plane["metadata"].get("labels") or any(row["kind"] != "SveltosCluster" for row in clusters):
        found.skipped.append("all: the management plane, or a Cluster API cluster, is a member")
        return found
    clusters = [row for row in clusters if row["cluster"] != "mgmt/mgmt"]
    if found.skipped:
        return found  # what a definition led to before it was broken stays
    away = {row["cluster"] for row in clusters if row["connection"] != "ready" or row["paused"] or row["name"] not in world.fleet.clusters}
    away |= {row["cluster"] for row in clusters if DESIRED.Facts(declared, {}).member(row["cluster"])["metadata"].get("annotations")}
    kinds = _kinds(declared)
    standing = {row["cluster"]: await _standing(world, row["name"], kinds) for row in clusters if row["cluster"] not in away}
    found.skipped += [f"{cluster}: away, paused or leaving" for cluster in sorted(away)]
    if away:
        return found  # what happens there may lead to something elsewhere
    facts = DESIRED.Facts(declared, standing)
    desired = DESIRED.desired_of(facts)
    found.skipped += [f"{maker}: {why}" for maker, why in desired.skipped.items()]
    more = {
        (want.manifest["apiVersion"], want.manifest["kind"]) for wants in desired.wants.values() for all_ in wants.values() for want in all_
    }
    for row in clusters:
        standing[row["cluster"]] += await _standing(world, row["name"], more - kinds)
    rows = await _rows(world)
    for cluster, objects in standing.items():
        _compare(found, cluster, objects, desired, rows)
    return found


def _kinds(declared: Mapping[Any, Any]) -> set[tuple[str, str]]:
    kinds = {(api_version, kind) for api_version, several in USUAL for kind in several.split()}
    for key, manifest in declared.items():
        if key[0] == "EventSource":
            for entry in manifest["spec"].get("resourceSelectors") or ():
                group = entry.get("group") or ""
                kinds.add((f"{group}/{entry['version']}" if group else entry["version"], entry["kind"]))
    return kinds


async def _standing(world: Any, name: str, kinds: set[tuple[str, str]]) -> list[Any]:
    found = []
    for api_version, kind in sorted(kinds):
        try:
            objects = await world[name].objects(api_version, kind)
        except NotFound:  # not served there
            continue
        found += [DESIRED.Fact({"apiVersion": api_version, "kind": kind, **one}) for one in objects]
    return found


async def _rows(world: Any) -> Rows:
    return Rows(
        await world.rows("SELECT profile, cluster, state, reason FROM fleet_addons"),
        await world.rows("SELECT event_trigger, cluster, object_ref, state, reason, superseded_at FROM fleet_trigger_matches"),
        await world.rows("SELECT ref, event_trigger, cluster, object_ref FROM fleet_generated"),
        {(row["cluster"], row["object_ref"]) for row in await world.rows("SELECT cluster, object_ref FROM fleet_objects")},
        bool(await world.rows("SELECT id FROM fleet_proposals WHERE state IN ('waiting', 'rejected', 'expired')")),
    )


def _compare(found: Found, cluster: str, objects: Sequence[Any], desired: Any, rows: Rows) -> None:
    live = {DESIRED.key_of(fact.manifest): fact.manifest for fact in objects}
    wants = {_as_there(key, live): wanted for key, wanted in desired.wants.get(cluster, {}).items()}
    for key, wanted in wants.items():
        found.compared += 1
        said = [_missing(cluster, key, live, want, rows) for want in wanted]
        if all(said):  # of several that want the same, one has it
            _note(
                found,
                f"{cluster}: {DESIRED.ref_of(key)}: {said[0]}",
                next(filter(None, (rows.excuse(cluster, want) for want in wanted)), ""),
            )
    for key, manifest in live.items():
        marks = manifest["metadata"].get("annotations") or {}
        if OWNER_NAME not in marks or key in wants:
            continue
        maker = rows.maker_of(f"{marks[OWNER_KIND]}/{marks[OWNER_NAME]}")
        if maker not in desired.skipped and marks[OWNER_KIND] != "Profile":
            found.compared += 1
            _note(found, f"{cluster}: {DESIRED.ref_of(key)} of {maker} stands, and nothing wants it", "a loss is held" if rows.held else "")


def _as_there(key: Any, live: Mapping[Any, Any]) -> Any:
    """An object that is written without a namespace stands in `default`, if its kind has any."""
    kind, group, namespace, name = key
    return (kind, group, "default", name) if not namespace and key not in live and (kind, group, "default", name) in live else key


def _note(found: Found, sentence: str, excuse: str) -> None:
    if excuse:
        found.skipped.append(f"{sentence} ({excuse})")
    else:
        found.wrong.append(sentence)


def _missing(cluster: str, key: Any, live: Mapping[Any, Any], want: Any, rows: Rows) -> str:
    """What is wrong with an object that should stand; empty where nothing is."""
    corrected = want.mode == "ContinuousWithDriftDetection"
    found = live.get(key)
    if found is None:
        gone_by_hand = not corrected and (cluster, DESIRED.ref_of(key)) in rows.put
        return "" if gone_by_hand else "it is not there"
    if key[0] == "Secret" or want.mode == "OneTime":
        return ""
    others = {entry["manager"] for entry in found["metadata"].get("managedFields") or () if not entry["manager"].startswith(OURS)}
    if others and not corrected:
        return ""
    return "; ".join(DESIRED.falls_short(want.manifest, found))
