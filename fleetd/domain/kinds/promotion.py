"""ClusterPromotion: one profile, stage by stage through the fleet."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from fleetd.domain.kinds.addons import PolicyRef
from fleetd.domain.kinds.base import Flag, KubernetesObject, Model, defaulted
from fleetd.domain.kinds.checks import ValidateHealth
from fleetd.domain.kinds.profiles import PromotedSpec
from fleetd.domain.kinds.shared import Base64, Duration, Instant, Selector, Window


class AutoTrigger(Model):
    """The next stage begins by itself."""

    delay: Duration | None = None
    pre_health_check_deployment: tuple[PolicyRef, ...] = ()
    post_delay_health_checks: tuple[ValidateHealth, ...] = ()
    promotion_window: Window | None = None


class ManualTrigger(Model):
    """The next stage begins when somebody approves."""

    delay: Duration | None = None
    pre_health_check_deployment: tuple[PolicyRef, ...] = ()
    post_delay_health_checks: tuple[ValidateHealth, ...] = ()
    approved: Flag | None = None
    automatic_reset: Flag = defaulted(True)


class StageTrigger(Model):
    """What lets the next stage begin."""

    auto: AutoTrigger | None = None
    manual: ManualTrigger | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> StageTrigger:
        if (self.auto is None) == (self.manual is None):
            raise ValueError("exactly one of manual and auto must be given")
        return self


class Stage(Model):
    """Some clusters, after those of the stages before."""

    name: str
    cluster_selector: Selector | None = None
    trigger: StageTrigger | None = None


class ClusterPromotionSpec(Model):
    """What is promoted through which stages."""

    profile_spec: PromotedSpec | None = None
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    preserve_cluster_profiles_on_delete: Flag = False

    @model_validator(mode="after")
    def _stage_names_are_unique(self) -> ClusterPromotionSpec:
        seen: set[str] = set()
        for stage in self.stages:
            if stage.name in seen:
                raise ValueError(f"two stages have the name {stage.name!r}")
            seen.add(stage.name)
        return self


class StageStatus(Model):
    """Where a stage stands."""

    name: str
    last_update_reconciled_time: Instant | None = None
    last_status_check_time: Instant | None = None
    last_successful_applied_time: Instant | None = None
    failure_message: str | None = None
    current_status_description: str | None = None


class ClusterPromotionStatus(Model):
    """Where the promotion stands."""

    profile_spec_hash: Base64 | None = None
    stages_hash: Base64 | None = None
    current_stage_name: str = ""
    last_promotion_time: Instant | None = None
    stages: tuple[StageStatus, ...] = ()


class ClusterPromotion(KubernetesObject):
    """A profile that goes through the fleet stage by stage."""

    spec: ClusterPromotionSpec
    status: ClusterPromotionStatus | None = None
