"""Every setting, parsed from given text and not from the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetd.domain.errors import InvalidInput

DATABASE = "FLEETD_DATABASE"
KEY_FILE = "FLEETD_KEY_FILE"
LOG_LEVEL = "FLEETD_LOG_LEVEL"
PROPOSAL_DAYS = "FLEETD_PROPOSAL_DAYS"
CHANGES_PER_MINUTE = "FLEETD_CHANGES_PER_MINUTE"
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the daemon and the commands are told.

    Attributes:
        database: a path, `sqlite:///path`, or `postgresql://…`.
        key_file: the master key's file; without it SQLite uses a file beside the database.
        observe: plan and record everything, write to no cluster.
        manifests: a folder whose manifests are declared and followed.
        allowed_exec: exec plugins of kubeconfigs that may run.
        proposal_days: how long a proposal waits for a decision.
        changes_per_minute: how often one object may change what a match makes before it is held back.
    """

    database: str
    key_file: Path | None = None
    observe: bool = False
    manifests: Path | None = None
    allowed_exec: frozenset[str] = frozenset()
    log_level: str = "info"
    proposal_days: int = 7
    changes_per_minute: int = 30


def read_settings(environment: Mapping[str, str], data_folder: Path) -> Settings:
    """From environment variables; `data_folder` is where the default database lies.

    Raises:
        InvalidInput: a value is not one of those allowed.
    """
    level = environment.get(LOG_LEVEL, "info").lower()
    if level not in LEVELS:
        raise InvalidInput(f"{LOG_LEVEL} is {level!r}; it must be one of {', '.join(LEVELS)}")
    key_file = environment.get(KEY_FILE)
    return Settings(
        database=environment.get(DATABASE) or str(data_folder / "fleetd.db"),
        key_file=Path(key_file) if key_file else None,
        log_level=level,
        proposal_days=_positive(environment, PROPOSAL_DAYS, 7),
        changes_per_minute=_positive(environment, CHANGES_PER_MINUTE, 30),
    )


def _positive(environment: Mapping[str, str], name: str, otherwise: int) -> int:
    text = environment.get(name) or str(otherwise)
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 1_000_000:
        raise InvalidInput(f"{name} is {text!r}; it must be a whole number from 1 to 999999")
    return int(text)
