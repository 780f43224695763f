"""An expression tried on an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import orjson

from fleetd.domain.objects import holds_secrets
from fleetd.service.answers import Answer
from fleetd.service.arguments import About
from fleetd.service.asking import Question
from fleetd.service.foreign import WITHHELD, plain_text, plain_value
from fleetd.service.naming import read_ref
from fleetd.service.questions.evaluated import Evaluated
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.objects import GetObject
from fleetd.service.teaching import bad

if TYPE_CHECKING:
    from fleetd.service.evaluating import Subject

MOST_CHARACTERS = 20_000
_WITHHELD = "values of Secrets, and what is named like one, are withheld from the expression, too: it sees [withheld] in their place"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateExpression(Question[Answer[Evaluated]]):
    """What a CEL condition, a Lua script or a Go template gives for one object, part by part, by the engines that the daemon has.

    cel: a condition over resource and cluster. lua: a script with evaluate(). template: Go's, as an event renders it, with .Resource,
    .MatchingResource, their plurals, and .Cluster. Nothing is changed, and values of Secrets are not seen.
    """

    slow: ClassVar[bool] = True

    language: Literal["cel", "lua", "template"]
    expression: Annotated[str, About("the text, as it would stand in the manifest")]
    object: Annotated[
        str | dict[str, Any],
        About("Kind/name of a declared object; with @namespace/cluster one that is read from its cluster now; or an object itself"),
    ] = ""
    cluster: Annotated[str, About("the member that it is on: cluster in CEL, .Cluster in templates; empty: the one behind @")] = ""

    @property
    def lives_on_a_cluster(self) -> bool:
        """Whether the object must be read from its cluster first."""
        return isinstance(self.object, str) and "@" in self.object and not self.object.lstrip().startswith("{")

    def answered(self, ground: Ground) -> Answer[Evaluated]:
        if len(self.expression) > MOST_CHARACTERS or not self.expression.strip():
            raise bad("expression", "", f"an expression has from 1 to {MOST_CHARACTERS} characters")
        if self.lives_on_a_cluster:
            raise bad("object", plain_text(str(self.object), most=80), "from here no cluster can be asked: give the object itself")
        warnings: list[str] = []
        subject = self._subject(ground, warnings)
        # The engines: who asks something else starts without them.
        from fleetd.service.evaluating import evaluated_cel, evaluated_lua, evaluated_template

        match self.language:
            case "cel":
                found = evaluated_cel(self.expression, subject)
            case "lua":
                found = evaluated_lua(self.expression, subject)
            case "template":
                found = evaluated_template(self.expression, subject, ground.now)
        return ground.answer(found, warnings=tuple(warnings))

    def _subject(self, ground: Ground, warnings: list[str]) -> Subject:
        from fleetd.service.evaluating import Subject  # as above

        manifest = self._object(ground)
        metadata = manifest.get("metadata", {})
        if not isinstance(metadata, dict) or not all(isinstance(metadata.get(name, {}), dict) for name in ("labels", "annotations")):
            raise bad("object", "", "metadata, and labels and annotations in it, are mappings")
        shown = _without_values(manifest)
        if WITHHELD in str(shown):
            warnings.append(_WITHHELD)
        return Subject(shown, _member(ground, self.cluster) if self.cluster else {})

    def _object(self, ground: Ground) -> dict[str, Any]:
        if isinstance(self.object, dict):
            return self.object
        text = self.object.strip()
        if text.startswith("{"):
            try:
                read = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise bad("object", plain_text(text, most=80), f"this is no JSON: {plain_text(str(error), most=120)}") from error
            return dict(read)
        if not text:
            return {}
        found = GetObject(ref=text, view="manifest").answered(ground).result.manifest_untrusted
        return {**found, "metadata": {key: value for key, value in found.get("metadata", {}).items() if key != "managedFields"}}


def _without_values(manifest: dict[str, Any]) -> dict[str, Any]:
    """Of a Secret the keys only, of everything else what is not named like one."""
    plain: dict[str, Any] = plain_value(manifest)
    if manifest.get("kind") == "Secret" or holds_secrets(manifest):
        for part in ("data", "stringData", "binaryData"):
            if isinstance(plain.get(part), dict):
                plain = {**plain, part: dict.fromkeys(plain[part], WITHHELD)}
    return plain


def _member(ground: Ground, text: str) -> dict[str, Any]:
    """The declared object of a member, as templates see it."""
    key = ground.cluster(text, "cluster")
    kind = "Cluster/" if key.startswith("capi:") else "SveltosCluster/"
    named = read_ref(kind + key.removeprefix("capi:"), "cluster")
    manifest: dict[str, Any] = orjson.loads(GetObject(ref=str(named)).row(ground, named)["manifest"])
    metadata = {
        name: value for name, value in manifest["metadata"].items() if name not in ("managedFields", "resourceVersion", "generation")
    }
    plain: dict[str, Any] = plain_value({**manifest, "metadata": metadata})
    return plain
