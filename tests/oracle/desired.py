"""What should stand on each cluster, recomputed from what is declared and from what the clusters hold, and nothing else.

It is slow and simple on purpose, and shares no code with the engine. What it does not speak it leaves out, and says so.
"""

from __future__ import annotations

import runpy
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

LANGUAGES = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("languages.py"))))
Beyond = LANGUAGES.Beyond
GO = LANGUAGES.Go()

Manifest = dict[str, Any]
Key = tuple[str, str, str, str]
"""(kind, group, namespace, name)"""
EVENT, DEPLOY = "projectsveltos.io/instantiate", "projectsveltos.io/template"
COMMON = {
    "tier",
    "continueOnConflict",
    "maxUpdate",
    "stopMatchingBehavior",
    "reloader",
    "policyRefs",
    "syncMode",
    "extraLabels",
    "extraAnnotations",
}
OF_TRIGGERS = COMMON | {
    "sourceClusterSelector",
    "eventSourceName",
    "oneForEvent",
    "destinationClusterSelector",
    "profileNameFormat",
    "cloudEventAction",
}
OF_PROFILES = COMMON | {"clusterSelector", "clusterRefs", "continueOnError"}
OF_REFS = {"kind", "namespace", "name", "deploymentType", "tier", "optional", "skipNamespaceCreation", "force"}
OF_SOURCES = {"collectResources", "resourceSelectors"}
OF_SELECTORS = {"group", "version", "kind", "namespace", "name", "labelFilters", "selector", "evaluateCEL"}
MODES = ("Continuous", "ContinuousWithDriftDetection", "OneTime")


def key_of(manifest: Mapping[str, Any]) -> Key:
    """An object's identity."""
    group, slash, _ = str(manifest["apiVersion"]).partition("/")
    metadata = manifest["metadata"]
    return str(manifest["kind"]), group if slash else "", metadata.get("namespace") or "", metadata["name"]


def ref_of(key: Key) -> str:
    """As the views write it."""
    kind, group, namespace, name = key
    return f"{kind}{'.' if group else ''}{group}/{namespace}/{name}"


@dataclass(frozen=True)
class Fact:
    """An object that stands on a cluster."""

    manifest: Manifest

    @property
    def labels(self) -> Mapping[str, str]:
        return self.manifest["metadata"].get("labels") or {}


@dataclass(frozen=True)
class Want:
    """An object that should stand, and why: `maker` is a trigger or profile, with the cluster and object of the event."""

    manifest: Manifest
    mode: str
    maker: str
    event: tuple[str, str] = ("", "")


@dataclass
class Desired:
    """All that should stand by cluster, and the definitions that are beyond the oracle, each with what is."""

    wants: dict[str, dict[Key, list[Want]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass
class Facts:
    """What is declared, by key, and what each member holds, by its `namespace/name`."""

    declared: Mapping[Key, Manifest]
    standing: Mapping[str, Sequence[Fact]]

    def of_kind(self, kind: str) -> Iterator[Manifest]:
        return (manifest for key, manifest in self.declared.items() if key[0] == kind)

    def labels(self, cluster: str) -> Mapping[str, str]:
        return self.member(cluster)["metadata"].get("labels") or {}

    def member(self, cluster: str) -> Manifest:
        namespace, _, name = cluster.partition("/")
        return self.declared["SveltosCluster", "lib.projectsveltos.io", namespace, name]


def desired_of(facts: Facts) -> Desired:
    """What should stand."""
    found = Desired()
    for kind, make in (("EventTrigger", _of_trigger), ("ClusterProfile", _of_profile)):
        for manifest in facts.of_kind(kind):
            maker = f"{kind}/{manifest['metadata']['name']}"
            try:
                made = list(make(facts, manifest, maker))
            except Beyond as beyond:
                found.skipped[maker] = str(beyond)
                continue
            for cluster, want in made:
                found.wants[cluster][key_of(want.manifest)].append(want)
    for manifest in facts.of_kind("Profile"):
        found.skipped[f"Profile/{manifest['metadata']['namespace']}/{manifest['metadata']['name']}"] = "Profiles"
    return found


def speaks(part: Mapping[str, Any], known: set[str], where: str) -> None:
    """Raises Beyond where a part uses more than the oracle knows."""
    for name, value in part.items():
        if name not in known and value not in (None, False, "", [], {}):
            raise Beyond(f"{where}{name}")


def _of_trigger(facts: Facts, manifest: Manifest, maker: str) -> Iterator[tuple[str, Want]]:
    spec = manifest["spec"]
    speaks(spec, OF_TRIGGERS, "")
    _plain(manifest, spec)
    if "{{" in spec["eventSourceName"]:
        raise Beyond("a templated eventSourceName")
    source = facts.declared.get(("EventSource", "lib.projectsveltos.io", "", spec["eventSourceName"]))
    if source is None:
        return
    for cluster in facts.standing:
        if not LANGUAGES.selected(spec["sourceClusterSelector"], facts.labels(cluster)):
            continue
        matching = sorted((fact for fact in facts.standing[cluster] if _selects(source, fact, facts, cluster)), key=_order)
        if any(fact.manifest["kind"] == "Secret" for fact in matching):
            raise Beyond("events of Secrets")
        for event in [[fact] for fact in matching] if spec.get("oneForEvent") else [matching] if matching else []:
            data = _event_data(facts, source, cluster, event, one=bool(spec.get("oneForEvent")))
            destinations = [cluster]
            if spec.get("destinationClusterSelector") is not None:
                chosen = spec["destinationClusterSelector"]
                destinations = [one for one in facts.standing if LANGUAGES.selected(chosen, facts.labels(one))]
            about = (cluster, ref_of(key_of(event[0].manifest)) if spec.get("oneForEvent") else "")
            for ref in spec.get("policyRefs") or ():
                for destination in destinations:
                    for one in _contents(facts, ref, cluster, destination, data):
                        yield destination, Want(one, spec.get("syncMode") or "Continuous", maker, about)


def _of_profile(facts: Facts, manifest: Manifest, maker: str) -> Iterator[tuple[str, Want]]:
    spec = manifest.get("spec") or {}
    speaks(spec, OF_PROFILES, "")
    _plain(manifest, spec)
    named = {f"{ref.get('namespace')}/{ref.get('name')}" for ref in spec.get("clusterRefs") or ()}
    for cluster in facts.standing:
        if cluster not in named and not LANGUAGES.selected(spec.get("clusterSelector"), facts.labels(cluster)):
            continue
        for ref in spec.get("policyRefs") or ():
            for one in _contents(facts, ref, cluster, cluster, None):
                yield cluster, Want(one, spec.get("syncMode") or "Continuous", maker)


def _plain(manifest: Manifest, spec: Mapping[str, Any]) -> None:
    """Nothing that changes what the rest means."""
    if spec.get("syncMode", "Continuous") not in MODES:
        raise Beyond(f"syncMode {spec['syncMode']}")
    if spec.get("stopMatchingBehavior", "WithdrawPolicies") != "WithdrawPolicies":
        raise Beyond("stopMatchingBehavior")
    for name in manifest["metadata"].get("annotations") or {}:
        if name.startswith("fleetd.io/") or "paused" in name:
            raise Beyond(f"the annotation {name}")


def _order(fact: Fact) -> Key:
    return key_of(fact.manifest)


def _selects(source: Manifest, fact: Fact, facts: Facts, cluster: str) -> bool:
    spec = source["spec"]
    speaks(spec, OF_SOURCES, "EventSource.")
    if source["metadata"].get("annotations"):
        raise Beyond("an annotated EventSource")
    return any(_entry(entry, fact, facts, cluster) for entry in spec.get("resourceSelectors") or ())


def _entry(entry: Mapping[str, Any], fact: Fact, facts: Facts, cluster: str) -> bool:
    speaks(entry, OF_SELECTORS, "resourceSelectors.")
    manifest, metadata = fact.manifest, fact.manifest["metadata"]
    group = entry.get("group") or ""
    if manifest["apiVersion"] != (f"{group}/{entry['version']}" if group else entry["version"]) or manifest["kind"] != entry["kind"]:
        return False
    if metadata.get("deletionTimestamp"):
        return False
    if entry.get("namespace") not in (None, "", metadata.get("namespace")) or entry.get("name") not in (None, "", metadata["name"]):
        return False
    if not LANGUAGES.filtered(entry.get("labelFilters") or (), fact.labels):
        return False
    chosen = entry.get("selector") or {}
    if (chosen.get("matchLabels") or chosen.get("matchExpressions")) and not LANGUAGES.selected(chosen, fact.labels):
        return False
    shown = {**manifest, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}
    namespace, _, name = cluster.partition("/")
    beside = {"namespace": namespace, "name": name, "labels": dict(facts.labels(cluster))}
    rules = entry.get("evaluateCEL") or ()
    return not rules or any(LANGUAGES.cel_holds(rule["rule"], shown, beside) for rule in rules)


def _event_data(facts: Facts, source: Manifest, cluster: str, event: Sequence[Fact], *, one: bool) -> Manifest:
    keys = [key_of(fact.manifest) for fact in event]
    references = [
        {"APIVersion": fact.manifest["apiVersion"], "Kind": key[0], "Namespace": key[2], "Name": key[3]}
        for fact, key in zip(event, keys, strict=True)
    ]
    bodies = [fact.manifest for fact in event] if source["spec"].get("collectResources") else []
    data = _cluster_data(facts, cluster)
    if one:
        return {**data, "MatchingResource": references[0], **({"Resource": bodies[0]} if bodies else {})}
    return {**data, "MatchingResources": references, **({"Resources": bodies} if bodies else {})}


def _cluster_data(facts: Facts, cluster: str) -> Manifest:
    namespace, _, name = cluster.partition("/")
    return {"Cluster": facts.member(cluster), "ClusterNamespace": namespace, "ClusterName": name}


def _contents(facts: Facts, ref: Mapping[str, Any], source: str, destination: str, event: Manifest | None) -> Iterator[Manifest]:
    """The objects of one policyRef on a destination; `event` is what an event's templates see, None for a profile."""
    speaks(ref, OF_REFS, "policyRefs.")
    if ref["kind"] != "ConfigMap" or ref.get("deploymentType", "Remote") != "Remote":
        raise Beyond(f"policyRefs of {ref['kind']}, {ref.get('deploymentType', 'Remote')}")
    data = event if event is not None else _cluster_data(facts, destination)
    name = GO.rendered(ref["name"], data)
    namespace = GO.rendered(ref.get("namespace") or "", data) or source.partition("/")[0]
    content = facts.declared.get(("ConfigMap", "", namespace, name))
    if content is None:
        raise Beyond(f"ConfigMap {namespace}/{name}: it is not there")
    marks = content["metadata"].get("annotations") or {}
    if any(mark.startswith("fleetd.io/") or "lua" in mark for mark in marks):
        raise Beyond("another template language")
    for written in (content.get("data") or {}).values():
        made = GO.rendered(written, event) if event is not None and EVENT in marks else written
        yield from _objects(GO.rendered(made, _cluster_data(facts, destination)) if DEPLOY in marks else made)


def _objects(text: str) -> Iterator[Manifest]:
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise Beyond("a text that is no YAML") from error
    for document in documents:
        if document is None:
            continue
        metadata = document.get("metadata") if isinstance(document, dict) else None
        names = (document.get("apiVersion"), document.get("kind"), metadata.get("name")) if isinstance(metadata, dict) else (None,)
        if not all(isinstance(name, str) and name for name in names) or names[1].endswith("List"):
            raise Beyond("a text that holds no object")
        yield document


def falls_short(wanted: Any, live: Any, path: str = "") -> Iterator[str]:
    """The fields that are otherwise than wanted; what is beside them is somebody else's, or the server's."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        for name, value in wanted.items():
            yield from falls_short(value, live.get(name), f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        for number, (one, other) in enumerate(zip(wanted, live, strict=True)):
            yield from falls_short(one, other, f"{path}[{number}]")
    elif wanted != live and not (wanted in (None, {}, []) and live in (None, {}, [])):
        yield f"{path}: wanted {wanted!r}, found {live!r}"
