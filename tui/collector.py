"""When the garbage collector looks: seldom, for while it looks at everything no key is answered."""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 20_000, 20, 100


def collect_seldom() -> None:
    """What was imported stays for good and is left out; of what comes and goes with each picture hardly anything holds cycles."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
