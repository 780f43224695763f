"""Objects of the management plane that a profile's templates may read: `.MgmtResources.<identifier>` and `getResource`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleetd.decide.definitions import Profile, ResourceRef
from fleetd.decide.digest import digest
from fleetd.decide.members import Member, template_data
from fleetd.decide.rendering import Render
from fleetd.decide.spots import Flaw, Misrendered, Spot
from fleetd.domain.kinds.registry import spec_of
from fleetd.domain.objects import Manifest, holds_secrets
from fleetd.domain.refs import GroupVersionKind, ObjectRef

UNSHOWN = ("managedFields", "resourceVersion", "generation")
"""What every write changes; no template is to be rendered anew for it."""


@dataclass(frozen=True, slots=True)
class Resources:
    """By identifier, as templates see them. `secretive`: a Secret is among them."""

    found: Mapping[str, Manifest] = field(repr=False)
    digest: str
    secretive: bool


NONE = Resources({}, "", secretive=False)


def read_resources(
    profile: Profile, member: Member, contents: Mapping[ObjectRef, Manifest], render: Render, uses: set[ObjectRef]
) -> Resources:
    """What the profile's templates may read for this cluster.

    Args:
        uses: takes up the objects that were looked for, so that they are known when one is missing, too.

    Raises:
        GiveUp: a name cannot be rendered, or what is not optional does not exist.
    """
    if not profile.resource_refs:
        return NONE
    found: dict[str, Manifest] = {}
    secretive = False
    missing: Misrendered | None = None
    for index, item in enumerate(profile.resource_refs):
        spot = Spot(profile.ref, ("spec", "templateResourceRefs", index))
        ref = _resolve(item, member, render, spot)
        uses.add(ref)
        content = contents.get(ref)
        if content is not None:
            found[item.identifier] = seen_by_templates(content, item)
            secretive = secretive or holds_secrets(content)
        elif not item.optional and missing is None:
            name = f"{ref.kind} {ref.namespace}/{ref.name}" if ref.namespace else f"{ref.kind} {ref.name}"
            missing = Misrendered(f"{spot}: {name}, which templates read as {item.identifier}, does not exist", Flaw(spot))
    if missing is not None:
        raise missing
    return Resources(found, digest(found), secretive)


def _resolve(item: ResourceRef, member: Member, render: Render, spot: Spot) -> ObjectRef:
    data = template_data(member)
    gvk = GroupVersionKind.of(item.api_version, item.kind)
    name = render.deploy(item.name, data, spot.below("resource", "name"))
    namespace = render.deploy(item.namespace, data, spot.below("resource", "namespace"))
    known = spec_of(gvk.group_kind)
    spread = known is not None and not known.namespaced
    return ObjectRef(gvk.kind, gvk.group, "" if spread else namespace or member.namespace, name)


def seen_by_templates(manifest: Manifest, item: ResourceRef) -> Manifest:
    """The object without what every write changes; only its watched fields where there are any, else maybe without its status."""
    if item.watched:
        return _only(manifest, item.watched)
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in UNSHOWN}
    shown = {key: value for key, value in manifest.items() if key != "status" or not item.ignore_status}
    return {**shown, "metadata": metadata}


def _only(manifest: Manifest, paths: Iterable[str]) -> Manifest:
    kept: Manifest = {}
    for path in paths:
        *way, last = path.strip(".").split(".")
        value: Any = manifest
        place: Any = kept
        for step in way:
            value = value.get(step) if isinstance(value, dict) else None
            place = place.setdefault(step, {}) if isinstance(value, dict) and isinstance(place, dict) else {}
        if isinstance(value, dict) and last in value and isinstance(place, dict):
            place[last] = value[last]
    return kept
