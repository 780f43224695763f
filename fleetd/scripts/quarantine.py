"""Scripts that ended their children again and again, and until when they are not run."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_PATIENCE = 3
_FIRST, _LONGEST = 10.0, 300.0
_REMEMBERED = 10_000


@dataclass(slots=True)
class _Record:
    ends: int = 0
    until: float = 0.0


class Quarantine:
    """Three ends in a row, and a script rests for 10 seconds; each further end doubles that, up to 5 minutes."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def ended(self, key: str, now: float) -> None:
        """A child had to be ended, or ended itself, because of this script."""
        record = self._records.setdefault(key, _Record())
        self._records.move_to_end(key)
        if len(self._records) > _REMEMBERED:
            self._records.popitem(last=False)
        record.ends += 1
        if record.ends >= _PATIENCE:
            record.until = now + min(_LONGEST, _FIRST * 2.0 ** min(record.ends - _PATIENCE, 16))

    def answered(self, key: str) -> None:
        """It ran to its end, well or not."""
        if self._records:
            self._records.pop(key, None)

    def rest(self, key: str, now: float) -> float:
        """Seconds that it must still rest; 0 when it may run."""
        record = self._records.get(key)
        return max(0.0, record.until - now) if record else 0.0
