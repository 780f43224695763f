"""What the program was started with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Given:
    """What the program was started with."""

    url: str
    palette: str = "dark"
    key_map: dict[str, str] | None = None
    views: Path | None = None
    sql_history: Path | None = None
    key_file: Path | None = None
    start: str = "pulse"
    clock: Callable[[], datetime] = _now
