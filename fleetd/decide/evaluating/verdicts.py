"""The words of an evaluation: what is asked of scripts, and what is concluded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from fleetd.decide.observe import NO_CLUSTER
from fleetd.domain.kinds.mistakes import Path
from fleetd.domain.objects import Manifest
from fleetd.domain.states import VerdictState


class ScriptPlace(StrEnum):
    """The field that a script stands in; it decides what the script is given and must return."""

    SELECTOR = "ResourceSelector.evaluate"
    AGGREGATED_SELECTION = "EventSource.aggregatedSelection"
    AGGREGATED_CLASSIFICATION = "Classifier.aggregatedClassification"
    HEALTH = "HealthCheck.evaluateHealth"
    CLUSTER_CHECK = "SveltosCluster.condition"
    VALIDATE_HEALTH = "ValidateHealth.script"
    CLASSIFICATION = "ManagementClusterClassifier.classificationLua"


@dataclass(frozen=True, slots=True)
class Script:
    """A script to be run; `path` is where it stands in its manifest."""

    text: str
    place: ScriptPlace
    argument: Any
    path: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script returned, by its place's contract, or why it returned nothing.

    Args:
        line: 1-based, in the script, of the error; 0 when not known.
        milliseconds: how long it took.
        explanation: what helps to see why it failed or said no; empty where nothing does.
    """

    value: Any = None
    error: str = ""
    line: int = 0
    milliseconds: float = 0.0
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """Steps of CEL, of which a rule may take 100,000, and the time of scripts, of which each has a quarter of a second."""

    steps: int = 0
    milliseconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.steps + other.steps, self.milliseconds + other.milliseconds)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a verdict is about, as Kubernetes names it."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One result. `rule` is the term of the source that decided, `deciding` the part of it that did, with what it saw.

    `status` is what a health check says; `trace` every sub-expression with its value, where it was asked for. `path` and
    `line` say where in the source an error stands: the field, and the line of the text in it (0 when not known).
    """

    about: Subject
    state: VerdictState
    message: str = ""
    rule: str = ""
    deciding: str = ""
    status: str | None = None
    trace: Any = None
    cost: Cost = Cost()
    path: Path = ()
    line: int = 0

    def after(self, cost: Cost) -> Verdict:
        """The same, with what was spent before."""
        return replace(self, cost=self.cost + cost)


@dataclass(frozen=True, slots=True)
class Findings:
    """The results of one source, and whether the answer as a whole is yes."""

    results: tuple[Verdict, ...]
    passed: bool


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the objects.

    Args:
        traced: whether every sub-expression is kept.
        kubernetes_version: of the cluster that the objects are on; empty when not known.
        metrics: what the metric queries of health validations gave, by their names.
        cluster: the variable `cluster` of conditions: name, namespace and labels of the cluster that the objects are on.
    """

    traced: bool = False
    kubernetes_version: str = ""
    metrics: Mapping[str, float] | None = None
    cluster: Mapping[str, Any] = field(default_factory=lambda: NO_CLUSTER)


T = TypeVar("T")

Evaluation = Generator[Sequence[Script], Sequence[Answer], T]
"""Yields scripts that may be run side by side, is sent their answers, and returns the conclusion."""

Judge = Callable[[Manifest, Sequence[Manifest], Circumstances], Evaluation[Findings]]


def subject_of(manifest: Mapping[str, Any]) -> Subject:
    """What a manifest names itself, whatever shape it has."""
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    words = manifest.get("apiVersion"), manifest.get("kind"), metadata.get("namespace"), metadata.get("name")
    return Subject(*(word if isinstance(word, str) else "" for word in words))


def script_failed(answer: Answer) -> str:
    """The sentence that is told of a script that failed."""
    told = f"line {answer.line}: {answer.error}" if answer.line else answer.error
    return f"{told}; {answer.explanation}" if answer.explanation else told


def script_said(answer: Answer, *, yes: bool) -> str:
    """The message of a script, or what is known of why it said no."""
    message = str(answer.value["message"])
    return message or ("" if yes or not answer.explanation else f"the script says no: {answer.explanation}")
