"""Every state, once."""

from __future__ import annotations

from enum import StrEnum


class VerdictState(StrEnum):
    """What one EventSource says of one object."""

    MATCH = "match"
    NO_MATCH = "no_match"
    ERROR = "error"


class EventState(StrEnum):
    """Whether some trigger cares for an event."""

    DETECTED = "detected"
    MATCHED = "matched"
    EXPIRED = "expired"


class MatchState(StrEnum):
    """An event, a trigger and a destination: how far the reaction is."""

    PENDING = "pending"
    BLOCKED = "blocked"
    ACTING = "acting"
    ACTED = "acted"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    WITHDRAWN = "withdrawn"


class AddonState(StrEnum):
    """One add-on of one profile on one cluster."""

    WAITING = "waiting"
    APPLYING = "applying"
    DEPLOYED = "deployed"
    HEALTHY = "healthy"
    FAILED = "failed"
    CONFLICT = "conflict"
    REMOVING = "removing"
    REMOVED = "removed"


class ClusterState(StrEnum):
    """Whether a member can be spoken to."""

    CONNECTING = "connecting"
    READY = "ready"
    DEGRADED = "degraded"
    UNREACHABLE = "unreachable"
    PAUSED = "paused"
    REMOVING = "removing"


class ProposalState(StrEnum):
    """A set of changes that needs a second look."""

    DRAFT = "draft"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    APPLIED = "applied"
    FAILED = "failed"
    EXPIRED = "expired"
    STALE = "stale"


class ProposalKind(StrEnum):
    """What a proposal is about."""

    LOSS = "loss"


class DampedKind(StrEnum):
    """Why something is held back for a while."""

    LOOP = "loop"
    RATE = "rate"
    FLAPPING = "flapping"
    DRIFT = "drift"


class RequestState(StrEnum):
    """A small thing asked of the daemon."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class DeclaredState(StrEnum):
    """What fleetd makes of a declared object."""

    READY = "ready"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"
    REMOVING = "removing"


class DriftOutcome(StrEnum):
    """How a drift incident ended."""

    OPEN = "open"
    CORRECTED = "corrected"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
