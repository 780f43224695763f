"""Where a script stands in a document decides what it is given, and what it must return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Place(StrEnum):
    """The fields that hold a script."""

    SELECTOR = "ResourceSelector.evaluate"
    AGGREGATED_SELECTION = "EventSource.aggregatedSelection"
    AGGREGATED_CLASSIFICATION = "Classifier.aggregatedClassification"
    HEALTH = "HealthCheck.evaluateHealth"
    CLUSTER_CHECK = "SveltosCluster.condition"
    VALIDATE_HEALTH = "ValidateHealth.script"
    CLASSIFICATION = "ManagementClusterClassifier.classificationLua"
    POLICY = "policyRef"


class Kind(StrEnum):
    """What a field of a result holds."""

    BOOL = "a boolean"
    TEXT = "a text"
    OBJECT = "an object"
    OBJECTS = "a list of objects"
    RECORDS = "a list of tables"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a result; absent, it is false, an empty text or an empty list.

    Args:
        fields: of each table in a list of tables.
        required: whether it must be there.
        among: the only texts that it may hold; any where there are none.
    """

    kind: Kind
    fields: Mapping[str, Field] | None = None
    required: bool = False
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """What a script is given and must return.

    Args:
        given: names of the globals; `evaluate` is called with the first. With one name the argument is its value, with
            more it is a mapping from these names.
        result: fields of the table, whose names are not case-sensitive; for a list of tables, fields of each.
        example: what `evaluate` returns, as one would write it.
        listed: whether the result is a list of tables.
    """

    given: tuple[str, ...]
    result: Mapping[str, Field]
    example: str
    listed: bool = False

    @property
    def verdict(self) -> str:
        """The field that says yes or no; empty where none does."""
        first, field = next(iter(self.result.items()))
        return first if field.kind is Kind.BOOL else ""

    def globals(self, argument: Any) -> dict[str, Any]:
        """The globals' values."""
        if len(self.given) == 1:
            return {self.given[0]: argument}
        values = argument if isinstance(argument, dict) else {}
        return {name: values.get(name) for name in self.given}


_BOOL, _TEXT, _NAME = Field(Kind.BOOL), Field(Kind.TEXT), Field(Kind.TEXT, required=True)
_STATUS = {
    "resource": Field(Kind.OBJECT, required=True),
    "status": Field(Kind.TEXT, required=True, among=("Healthy", "Progressing", "Degraded", "Suspended")),
    "message": _TEXT,
    "reEvaluate": _BOOL,
}

_MATCHING = {"matching": _BOOL, "message": _TEXT}

CONTRACTS: Mapping[Place, Contract] = {
    Place.SELECTOR: Contract(("obj",), _MATCHING, '{matching = true, message = "why"}'),
    Place.AGGREGATED_SELECTION: Contract(
        ("resources",), {"resources": Field(Kind.OBJECTS), "message": _TEXT}, '{resources = {object, ...}, message = "why"}'
    ),
    Place.AGGREGATED_CLASSIFICATION: Contract(("resources",), _MATCHING, '{matching = true, message = "why"}'),
    Place.HEALTH: Contract(
        ("resources",),
        {"resources": Field(Kind.RECORDS, _STATUS)},
        '{resources = {{resource = object, status = "Healthy", message = "why"}, ...}}',
    ),
    Place.CLUSTER_CHECK: Contract(("resources",), {"pass": _BOOL, "message": _TEXT}, '{pass = true, message = "why"}'),
    Place.VALIDATE_HEALTH: Contract(("obj", "metrics"), {"healthy": _BOOL, "message": _TEXT}, '{healthy = true, message = "why"}'),
    Place.CLASSIFICATION: Contract(
        ("resources",),
        {"namespace": _NAME, "name": _NAME, "kind": _NAME},
        '{{namespace = "ns", name = "cluster", kind = "SveltosCluster"}, ...}',
        listed=True,
    ),
    Place.POLICY: Contract(("resources",), {"resources": _TEXT}, '{resources = "YAML or JSON text"}'),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a script returned, or why it has no result.

    Args:
        value: the table as its place's contract says, every field there, names as in the contract; None where it failed.
        error: one sentence; empty where there is a result.
        line: 1-based, in the script, of the error; 0 when not known.
        missing: paths such as `obj.status.phase` that the script read and that are not there; told of what failed or said no.
        hint: one sentence, where something is likely to be a mistake; empty otherwise.
        again: seconds until it may be tried again, where it was not run at all; 0 otherwise.
    """

    value: Any = None
    error: str = ""
    line: int = 0
    missing: tuple[str, ...] = ()
    hint: str = ""
    again: float = 0.0

    @property
    def sentence(self) -> str:
        """The error with its line; empty where there is none."""
        return f"line {self.line}: {self.error}" if self.error and self.line else self.error

    @property
    def explanation(self) -> str:
        """What helps to see why it failed or said no; empty when nothing does."""
        if self.hint:
            return self.hint
        if not self.missing:
            return ""
        return f"there is no {', '.join(self.missing[:5])}{', ...' if len(self.missing) > 5 else ''}"
