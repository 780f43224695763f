"""One look at an object as it is on its cluster now, asked for by a face and carried out by the daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fleetd.domain.objects import Manifest
from fleetd.domain.records import DriftField

VERB = "inspect"


class Sight(StrEnum):
    """What came of a look: the first word of the request's outcome, before what the cluster itself said."""

    SEEN = "seen"
    ABSENT = "absent"
    AWAY = "away"
    FORBIDDEN = "forbidden"
    NO_KIND = "no_kind"
    TOO_LARGE = "too_large"
    LATE = "late"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Look:
    """The object as the cluster gave it, and what it was compared with.

    `left` says whether what fleetd owns of it is as the last apply left it; None where fleetd did not put it there. `secretive`
    is set where its contents come from a Secret; `digest` is keyed.
    """

    live: Manifest = field(repr=False)
    left: bool | None
    differs: tuple[DriftField, ...]
    secretive: bool
    digest: Callable[[Any], str] = field(repr=False)


Show = Callable[[Look], str]
"""What may be kept and shown of a look, as JSON: without secrets, and small."""
