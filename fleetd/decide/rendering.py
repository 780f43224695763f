"""Templates over data, and text into manifests: the one place where declared text becomes something to deploy."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from fleetd.decide.digest import Digest, digest
from fleetd.decide.gotemplate.template import Budget, Struct, Surroundings, Template, compile_template, deploy_functions, event_functions
from fleetd.domain.documents import read_documents
from fleetd.domain.errors import EvaluationFailed, InvalidInput, OverBudget
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef

HIDDEN = "it cannot be rendered into objects; what was found is not shown, since a Secret is among the data"


@dataclass(frozen=True, slots=True)
class Render:
    """Renders with a given clock and budget; one for each step. What it yields is known by `digest`.

    A `secretive` one has a Secret among its data: its errors say where, and not what was found there.
    """

    now: datetime
    budget: Budget = field(default_factory=Budget)
    digest: Digest = digest
    secretive: bool = False

    @staticmethod
    def reference(api_version: str, ref: ObjectRef) -> Struct:
        """A typed reference as Go templates see it: `.Name`, `.Namespace`, `.Kind`, `.APIVersion`."""
        return Struct({"APIVersion": api_version, "Kind": ref.kind, "Namespace": ref.namespace, "Name": ref.name})

    @staticmethod
    def texts(content: Manifest) -> dict[str, str]:
        """The texts of a ConfigMap or Secret by key, in the order in which they were written.

        Raises:
            EvaluationFailed: a Secret's value is no UTF-8 text in base64.
        """
        texts = dict(content.get("data") or {})
        if content.get("kind") == "Secret":
            for key, value in texts.items():
                try:
                    texts[key] = base64.b64decode(value, validate=True).decode()
                except (binascii.Error, UnicodeDecodeError) as error:
                    raise EvaluationFailed(f"data[{key}] is no base64 of UTF-8 text") from error
            texts.update(content.get("stringData") or {})
        return texts

    def manifests(self, text: str, place: str) -> tuple[Manifest, ...]:
        """The objects that a text of YAML or JSON holds, in their order; see `manifests`."""
        try:
            return manifests(text, place)
        except EvaluationFailed:
            if self.secretive:
                raise EvaluationFailed(f"{place}: {HIDDEN}") from None
            raise

    def event(self, text: str, data: Mapping[str, Any], place: str) -> str:
        """Renders at the moment of an event. `place` names the text in errors."""
        return self._render(_compiled(text, True), data, place) if "{{" in text else text

    def deploy(self, text: str, data: Mapping[str, Any], place: str) -> str:
        """Renders at the moment of deployment, with the cluster's data."""
        return self._render(_compiled(text, False), data, place) if "{{" in text else text

    def _render(self, template: Template | EvaluationFailed, data: Mapping[str, Any], place: str) -> str:
        try:
            if isinstance(template, EvaluationFailed):
                raise template
            return template.render(data, budget=self.budget, surroundings=Surroundings(self.now))
        except EvaluationFailed as error:
            at = f" line {error.line}" if error.line else ""
            if self.secretive:
                raise EvaluationFailed(f"{place}{at}: {HIDDEN}", line=error.line, column=error.column) from None
            raise EvaluationFailed(f"{place}{at}: {error}", line=error.line, column=error.column) from error
        except OverBudget as error:
            raise OverBudget(f"{place}: {error}") from error


@lru_cache(maxsize=4096)
def _compiled(text: str, event: bool) -> Template | EvaluationFailed:
    """A template without its surroundings; a text that is wrong stays wrong, so its error is kept, too."""
    functions = event_functions() if event else deploy_functions({})
    try:
        return compile_template(text, functions=functions)
    except EvaluationFailed as error:
        return error


def manifests(text: str, place: str) -> tuple[Manifest, ...]:
    """The objects that a text of YAML or JSON holds, in their order.

    Raises:
        EvaluationFailed: it is no YAML, or a document is no Kubernetes object.
    """
    try:
        documents = read_documents(text, source=place)
    except InvalidInput as error:
        raise EvaluationFailed(str(error)) from error
    objects = []
    for document in documents:
        manifest = document.manifest
        metadata = manifest.get("metadata")
        if not manifest.get("apiVersion") or not manifest.get("kind") or not isinstance(metadata, dict) or not metadata.get("name"):
            raise EvaluationFailed(
                f"{place}: the document at line {document.line} is no Kubernetes object: apiVersion, kind and metadata.name are needed"
            )
        objects.append(manifest)
    return tuple(objects)
