"""Types that several declared kinds are made of."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from fleetd.domain.kinds.base import Flag, Model, Whole, defaulted

_DURATION = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/\s]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")


def _duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration: write for example 90s, 5m or 1h30m")
    return text


def _base64(text: str) -> str:
    if not _BASE64.fullmatch("".join(text.split())):
        raise ValueError("the value is not base64 text")
    return text


def _instant(text: str) -> str:
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"{text!r} is no time: write RFC 3339, for example 2026-03-01T12:00:00Z")
    return text


Duration = Annotated[str, AfterValidator(_duration)]
"""A Go duration: `1h30m`."""
Base64 = Annotated[str, AfterValidator(_base64)]
Instant = Annotated[str, AfterValidator(_instant)]
"""RFC 3339."""
NonEmpty = Annotated[str, Field(min_length=1)]
Tier = Annotated[Whole, Field(ge=1, le=2**31 - 1)]
Port = Annotated[Whole, Field(ge=1, le=65535)]


class FeatureID(StrEnum):
    """The three ways in which a profile deploys."""

    RESOURCES = "Resources"
    HELM = "Helm"
    KUSTOMIZE = "Kustomize"


class FeatureStatus(StrEnum):
    """How far a feature is on a cluster."""

    PROVISIONING = "Provisioning"
    PROVISIONED = "Provisioned"
    FAILED = "Failed"
    FAILED_NON_RETRIABLE = "FailedNonRetriable"
    REMOVING = "Removing"
    REMOVED = "Removed"
    AGENT_REMOVING = "AgentRemoving"


class ReportPhase(StrEnum):
    """How far a report is on its way to the management plane."""

    WAITING_FOR_DELIVERY = "WaitingForDelivery"
    DELIVERING = "Delivering"
    PROCESSED = "Processed"


class DeploymentType(StrEnum):
    """Into the matching cluster, or into the management plane."""

    LOCAL = "Local"
    REMOTE = "Remote"


class SelectorOperator(StrEnum):
    """How a label selector's expression compares."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class LabelOperation(StrEnum):
    """How a label filter compares; `Different` includes objects that lack the label."""

    EQUAL = "Equal"
    DIFFERENT = "Different"
    HAS = "Has"
    DOES_NOT_HAVE = "DoesNotHave"


class SelectorRequirement(Model):
    """One expression of a label selector."""

    key: str
    operator: SelectorOperator
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _values_fit_the_operator(self) -> SelectorRequirement:
        wants = self.operator in (SelectorOperator.IN, SelectorOperator.NOT_IN)
        if wants and not self.values:
            raise ValueError(f"operator {self.operator} needs at least one entry in values")
        if not wants and self.values:
            raise ValueError(f"operator {self.operator} takes no values")
        return self


class Selector(Model):
    """Which clusters. With neither part set it matches none, unlike in Kubernetes."""

    match_labels: dict[str, str] = Field(default_factory=dict)
    match_expressions: tuple[SelectorRequirement, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.match_labels and not self.match_expressions


class LabelFilter(Model):
    """One condition on an object's labels."""

    key: str
    operation: LabelOperation
    value: str = ""


class CELRule(Model):
    """A named CEL expression over `resource`."""

    name: str
    rule: str


class ResourceSelector(Model):
    """Which objects of a cluster; an object is taken when a CEL rule or the Lua filter says so, or when neither is given."""

    group: str
    version: str
    kind: NonEmpty
    label_filters: tuple[LabelFilter, ...] = ()
    selector: Selector | None = None
    namespace: str = ""
    name: str = ""
    evaluate: str = ""
    evaluate_cel: tuple[CELRule, ...] = ()


class ObjectReference(Model):
    """Kubernetes' ObjectReference."""

    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    resource_version: str = ""
    field_path: str = ""


class SecretReference(Model):
    """A Secret by name."""

    name: str = ""
    namespace: str = ""


class RoleRef(Model):
    """A Secret or ConfigMap of the management plane; name and namespace are templates."""

    kind: Literal["Secret", "ConfigMap"]
    name: NonEmpty
    namespace: str


class ClusterInfo(Model):
    """How far something is on one cluster."""

    cluster: ObjectReference
    hash: Base64
    status: FeatureStatus | None = None
    failure_message: str | None = None

    @model_validator(mode="after")
    def _no_agent_here(self) -> ClusterInfo:
        if self.status is FeatureStatus.AGENT_REMOVING:
            raise ValueError("AgentRemoving is no status of a cluster here")
        return self


class PatchSelector(Model):
    """Which objects a patch is for: unanchored regular expressions, empty means any."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    label_selector: str = ""
    annotation_selector: str = ""


class Patch(Model):
    """A strategic-merge document or a JSON6902 list, as text."""

    patch: str
    target: PatchSelector | None = None


class DriftExclusion(Model):
    """Paths (JSON pointers) in which a change is no drift."""

    paths: tuple[str, ...]
    target: PatchSelector | None = None


class ValueFrom(Model):
    """A ConfigMap or Secret whose every key holds values; name and namespace are templates."""

    kind: Literal["ConfigMap", "Secret"]
    name: NonEmpty
    namespace: str = ""
    optional: Flag = defaulted(False)


class KeyValue(Model):
    """A label that a classifier sets."""

    key: str
    value: str


class UnmanagedLabel(Model):
    """A label that another classifier holds."""

    key: str
    failure_message: str | None = None


class Window(Model):
    """Open from the last `from` until the next `to`; both are cron expressions."""

    from_: NonEmpty
    to: NonEmpty
