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
    """

    kind: Kind
    fields: Mapping[str, Field] | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """What a script is given and must return.

    Args:
        given: names of the globals; `evaluate` is called with the first. With one name the argument is its value, with
            more it is a mapping from these names.
        result: fields of the table, whose names are not case-sensitive; for a list of tables, fields of each.
        listed: whether the result is a list of tables.
        modules: whether `require` and the functions that Sveltos adds are there.
    """

    given: tuple[str, ...]
    result: Mapping[str, Field]
    listed: bool = False
    modules: bool = False

    def globals(self, argument: Any) -> dict[str, Any]:
        """The globals' values."""
        if len(self.given) == 1:
            return {self.given[0]: argument}
        values = argument if isinstance(argument, dict) else {}
        return {name: values.get(name) for name in self.given}


_BOOL, _TEXT = Field(Kind.BOOL), Field(Kind.TEXT)
_STATUS = {"resource": Field(Kind.OBJECT), "status": _TEXT, "message": _TEXT, "reEvaluate": _BOOL}

CONTRACTS: Mapping[Place, Contract] = {
    Place.SELECTOR: Contract(("obj",), {"matching": _BOOL, "message": _TEXT}),
    Place.AGGREGATED_SELECTION: Contract(("resources",), {"resources": Field(Kind.OBJECTS), "message": _TEXT}),
    Place.AGGREGATED_CLASSIFICATION: Contract(("resources",), {"matching": _BOOL, "message": _TEXT}),
    Place.HEALTH: Contract(("resources",), {"resources": Field(Kind.RECORDS, _STATUS)}),
    Place.CLUSTER_CHECK: Contract(("resources",), {"pass": _BOOL, "message": _TEXT}),
    Place.VALIDATE_HEALTH: Contract(("obj", "metrics"), {"healthy": _BOOL, "message": _TEXT}, modules=True),
    Place.CLASSIFICATION: Contract(("resources",), {"namespace": _TEXT, "name": _TEXT, "kind": _TEXT}, listed=True, modules=True),
    Place.POLICY: Contract(("resources",), {"resources": _TEXT}, modules=True),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a script returned, or why it has no result.

    Args:
        value: the table as its place's contract says, every field there, names as in the contract; None where it failed.
        error: one sentence; empty where there is a result.
        line: 1-based, in the script, of the error; 0 when not known.
    """

    value: Any = None
    error: str = ""
    line: int = 0
