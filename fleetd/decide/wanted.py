"""A profile, a cluster and the declared contents make what should stand on the cluster."""

from __future__ import annotations

import base64
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace

from fleetd.decide.definitions import PROFILE_SECRET_TYPE, TEMPLATE, PolicyRef, Profile
from fleetd.decide.digest import Digest, digest
from fleetd.decide.members import Member, template_data
from fleetd.decide.ownership import Owned, hash_of, owned
from fleetd.decide.rendering import Render
from fleetd.domain.errors import GiveUp
from fleetd.domain.objects import Manifest, holds_secrets
from fleetd.domain.refs import ObjectRef


@dataclass(frozen=True, slots=True)
class Parsed:
    """A source's objects with their hashes; shared by all clusters that render it alike."""

    objects: tuple[tuple[Manifest, str], ...] = field(repr=False)
    digest: str


@dataclass(frozen=True, slots=True)
class WantedAddon:
    """One policyRef resolved for one cluster. With a `problem` nothing is known of its objects, so nothing of it is removed."""

    addon: str
    source: PolicyRef
    parsed: Parsed
    digest: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a profile wants on one cluster, in the order of its policyRefs. `uses` are the declared objects it was read from.

    `unknown` is what a restart begins with: that there are no add-ons in it says nothing.
    """

    addons: tuple[WantedAddon, ...]
    uses: frozenset[ObjectRef]
    unknown: bool = False

    @property
    def problem(self) -> str:
        """The first add-on's problem, or empty."""
        if self.unknown:
            return "what is wanted here is not known yet"
        return next((addon.problem for addon in self.addons if addon.problem), "")

    def objects(self, profile: Profile, member: Member, by: Digest = digest) -> tuple[Owned, ...]:
        """All objects with their owner's marks."""
        return tuple(
            owned(manifest, hashed, profile, member, addon.source, by) for addon in self.addons for manifest, hashed in addon.parsed.objects
        )


Cache = MutableMapping[tuple[str, str], Parsed]
"""(the content's ref, digest of text and data) → parsed."""

NOTHING = Parsed((), "")
KEPT_PARSED = 4096
"""Contents kept parsed; the oldest goes first, and is parsed again when somebody asks."""


def wanted(profile: Profile, member: Member, contents: Mapping[ObjectRef, Manifest], render: Render, cache: Cache) -> Wanted:
    """Never raises for what a user wrote: the add-on then carries the problem as one sentence."""
    addons, uses = [], set()
    data = template_data(member)
    for index, item in enumerate(profile.policy_refs):
        try:
            source, ref = resolve(item, member, render, f"spec.policyRefs[{index}]")
        except GiveUp as error:
            addons.append(WantedAddon(str(item), item, NOTHING, "", str(error)))
            continue
        uses.add(ref)
        if source.local:
            problem = "deploymentType Local is not acted on yet: nothing of it is deployed anywhere"
            addons.append(WantedAddon(str(source), source, NOTHING, "", problem))
            continue
        content = contents.get(ref)
        if content is None:
            if not source.optional:
                problem = f"{ref.kind} {ref.namespace}/{ref.name} does not exist"
                addons.append(WantedAddon(str(source), source, NOTHING, "", problem))
            continue
        try:
            parsed = _parse(ref, content, data, member, render, cache)
        except GiveUp as error:
            addons.append(WantedAddon(str(source), source, NOTHING, "", str(error)))
            continue
        marks = render.digest([parsed.digest, profile.tier, profile.sync_mode, source.tier, str(source)])
        addons.append(WantedAddon(str(source), source, parsed, marks))
    return Wanted(tuple(addons), frozenset(uses))


def resolve(item: PolicyRef, member: Member, render: Render, place: str) -> tuple[PolicyRef, ObjectRef]:
    """Fills in the templates of a reference; an empty namespace is that of the matching cluster."""
    data = template_data(member)
    name = render.deploy(item.name, data, f"{place}.name")
    namespace = render.deploy(item.namespace, data, f"{place}.namespace") or member.namespace
    source = PolicyRef(item.kind, namespace, name, item.local, item.optional, item.tier)
    return source, ObjectRef(item.kind, "", namespace, name)


def _parse(ref: ObjectRef, content: Manifest, data: Manifest, member: Member, render: Render, cache: Cache) -> Parsed:
    if content.get("kind") == "Secret" and content.get("type") != PROFILE_SECRET_TYPE:
        raise GiveUp(f"Secret {ref.namespace}/{ref.name} has type {content.get('type') or 'Opaque'}; it must be {PROFILE_SECRET_TYPE}")
    templated = TEMPLATE in (content["metadata"].get("annotations") or {})
    texts = render.texts(content)
    if holds_secrets(content):
        render = replace(render, secretive=True)
    key = (str(ref), digest([texts, templated, member.digest if templated else ""]))
    found = cache.get(key)
    if found is not None:
        return found
    objects: list[Manifest] = []
    for name, text in texts.items():
        place = f"{ref.kind} {ref.namespace}/{ref.name}, data[{name}]"
        objects.extend(map(_as_stored, render.manifests(render.deploy(text, data, place) if templated else text, place)))
    parsed = Parsed(tuple((manifest, hash_of(manifest)) for manifest in objects), render.digest([texts, templated, objects]))
    while len(cache) >= KEPT_PARSED:
        del cache[next(iter(cache))]
    cache[key] = parsed
    return parsed


def _as_stored(manifest: Manifest) -> Manifest:
    """A Secret's `stringData` as the `data` that the server makes of it, so that we own what we compare."""
    if manifest.get("kind") != "Secret" or manifest.get("apiVersion") != "v1" or not isinstance(manifest.get("stringData"), dict):
        return manifest
    coded = {key: base64.b64encode(str(value).encode()).decode() for key, value in manifest["stringData"].items()}
    rest = {key: value for key, value in manifest.items() if key != "stringData"}
    return {**rest, "data": {**(manifest.get("data") or {}), **coded}}
