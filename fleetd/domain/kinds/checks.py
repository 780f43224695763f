"""Checks before and after a deployment."""

from __future__ import annotations

from pydantic import model_validator

from fleetd.domain.kinds.base import Model
from fleetd.domain.kinds.shared import CELRule, Duration, FeatureID, LabelFilter, NonEmpty, RoleRef, SecretReference


class MetricSource(Model):
    """A Prometheus server; the Secret is read from the managed cluster."""

    url: NonEmpty
    path: str = ""
    secret_ref: SecretReference | None = None


class MetricQuery(Model):
    """A query that gives one number."""

    name: str
    query: str


class JobCheck(Model):
    """A Job that has to complete."""

    job_ref: RoleRef
    timeout: Duration | None = None


class ValidateHealth(Model):
    """One check; Lua and CEL must both pass for every object found."""

    name: str
    feature_id: FeatureID
    group: str = ""
    version: str = ""
    kind: str = ""
    label_filters: tuple[LabelFilter, ...] = ()
    namespace: str = ""
    script: str = ""
    evaluate_cel: tuple[CELRule, ...] = ()
    metric_source: MetricSource | None = None
    metric_queries: tuple[MetricQuery, ...] = ()
    job_check: JobCheck | None = None

    @model_validator(mode="after")
    def _a_job_stands_alone(self) -> ValidateHealth:
        if self.job_check and (self.script or self.evaluate_cel):
            raise ValueError("jobCheck cannot stand beside script or evaluateCEL")
        return self
