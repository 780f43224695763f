"""A match and templates make a generated profile, and the copies of what it refers to.

Names and labels are Sveltos' (release 1.14, event-manager). Names are derived from what they stand for, not drawn, so that
the same match always means the same objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleetd.decide.definitions import (
    CONFIG_GROUP,
    GENERATED_NAMESPACE,
    INSTANTIATE,
    PROFILE_SECRET_TYPE,
    TEMPLATE,
    Trigger,
    cluster_key,
)
from fleetd.decide.digest import digest, letters
from fleetd.decide.languages import Moment
from fleetd.decide.members import Member
from fleetd.decide.rendering import Render
from fleetd.decide.spots import Flaw, Misrendered, Spot
from fleetd.domain.objects import SECRETIVE, Manifest, ref_of
from fleetd.domain.records import ReportedObject
from fleetd.domain.refs import ObjectRef, is_secret

PREFIX = "eventtrigger.lib.projectsveltos.io/"
PROFILE_API = f"{CONFIG_GROUP}/v1beta1"
COPIED = (
    "syncMode", "tier", "continueOnConflict", "maxUpdate", "stopMatchingBehavior", "reloader", "dependsOn", "preDeployChecks",
    "validateHealths", "preDeleteChecks", "postDeleteChecks", "patches", "driftExclusions", "extraLabels", "extraAnnotations",
    "helmCharts", "kustomizationRefs",
)  # fmt: skip
KEYS_TOLD = 3


@dataclass(frozen=True, slots=True)
class Generated:
    """What one match makes: the profile last, after what it refers to. `uses` are the declared objects that were read."""

    profile: Manifest = field(repr=False)
    copies: tuple[Manifest, ...] = field(repr=False)
    uses: frozenset[ObjectRef]
    sources: Mapping[ObjectRef, str] = field(default_factory=dict)
    """copy → which template it was made of, and how that stood"""

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        return (*self.copies, self.profile)


class Missing(Misrendered):
    """A referenced object does not exist (yet)."""

    def __init__(self, ref: ObjectRef, why: str, flaw: Flaw) -> None:
        super().__init__(why, flaw)
        self.ref = ref


def event_data(trigger: Trigger, member: Member, objects: Sequence[ReportedObject]) -> dict[str, Any]:
    """The variables of an event-time template: singular with oneForEvent, else plural; bodies only where collected."""
    data: dict[str, Any] = {"Cluster": member.manifest, "ClusterNamespace": member.namespace, "ClusterName": member.name}
    references = [Render.reference(item.api_version, item.ref) for item in objects]
    bodies = [item.body for item in objects if item.body is not None]
    if trigger.one_for_event:
        data["MatchingResource"] = references[0]
        data["Resource"] = bodies[0] if bodies else None
    else:
        data["MatchingResources"] = references
        data["Resources"] = bodies or None
    return data


def instantiate(
    trigger: Trigger,
    member: Member,
    objects: Sequence[ReportedObject],
    contents: Mapping[ObjectRef, Manifest],
    render: Render,
    *,
    source: str,
    uses: set[ObjectRef],
) -> Generated:
    """Makes the profile for the whole report of `source`, or for the one object given where `oneForEvent` is set.

    Args:
        uses: takes up the declared objects that were looked for, so that they are known when it fails, too.

    Raises:
        EvaluationFailed: a template is wrong or reads what is not there.
        Missing: a ConfigMap or Secret that is referenced does not exist.
    """
    if any(is_secret(item.ref) for item in objects):
        render = replace(render, secretive=True)
    render = render.of(None, trigger.annotations)
    one = objects[0].ref if trigger.one_for_event else None
    labels = {**_tenant(trigger.labels), **_labels(trigger, member, one, source)}
    work = _Work(trigger, member, event_data(trigger, member, objects), contents, render, labels, str(one or ""), uses)
    spec: dict[str, Any] = {key: trigger.spec[key] for key in COPIED if trigger.spec.get(key) not in (None, [], {})}
    for part in ("policyRefs", "patchesFrom"):
        references = work.references(part)
        if references:
            spec[part] = references
    resources = [work.resource(index, item) for index, item in enumerate(trigger.spec.get("templateResourceRefs") or ())]
    if resources:
        spec["templateResourceRefs"] = resources
    spec.update(_destination(trigger, member, work.data, render))
    name = render.event(trigger.name_format, work.data, trigger.spot("profileNameFormat")) if trigger.name_format else ""
    metadata: dict[str, Any] = {"name": name or f"sveltos-{letters(trigger.name, member.cluster, str(one or ''))}", "labels": labels}
    adopt = {key: value for key, value in trigger.annotations.items() if key.startswith("fleetd.io/")}
    if adopt:
        metadata["annotations"] = adopt
    profile = {"apiVersion": PROFILE_API, "kind": "ClusterProfile", "metadata": metadata, "spec": spec}
    return Generated(profile, tuple(work.copies.values()), frozenset(uses), work.sources)


@dataclass(slots=True)
class _Work:
    """One match while it is being made into objects; a content that two references name is copied once."""

    trigger: Trigger
    member: Member
    data: Mapping[str, Any]
    contents: Mapping[ObjectRef, Manifest]
    render: Render
    labels: Mapping[str, str]
    one: str
    uses: set[ObjectRef]
    copies: dict[ObjectRef, Manifest] = field(default_factory=dict)
    sources: dict[ObjectRef, str] = field(default_factory=dict)

    def references(self, part: str) -> list[dict[str, Any]]:
        """`policyRefs` or `patchesFrom` with their names filled in; what is to be instantiated is referred to as its copy."""
        found = (self._reference(item, self.trigger.spot(part, index)) for index, item in enumerate(self.trigger.spec.get(part) or ()))
        return [item for item in found if item is not None]

    def _reference(self, item: Mapping[str, Any], spot: Spot) -> dict[str, Any] | None:
        reference = dict(item)
        reference["name"] = self.render.first(item["name"], self.data, spot.below("name"))
        reference["namespace"] = self.render.first(item.get("namespace") or "", self.data, spot.below("namespace")) or self.member.namespace
        ref = ObjectRef(item["kind"], "", reference["namespace"], reference["name"])
        self.uses.add(ref)
        content = self.contents.get(ref)
        if content is None:
            if not item.get("optional"):
                raise Missing(ref, f"{spot}: {ref.kind} {ref.namespace}/{ref.name} does not exist", Flaw(spot))
            return None
        if INSTANTIATE in (content["metadata"].get("annotations") or {}):
            copy = self._copied(ref, content)
            reference["namespace"], reference["name"] = GENERATED_NAMESPACE, copy.name
        return reference

    def _copied(self, ref: ObjectRef, content: Manifest) -> ObjectRef:
        name = f"sveltos-{letters(self.trigger.name, self.member.cluster, self.one, str(ref))}"
        copy = ObjectRef(ref.kind, "", GENERATED_NAMESPACE, name)
        if copy not in self.copies:
            self.copies[copy] = _copy(name, content, self.labels, self.data, self.render, self.trigger.annotations)
            self.sources[copy] = template_of(content)
        return copy

    def resource(self, index: int, item: Mapping[str, Any]) -> dict[str, Any]:
        """A templateResourceRef with its names filled in; whether the object is there is asked at the deployment."""
        spot = self.trigger.spot("templateResourceRefs", index).below("resource")
        resource = dict(item.get("resource") or {})
        for key in ("name", "namespace"):
            if resource.get(key):
                resource[key] = self.render.first(str(resource[key]), self.data, spot.below(key))
        return {**item, "resource": resource}


def template_of(content: Manifest) -> str:
    """Which template, with its keys and how it stood: by its revision where it has one, else by a digest."""
    ref, metadata = ref_of(content), content["metadata"]
    keys = list(dict.fromkeys((*(content.get("data") or ()), *(content.get("stringData") or ()))))
    more = f" and {len(keys) - KEYS_TOLD} more" if len(keys) > KEYS_TOLD else ""
    revision = metadata.get("resourceVersion") or digest([content.get("data"), content.get("stringData")])[:8]
    return f"{ref.kind} {ref.namespace}/{ref.name} data[{', '.join(keys[:KEYS_TOLD])}]{more}, revision {revision}"


def _destination(trigger: Trigger, member: Member, data: Mapping[str, Any], render: Render) -> dict[str, Any]:
    """The event's own cluster, unless the trigger names others."""
    spec: dict[str, Any] = {}
    if trigger.spec.get("destinationClusterSelector"):
        spec["clusterSelector"] = trigger.spec["destinationClusterSelector"]
    if trigger.destination:
        spot = trigger.spot("destinationCluster")
        named = {key: render.event(str(value), data, spot.below(key)) for key, value in trigger.destination.items()}
        spec["clusterRefs"] = [named] if cluster_key(named) else []
    if not spec:
        spec["clusterRefs"] = [member.reference()]
    return spec


def _labels(trigger: Trigger, member: Member, one: ObjectRef | None, source: str) -> dict[str, str]:
    labels = {
        f"{PREFIX}eventtriggername": trigger.name,
        f"{PREFIX}clusterNamespace": member.namespace,
        f"{PREFIX}clustername": member.name,
        f"{PREFIX}clustertype": member.type,
        f"{PREFIX}eventreportname": source,
        f"{PREFIX}eventsourcename": source,
    }
    if one is not None:
        labels[f"{PREFIX}resourcename"] = one.name
        labels[f"{PREFIX}resourcenamespace"] = one.namespace
    return labels


def _tenant(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key.startswith("projectsveltos.io/serviceaccount-")}


def _copy(
    name: str, content: Manifest, labels: Mapping[str, str], data: Mapping[str, Any], render: Render, beside: Mapping[str, str]
) -> Manifest:
    """A rendered copy of a ConfigMap or Secret in `projectsveltos`; other annotations go along, so a second template moment works."""
    source = ref_of(content)
    render = replace(render, secretive=render.secretive or is_secret(source)).of(content, beside)
    annotations = {key: value for key, value in (content["metadata"].get("annotations") or {}).items() if key != INSTANTIATE}
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": GENERATED_NAMESPACE,
        "labels": {**labels, f"{PREFIX}refnamespace": source.namespace, f"{PREFIX}refname": source.name},
    }
    if render.secretive and source.kind != "Secret":
        annotations[SECRETIVE] = "yes"
    if annotations:
        metadata["annotations"] = annotations
    copy: Manifest = {"apiVersion": "v1", "kind": source.kind, "metadata": metadata}
    texts = render.texts(content)
    rendering = render.first if TEMPLATE in annotations else render.event
    render.foresee(texts.values(), data, Moment.EVENT)
    rendered = {key: rendering(text, data, Spot(source, ("data", key))) for key, text in texts.items()}
    if source.kind == "Secret":
        copy["type"] = PROFILE_SECRET_TYPE
        copy["stringData"] = rendered
    else:
        copy["data"] = rendered
    return copy
