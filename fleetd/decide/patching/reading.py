"""The patches of a profile for one cluster: rendered, and read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from fleetd.decide.definitions import PROFILE_SECRET_TYPE, TEMPLATE, PatchesFrom, Profile, Target, target_of
from fleetd.decide.digest import digest
from fleetd.decide.members import Member, template_data
from fleetd.decide.patching.patches import Patch, read_patch
from fleetd.decide.rendering import Render
from fleetd.decide.spots import Flaw, Misrendered, Spot
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.kinds.shared import Patch as PatchModel
from fleetd.domain.objects import Manifest, holds_secrets
from fleetd.domain.refs import ObjectRef
from fleetd.domain.yaml_reader import UnreadableText, read_yaml


@dataclass(frozen=True, slots=True)
class Patches:
    """In the order in which they are carried out."""

    items: tuple[Patch, ...]
    digest: str


Written = tuple[str, Target | None, Spot, bool]
"""Rendered text, target, where it stands, and whether a Secret is among its data."""

NO_PATCHES = Patches((), "")


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading a profile's patches needs; `data` is what templates see."""

    profile: Profile
    member: Member
    contents: Mapping[ObjectRef, Manifest]
    render: Render
    data: Mapping[str, Any]

    def read(self, uses: set[ObjectRef]) -> Patches:
        """`patches`, which are templates always, and then `patchesFrom`, whose texts are when they say so.

        Raises:
            GiveUp: one cannot be rendered or read, or what is referred to does not exist.
        """
        if not self.profile.patches and not self.profile.patches_from:
            return NO_PATCHES
        found: list[Written] = []
        for index, item in enumerate(self.profile.patches):
            spot = Spot(self.profile.ref, ("spec", "patches", index, "patch"))
            text = self.render.deploy(item.text, self.data, spot)
            found.append((text, item.target, spot, self.render.secretive))
            _readable(found[-1])
        for index, source in enumerate(self.profile.patches_from):
            found.extend(self._from(source, index, uses))
        return Patches(
            tuple(_patch(*item) for item in found), digest([[text, _plain(target), str(spot)] for text, target, spot, _ in found])
        )

    def _from(self, item: PatchesFrom, index: int, uses: set[ObjectRef]) -> Iterator[Written]:
        place = Spot(self.profile.ref, ("spec", "patchesFrom", index))
        names = template_data(self.member)
        name = self.render.deploy(item.name, names, place.below("name"))
        namespace = self.render.deploy(item.namespace, names, place.below("namespace")) or self.member.namespace
        ref = ObjectRef(item.kind, "", namespace, name)
        uses.add(ref)
        content = self.contents.get(ref)
        if content is None:
            if not item.optional:
                raise Misrendered(f"{place}: {ref.kind} {namespace}/{name} does not exist", Flaw(place))
            return
        yield from self._texts(ref, content)

    def _texts(self, ref: ObjectRef, content: Manifest) -> Iterator[Written]:
        if ref.kind == "Secret" and content.get("type") != PROFILE_SECRET_TYPE:
            said = f"Secret {ref.namespace}/{ref.name} has type {content.get('type') or 'Opaque'}; it must be {PROFILE_SECRET_TYPE}"
            raise EvaluationFailed(said)
        secretive = self.render.secretive or holds_secrets(content)
        render = replace(self.render, secretive=secretive).of(content, self.profile.annotations)
        templated = TEMPLATE in (content["metadata"].get("annotations") or {})
        for key, text in render.texts(content).items():
            spot = Spot(ref, ("data", key))
            written = render.deploy(text, self.data, spot) if templated else text
            for patch, target in _entries(written, spot, hide=secretive):
                found = (patch, target, spot, secretive)
                _readable(found)
                yield found


def _entries(text: str, spot: Spot, *, hide: bool) -> Iterator[tuple[str, Target | None]]:
    """The patches of one value: a mapping with `patch` and `target`, or several documents of them."""
    try:
        documents = read_yaml(text, source=str(spot))
    except UnreadableText as error:
        said = "it is no YAML" if hide else error.sentence
        raise Misrendered(f"{spot}:{error.line}:{error.column}: {said}", Flaw(spot, error.line, error.column)) from error
    for document in documents:
        value = document.value
        try:
            PatchModel.model_validate(value)
        except ValidationError as error:
            said = f"{spot}:{document.line}: it is no patch: a mapping with patch, a text, and maybe target is needed"
            raise Misrendered(said, Flaw(spot, document.line, 1)) from error
        yield value["patch"], target_of(value.get("target"))


def _readable(found: Written) -> None:
    try:
        _patch(*found)
    except EvaluationFailed as error:
        _, _, spot, secretive = found
        said = f"{_name(spot)}: it is no patch; what was found is not shown, since a Secret is among the data" if secretive else str(error)
        raise Misrendered(said, Flaw(spot)) from error


@lru_cache(1024)
def _patch(text: str, target: Target | None, spot: Spot, secretive: bool) -> Patch:
    return replace(read_patch(text, target, _name(spot)), secretive=secretive, spot=spot)


def _name(spot: Spot) -> str:
    """`spec.patches[0]`, or the value that holds the patch."""
    return str(spot).removesuffix(".patch")


def _plain(target: Target | None) -> list[str] | None:
    if target is None:
        return None
    return [target.group, target.version, target.kind, target.namespace, target.name, target.labels, target.annotations]
