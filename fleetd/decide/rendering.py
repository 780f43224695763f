"""Templates over data, and text into manifests: the one place where declared text becomes something to deploy."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fleetd.decide.digest import Digest, digest
from fleetd.decide.engines.answers import Asking
from fleetd.decide.gotemplate.template import Budget, Struct, Surroundings
from fleetd.decide.languages import GO, NOBODY, ONE_MOMENT, Engine, Moment, deploying_engine_of, engine_of
from fleetd.decide.made import Unmade, made
from fleetd.decide.spots import Flaw, Misrendered, Spot
from fleetd.decide.trail import Trail, maker_of, place_of
from fleetd.domain.errors import EvaluationFailed, GiveUp, OverBudget
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef

HIDDEN = "it cannot be rendered into objects; what was found is not shown, since a Secret is among the data"

Place = Spot | str
"""Where a text stands; a mere name where nobody asks for the place in a file."""


@dataclass(frozen=True, slots=True)
class Render:
    """Renders with a given clock and budget; one for each step. What it yields is known by `digest`.

    A `secretive` one has a Secret among its data: its errors say where, and not what was found there. `resources` are what
    Sveltos' functions read by identifier at the deployment.
    """

    now: datetime
    budget: Budget = field(default_factory=Budget)
    digest: Digest = digest
    secretive: bool = False
    engine: Engine = GO
    resources: Mapping[str, Any] = field(default_factory=dict, repr=False)
    asking: Asking = NOBODY

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

    def by(self, engine: Engine) -> Render:
        """The same with another template language."""
        return self if engine is self.engine else replace(self, engine=engine)

    def of(self, content: Manifest | None, beside: Mapping[str, str] | None = None) -> Render:
        """The same in the language that a content's annotations name, or those of the profile or trigger beside it; None for its fields.

        Raises:
            EvaluationFailed: an annotation names no engine or form.
        """
        return self.by(engine_of(content, beside, self.asking))

    def deploying(self, content: Manifest, beside: Mapping[str, str] | None = None) -> Render | None:
        """The same in the language of a content when it is deployed; None where its texts stand as they are.

        Raises:
            EvaluationFailed: an annotation names no engine or form, or two annotations cannot both be.
        """
        engine = deploying_engine_of(content, beside, self.asking)
        return self.by(engine) if engine is not None else None

    def foresee(self, texts: Iterable[str], data: Mapping[str, Any], moment: Moment) -> None:
        """Says in advance what will be rendered one by one."""
        self.engine.foresee(texts, data, moment, self.now)

    def event(self, text: str, data: Mapping[str, Any], place: Place) -> str:
        """Renders at the moment of an event. `place` names the text in errors."""
        return self._render(text, data, Moment.EVENT, place)

    def deploy(self, text: str, data: Mapping[str, Any], place: Place) -> str:
        """Renders at the moment of deployment, with the cluster's data."""
        return self._render(text, data, Moment.DEPLOY, place)

    def first(self, text: str, data: Mapping[str, Any], place: Place) -> str:
        """Renders at the moment of an event what the deployment will render again.

        Raises:
            EvaluationFailed: as `event` does; and when a value brings braces, for what the event's objects say is never a template.
        """
        made = self.event(text, data, place)
        if not self.engine.concerns(made):
            return made
        try:
            if self.engine is not GO:
                raise EvaluationFailed(ONE_MOMENT)
            trail = self.trail(text, data, Moment.EVENT)
        except EvaluationFailed as error:
            raise self._misrendered(f"{place}: {error}", f"{place}", Flaw(place) if isinstance(place, Spot) else None) from error
        if trail.text.count("{{") > sum(piece.expression.count("{{") for piece in trail.pieces):
            named = next(
                (piece for piece in trail.pieces if "{{" in trail.text[piece.start : piece.end] and "{{" not in piece.expression), None
            )
            line, column = place_of(text, named.pos) if named else (0, 0)
            what = f"the value of {{{{ {named.expression} }}}}" if named else "a value"
            said = f"{place}: {what} has braces in it, which the deployment would take for a template"
            raise self._misrendered(said, f"{place}", Flaw(place, line, column) if isinstance(place, Spot) else None, line, column)
        return made

    def trail(self, text: str, data: Mapping[str, Any], moment: Moment) -> Trail:
        """What made each part of the rendered text.

        Raises:
            EvaluationFailed: it cannot be rendered.
            OverBudget: likewise.
        """
        return self.engine.trail(text, data, moment, self.budget, self._surroundings)

    def manifests(self, text: str, place: Place, traced: Callable[[], Trail] | None = None) -> tuple[Manifest, ...]:
        """The objects that a text of YAML or JSON holds, in their order.

        Args:
            traced: asked, where something is wrong, what made the text; None for a text that stands as it was written.

        Raises:
            EvaluationFailed: it is no YAML, or a document is no Kubernetes object.
        """
        try:
            return made(text, str(place))
        except Unmade as error:
            if traced is None:
                raise self._misrendered(f"{place}:{error.line}:{error.column}: {error}", f"{place}", _flaw(place, error)) from error
            sentence = f"{place}: line {error.line}, column {error.column} of what was rendered: {error}"
            line, column, maker = _made_by(traced, error)
            flaw = Flaw(place, line, column, in_output=not line) if isinstance(place, Spot) else None
            raise self._misrendered(f"{sentence}{maker}", f"{place}{f' line {line}' if line else ''}", flaw) from error

    @property
    def _surroundings(self) -> Surroundings:
        return Surroundings(self.now, resources=self.resources)

    def _render(self, text: str, data: Mapping[str, Any], moment: Moment, place: Place) -> str:
        if not self.engine.concerns(text):
            return text
        try:
            return self.engine.render(text, data, moment, self.budget, self._surroundings)
        except EvaluationFailed as error:
            at = f" line {error.line}" if error.line else ""
            flaw = Flaw(place, error.line, error.column) if isinstance(place, Spot) else None
            raise self._misrendered(f"{place}{at}: {error}", f"{place}{at}", flaw, error.line, error.column) from error
        except OverBudget as error:
            raise OverBudget(f"{place}: {error}") from error

    def _misrendered(self, sentence: str, where: str, flaw: Flaw | None, line: int = 0, column: int = 0) -> EvaluationFailed:
        said = f"{where}: {HIDDEN}" if self.secretive else sentence
        return Misrendered(said, flaw) if flaw is not None else EvaluationFailed(said, line=line, column=column)


def _flaw(place: Place, error: Unmade) -> Flaw | None:
    return Flaw(place, error.line, error.column) if isinstance(place, Spot) else None


def _made_by(traced: Callable[[], Trail], error: Unmade) -> tuple[int, int, str]:
    """Line and column of the template that made what is wrong, and the words for it; zeros where that cannot be said."""
    try:
        trail = traced()
    except GiveUp:
        return 0, 0, ""
    maker = maker_of(trail, error.line, error.column)
    return maker.line, maker.column, f"; line {maker.line} of the template made it{maker.words}"
