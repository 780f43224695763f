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
    Trigger,
    cluster_key,
)
from fleetd.decide.digest import letters
from fleetd.decide.members import Member
from fleetd.decide.rendering import Render
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.objects import SECRETIVE, Manifest, ref_of
from fleetd.domain.records import ReportedObject
from fleetd.domain.refs import ObjectRef, is_secret

PREFIX = "eventtrigger.lib.projectsveltos.io/"
PROFILE_API = f"{CONFIG_GROUP}/v1beta1"
COPIED = (
    "syncMode", "tier", "continueOnConflict", "maxUpdate", "stopMatchingBehavior", "reloader", "dependsOn", "preDeployChecks",
    "validateHealths", "preDeleteChecks", "postDeleteChecks", "patches", "driftExclusions", "extraLabels", "extraAnnotations",
    "helmCharts", "kustomizationRefs", "templateResourceRefs", "patchesFrom",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Generated:
    """What one match makes: the profile last, after what it refers to. `uses` are the declared objects that were read."""

    profile: Manifest = field(repr=False)
    copies: tuple[Manifest, ...] = field(repr=False)
    uses: frozenset[ObjectRef]

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        return (*self.copies, self.profile)


class Missing(EvaluationFailed):
    """A referenced object does not exist (yet)."""

    def __init__(self, ref: ObjectRef, why: str) -> None:
        super().__init__(why)
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
    data = event_data(trigger, member, objects)
    one = objects[0].ref if trigger.one_for_event else None
    labels = {**_tenant(trigger.labels), **_labels(trigger, member, one, source)}
    copies: list[Manifest] = []
    references = []
    for index, item in enumerate(trigger.policy_refs):
        place = f"spec.policyRefs[{index}]"
        reference = dict(item)
        reference["name"] = render.event(item["name"], data, f"{place}.name")
        reference["namespace"] = render.event(item.get("namespace") or "", data, f"{place}.namespace") or member.namespace
        ref = ObjectRef(item["kind"], "", reference["namespace"], reference["name"])
        uses.add(ref)
        content = contents.get(ref)
        if content is None:
            if not item.get("optional"):
                raise Missing(ref, f"{place}: {ref.kind} {ref.namespace}/{ref.name} does not exist")
            continue
        annotations = content["metadata"].get("annotations") or {}
        if INSTANTIATE in annotations:
            copy = _copy(content, labels, data, render, (trigger.name, member.cluster, str(one or ""), str(ref)))
            copies.append(copy)
            reference["namespace"], reference["name"] = GENERATED_NAMESPACE, copy["metadata"]["name"]
        references.append(reference)
    spec: dict[str, Any] = {key: trigger.spec[key] for key in COPIED if trigger.spec.get(key) not in (None, [], {})}
    if references:
        spec["policyRefs"] = references
    spec.update(_destination(trigger, member, data, render))
    name = render.event(trigger.name_format, data, "spec.profileNameFormat") if trigger.name_format else ""
    metadata: dict[str, Any] = {"name": name or f"sveltos-{letters(trigger.name, member.cluster, str(one or ''))}", "labels": labels}
    adopt = {key: value for key, value in trigger.annotations.items() if key.startswith("fleetd.io/")}
    if adopt:
        metadata["annotations"] = adopt
    profile = {"apiVersion": PROFILE_API, "kind": "ClusterProfile", "metadata": metadata, "spec": spec}
    return Generated(profile, tuple(copies), frozenset(uses))


def _destination(trigger: Trigger, member: Member, data: Mapping[str, Any], render: Render) -> dict[str, Any]:
    """The event's own cluster, unless the trigger names others."""
    spec: dict[str, Any] = {}
    if trigger.spec.get("destinationClusterSelector"):
        spec["clusterSelector"] = trigger.spec["destinationClusterSelector"]
    if trigger.destination:
        named = {key: render.event(str(value), data, f"spec.destinationCluster.{key}") for key, value in trigger.destination.items()}
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


def _copy(content: Manifest, labels: Mapping[str, str], data: Mapping[str, Any], render: Render, identity: tuple[str, ...]) -> Manifest:
    """A rendered copy of a ConfigMap or Secret in `projectsveltos`; other annotations go along, so a second template moment works."""
    source = ref_of(content)
    render = replace(render, secretive=render.secretive or is_secret(source))
    annotations = {key: value for key, value in (content["metadata"].get("annotations") or {}).items() if key != INSTANTIATE}
    metadata: dict[str, Any] = {
        "name": f"sveltos-{letters(*identity)}",
        "namespace": GENERATED_NAMESPACE,
        "labels": {**labels, f"{PREFIX}refnamespace": source.namespace, f"{PREFIX}refname": source.name},
    }
    if render.secretive and source.kind != "Secret":
        annotations[SECRETIVE] = "yes"
    if annotations:
        metadata["annotations"] = annotations
    copy: Manifest = {"apiVersion": "v1", "kind": source.kind, "metadata": metadata}
    texts = render.texts(content)
    rendered = {
        key: render.event(text, data, f"{source.kind} {source.namespace}/{source.name}, data[{key}]") for key, text in texts.items()
    }
    if source.kind == "Secret":
        copy["type"] = PROFILE_SECRET_TYPE
        copy["stringData"] = rendered
    else:
        copy["data"] = rendered
    return copy
