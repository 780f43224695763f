"""A match and templates make a generated profile, and the copies of what it refers to.

Names and labels are Sveltos' (release 1.14, event-manager). Names are derived from what they stand for, not drawn, so that
the same match always means the same objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleetd.decide.copies import PREFIX, copy_of, fields_read, template_of
from fleetd.decide.definitions import CONFIG_GROUP, GENERATED_NAMESPACE, INSTANTIATE, Trigger, cluster_key
from fleetd.decide.digest import letters
from fleetd.decide.made import fault_of
from fleetd.decide.members import Member
from fleetd.decide.rendering import Render
from fleetd.decide.spots import Flaw, Misrendered, Spot
from fleetd.domain.objects import Manifest, holds_secrets
from fleetd.domain.records import ReportedObject
from fleetd.domain.refs import ObjectRef, is_secret

FROM_GENERATOR = f"{PREFIX}fromgenerator"
PROFILE_API = f"{CONFIG_GROUP}/v1beta1"
COPIED = (
    "syncMode", "tier", "continueOnConflict", "maxUpdate", "stopMatchingBehavior", "reloader", "dependsOn", "preDeployChecks",
    "validateHealths", "preDeleteChecks", "postDeleteChecks", "patches", "driftExclusions", "extraLabels", "extraAnnotations",
    "helmCharts", "kustomizationRefs",
)  # fmt: skip
GENERATORS = (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret"))


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
    if any(is_secret(item.ref) or (item.body is not None and holds_secrets(item.body)) for item in objects):
        render = replace(render, secretive=True)
    render = render.of(None, trigger.annotations)
    one = objects[0].ref if trigger.one_for_event else None
    labels = {**_tenant(trigger.labels), **_labels(trigger, member, one, source)}
    work = _Work(trigger, member, event_data(trigger, member, objects), contents, render, labels, str(one or ""), uses)
    for part, kind in GENERATORS:
        work.generate(part, kind)
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

    def generate(self, part: str, kind: str) -> None:
        """Makes the objects of a generator under the names that it gives; what refers to them by these names finds them."""
        for index, item in enumerate(self.trigger.spec.get(part) or ()):
            spot = self.trigger.spot(part, index)
            source = self._named(kind, item, spot, self.render.event)
            content = self._content(source, spot, optional=bool(item.get("optional")))
            if content is None:
                continue
            name = self.render.event(item["nameFormat"], self.data, spot.below("nameFormat"))
            copy = ObjectRef(kind, "", GENERATED_NAMESPACE, name)
            made = copy_of(name, content, {**self.labels, FROM_GENERATOR: "ok"}, self.data, self.render, self.trigger.annotations)
            wrong = fault_of(made)
            if wrong is not None or copy in self.copies:
                said = wrong.sentence if wrong is not None else f"another generator of this trigger makes {kind} {name}, too"
                raise Misrendered(f"{spot.below('nameFormat')}: {said}", Flaw(spot.below("nameFormat")))
            self.copies[copy], self.sources[copy] = made, self._source(content)

    def _named(self, kind: str, item: Mapping[str, Any], spot: Spot, render: Callable[[str, Mapping[str, Any], Spot], str]) -> ObjectRef:
        """What an entry refers to; without a namespace it lies in the cluster's."""
        name = render(item["name"], self.data, spot.below("name"))
        namespace = render(item.get("namespace") or "", self.data, spot.below("namespace")) or self.member.namespace
        return ObjectRef(kind, "", namespace, name)

    def _content(self, ref: ObjectRef, spot: Spot, *, optional: bool) -> Manifest | None:
        """What is referred to; None where it is not there and need not be."""
        if ref in self.copies:
            return self.copies[ref]
        self.uses.add(ref)
        content = self.contents.get(ref)
        if content is None and not optional:
            raise Missing(ref, f"{spot}: {ref.kind} {ref.namespace}/{ref.name} does not exist", Flaw(spot))
        return content

    def references(self, part: str) -> list[dict[str, Any]]:
        """`policyRefs` or `patchesFrom` with their names filled in; what is to be instantiated is referred to as its copy."""
        found = (self._reference(item, self.trigger.spot(part, index)) for index, item in enumerate(self.trigger.spec.get(part) or ()))
        return [item for item in found if item is not None]

    def _reference(self, item: Mapping[str, Any], spot: Spot) -> dict[str, Any] | None:
        ref = self._named(item["kind"], item, spot, self.render.first)
        content = self._content(ref, spot, optional=bool(item.get("optional")))
        if content is None:
            return None
        reference = {**item, "namespace": ref.namespace, "name": ref.name}
        if INSTANTIATE in (content["metadata"].get("annotations") or {}):
            copy = self._copied(ref, content)
            reference["namespace"], reference["name"] = GENERATED_NAMESPACE, copy.name
        return reference

    def _copied(self, ref: ObjectRef, content: Manifest) -> ObjectRef:
        name = f"sveltos-{letters(self.trigger.name, self.member.cluster, self.one, str(ref))}"
        copy = ObjectRef(ref.kind, "", GENERATED_NAMESPACE, name)
        if copy not in self.copies:
            self.copies[copy] = copy_of(name, content, self.labels, self.data, self.render, self.trigger.annotations)
            self.sources[copy] = self._source(content)
        return copy

    def _source(self, content: Manifest) -> str:
        return f"{template_of(content)}{fields_read(content, self.render, self.trigger.annotations)}"

    def resource(self, index: int, item: Mapping[str, Any]) -> dict[str, Any]:
        """A templateResourceRef with its names filled in; whether the object is there is asked at the deployment."""
        spot = self.trigger.spot("templateResourceRefs", index).below("resource")
        resource = dict(item.get("resource") or {})
        for key in ("name", "namespace"):
            if resource.get(key):
                resource[key] = self.render.first(str(resource[key]), self.data, spot.below(key))
        return {**item, "resource": resource}


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
