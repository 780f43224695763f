"""A profile, a cluster and the declared contents make what should stand on the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleetd.decide.definitions import PROFILE_SECRET_TYPE, PolicyRef, Profile
from fleetd.decide.digest import Digest, digest
from fleetd.decide.engines.answers import Awaited
from fleetd.decide.kinds_allowed import check_kinds
from fleetd.decide.languages import Moment
from fleetd.decide.made import as_stored, documents_of, fault_of
from fleetd.decide.members import Member, template_data
from fleetd.decide.ownership import Owned, hash_of, owned
from fleetd.decide.patching.patches import apply_patches
from fleetd.decide.patching.reading import Patches, Reader
from fleetd.decide.rendering import Render
from fleetd.decide.resources import read_resources
from fleetd.decide.spots import Flaw, Misrendered, Spot
from fleetd.domain.errors import EvaluationFailed, GiveUp
from fleetd.domain.objects import Manifest, holds_secrets, ref_of
from fleetd.domain.refs import ObjectRef


@dataclass(frozen=True, slots=True)
class Parsed:
    """A source's objects with their hashes; shared by all clusters that render it alike."""

    objects: tuple[tuple[Manifest, str], ...] = field(repr=False)
    digest: str
    used: frozenset[str] = frozenset()
    """the places of the patches that were for one of them"""


@dataclass(frozen=True, slots=True)
class WantedAddon:
    """One policyRef resolved for one cluster. With a `problem` nothing is known of its objects, so nothing of it is removed.

    `flaw` is where the problem stands; a `note` is said on the row of an add-on that is deployed.
    """

    addon: str
    source: PolicyRef
    parsed: Parsed
    digest: str
    problem: str = ""
    flaw: Flaw | None = None
    note: str = ""
    waits: bool = False
    """The problem is that an answer has not come yet."""


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

    @property
    def waits(self) -> bool:
        """Whether it will be known more of it when an answer comes."""
        return any(addon.waits for addon in self.addons)

    def objects(self, profile: Profile, member: Member, by: Digest = digest) -> tuple[Owned, ...]:
        """All objects with their owner's marks."""
        return tuple(
            owned(manifest, hashed, profile, member, addon.source, by) for addon in self.addons for manifest, hashed in addon.parsed.objects
        )


Hashed = tuple[tuple[Manifest, str], ...]
"""Objects with their hashes."""
Cache = MutableMapping[tuple[str, str], Parsed]
"""(the content's ref, digest of text and data) → parsed."""

NOTHING = Parsed((), "")
KEPT_PARSED = 4096
"""Contents kept parsed; the oldest goes first, and is parsed again when somebody asks."""


def wanted(profile: Profile, member: Member, contents: Mapping[ObjectRef, Manifest], render: Render, cache: Cache) -> Wanted:
    """Never raises for what a user wrote: the add-on then carries the problem as one sentence."""
    uses: set[ObjectRef] = set()
    try:
        stage = _stage(profile, member, contents, render, cache, uses)
    except GiveUp as error:
        return Wanted(tuple(_failed(item, error) for item in profile.policy_refs), frozenset(uses))
    addons = [addon for index, item in enumerate(profile.policy_refs) if (addon := stage.addon(index, item, uses)) is not None]
    return Wanted(tuple(_noted(addons, stage.patches, render)), frozenset(uses))


def _stage(
    profile: Profile, member: Member, contents: Mapping[ObjectRef, Manifest], render: Render, cache: Cache, uses: set[ObjectRef]
) -> _Stage:
    render = render.of(None, profile.annotations)
    resources = read_resources(profile, member, contents, render, uses)
    data = template_data(member)
    if profile.resource_refs:
        data["MgmtResources"] = resources.found
        render = replace(render, resources=resources.found, secretive=render.secretive or resources.secretive)
    patches = Reader(profile, member, contents, render, data).read(uses)
    seen = digest([member.digest, resources.digest]) if resources.digest else member.digest
    return _Stage(profile, member, contents, render, cache, data, patches, seen)


def _failed(item: PolicyRef, error: GiveUp) -> WantedAddon:
    flaw = error.flaw if isinstance(error, Misrendered) else None
    return WantedAddon(str(item), item, NOTHING, "", str(error), flaw, waits=isinstance(error, Awaited))


def _noted(addons: Sequence[WantedAddon], patches: Patches, render: Render) -> Iterable[WantedAddon]:
    """Says on each row which patches are for none of the profile's objects, once all of them are known."""
    if any(addon.problem for addon in addons):
        return addons
    used = {place for addon in addons for place in addon.parsed.used}
    idle = list(dict.fromkeys(patch.place for patch in patches.items if patch.place not in used))
    if not idle:
        return addons
    note = f"{' and '.join(idle)} {'is' if len(idle) == 1 else 'are'} for none of the objects"
    return [replace(addon, note=note, digest=render.digest([addon.digest, note])) for addon in addons]


@dataclass(frozen=True, slots=True)
class _Stage:
    """One profile on one cluster: what its add-ons have in common. `seen` is a digest of what templates see."""

    profile: Profile
    member: Member
    contents: Mapping[ObjectRef, Manifest]
    render: Render
    cache: Cache
    data: Manifest
    patches: Patches
    seen: str

    def addon(self, index: int, item: PolicyRef, uses: set[ObjectRef]) -> WantedAddon | None:
        """One policyRef; None where it is optional and not there."""
        profile = self.profile
        source = item
        try:
            source, ref = resolve(item, self.member, self.render, Spot(profile.ref, ("spec", "policyRefs", index)))
            uses.add(ref)
            if source.local:
                raise GiveUp("deploymentType Local is not acted on yet: nothing of it is deployed anywhere")
            content = self.contents.get(ref)
            if content is None:
                if source.optional:
                    return None
                spot = Spot(profile.ref, ("spec", "policyRefs", index, "name"))
                raise Misrendered(f"{ref.kind} {ref.namespace}/{ref.name} does not exist", Flaw(spot))
            parsed = self._patched(ref, self._parse(ref, content))
            limits = content["metadata"].get("annotations"), profile.annotations
            secretive = self.render.secretive or holds_secrets(content)
            check_kinds((manifest for manifest, _ in parsed.objects), *limits, secretive=secretive)
        except GiveUp as error:
            return _failed(source, error)
        marks: list[Any] = [parsed.digest, profile.tier, profile.sync_mode, source.tier, str(source)]
        if profile.excludes:
            marks.append([[one.paths, str(one.target)] for one in profile.exclusions])
        return WantedAddon(str(source), source, parsed, self.render.digest(marks))

    def _parse(self, ref: ObjectRef, content: Manifest) -> Parsed:
        if content.get("kind") == "Secret" and content.get("type") != PROFILE_SECRET_TYPE:
            raise GiveUp(f"Secret {ref.namespace}/{ref.name} has type {content.get('type') or 'Opaque'}; it must be {PROFILE_SECRET_TYPE}")
        found_render = self.render.deploying(content, self.profile.annotations)
        templated, render = found_render is not None, found_render or self.render
        texts = render.texts(content)
        if holds_secrets(content):
            render = replace(render, secretive=True)
        if templated and not all(self._known(ref, name, text, render) for name, text in texts.items()):
            render.foresee(texts.values(), self.data, Moment.DEPLOY)
        parts = [self._part(ref, name, text, render, templated=templated) for name, text in texts.items()]
        if len(parts) == 1:
            return parts[0]
        return Parsed(tuple(one for part in parts for one in part.objects), render.digest([part.digest for part in parts]))

    def _key(self, ref: ObjectRef, name: str, text: str, render: Render, *, templated: bool) -> tuple[str, str]:
        """Clusters that differ in nothing that a text reads share what is made of it."""
        depends: Any = ""
        if templated and render.engine.concerns(text):
            depends = render.engine.sees(text, self.data, Moment.DEPLOY)
            depends = [render.engine.name, self.seen if depends is None else depends, render.secretive]
        return f"{ref} {name}", digest([text, depends])

    def _known(self, ref: ObjectRef, name: str, text: str, render: Render) -> bool:
        return self._key(ref, name, text, render, templated=True) in self.cache

    def _part(self, ref: ObjectRef, name: str, text: str, render: Render, *, templated: bool) -> Parsed:
        """The objects of one text of a content."""
        key = self._key(ref, name, text, render, templated=templated)
        found = self.cache.get(key)
        if found is None:
            objects = self._objects(text, Spot(ref, ("data", name)), render, templated=templated)
            found = self._keep(key, Parsed(objects, render.digest([templated, text, [manifest for manifest, _ in objects]])))
        return found

    def _objects(self, text: str, spot: Spot, render: Render, *, templated: bool) -> Hashed:
        if not templated or not render.engine.concerns(text):
            return _hashed(map(as_stored, render.manifests(text, spot)))
        rendered = render.deploy(text, self.data, spot)
        documents = documents_of(rendered)
        try:
            if len(documents) > 1:
                return tuple(one for document in documents for one in self._document(document, spot, render).objects)
        except EvaluationFailed:
            pass  # told below, with its place in the whole
        return _hashed(map(as_stored, render.manifests(rendered, spot, lambda: render.trail(text, self.data, Moment.DEPLOY))))

    def _document(self, document: str, spot: Spot, render: Render) -> Parsed:
        """A document that was rendered for other clusters, too, is read once."""
        key = (f"{spot.ref} document", digest(document))
        found = self.cache.get(key)
        return found or self._keep(key, Parsed(_hashed(map(as_stored, render.manifests(document, spot))), ""))

    def _patched(self, ref: ObjectRef, parsed: Parsed) -> Parsed:
        if not self.patches.items:
            return parsed
        key = (f"{ref} patched", digest([parsed.digest, self.patches.digest]))
        found = self.cache.get(key)
        if found is not None:
            return found
        made = apply_patches([manifest for manifest, _ in parsed.objects], self.patches.items)
        objects = list(map(as_stored, made.objects))
        for manifest in objects:
            wrong = fault_of(manifest)
            if wrong is not None:
                raise EvaluationFailed(f"after the patches, in {ref_of(manifest)}: {wrong.sentence}")
        return self._keep(key, Parsed(_hashed(objects), self.render.digest([parsed.digest, self.patches.digest, objects]), made.used))

    def _keep(self, key: tuple[str, str], parsed: Parsed) -> Parsed:
        while len(self.cache) >= KEPT_PARSED:
            del self.cache[next(iter(self.cache))]
        self.cache[key] = parsed
        return parsed


def _hashed(objects: Iterable[Manifest]) -> Hashed:
    return tuple((manifest, hash_of(manifest)) for manifest in objects)


def resolve(item: PolicyRef, member: Member, render: Render, spot: Spot) -> tuple[PolicyRef, ObjectRef]:
    """Fills in the templates of a reference; an empty namespace is that of the matching cluster."""
    data = template_data(member)
    name = render.deploy(item.name, data, spot.below("name"))
    namespace = render.deploy(item.namespace, data, spot.below("namespace")) or member.namespace
    source = PolicyRef(item.kind, namespace, name, item.local, item.optional, item.tier)
    return source, ObjectRef(item.kind, "", namespace, name)
