"""Which kinds can be evaluated on objects, and by whom."""

from __future__ import annotations

from collections.abc import Mapping

from fleetd.decide.evaluating.clusters import classifier, cluster_checks, management_classifier
from fleetd.decide.evaluating.events import event_source
from fleetd.decide.evaluating.health import health_check
from fleetd.decide.evaluating.validations import checks_of, validations
from fleetd.decide.evaluating.verdicts import Judge
from fleetd.domain.objects import Manifest

JUDGES: Mapping[str, Judge] = {
    "EventSource": event_source,
    "HealthCheck": health_check,
    "Classifier": classifier,
    "SveltosCluster": cluster_checks,
    "ManagementClusterClassifier": management_classifier,
    "ClusterProfile": validations,
    "Profile": validations,
    "EventTrigger": validations,
    "ClusterPromotion": validations,
}
"""By kind."""


def judge_of(manifest: Manifest) -> Judge | None:
    """Who evaluates a manifest; None where there is nothing in it that looks at objects."""
    judge = JUDGES.get(str(manifest.get("kind")))
    spec = manifest.get("spec") or {}
    if judge is event_source and not spec.get("resourceSelectors"):
        return None
    if judge is validations and not any(checks_of(manifest)):
        return None
    if judge is cluster_checks and not (spec.get("readinessChecks") or spec.get("livenessChecks")):
        return None
    return judge
