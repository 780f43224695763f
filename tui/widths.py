"""How wide each column may be."""

from __future__ import annotations

from collections.abc import Sequence

BETWEEN = 2
LEAST = 6


def fitted(wanted: Sequence[int], room: int, least: Sequence[int], *, stretch: bool) -> list[int]:
    """Widths that together fit into the room, the widest giving way first; the last column takes what is left.

    Where even the least widths do not fit, they stand, and the rest is scrolled to.
    """
    widths = list(wanted)
    if not widths:
        return widths
    room -= BETWEEN * (len(widths) - 1)
    floors = [min(width, max(LEAST, floor)) for width, floor in zip(widths, least, strict=True)]
    while sum(widths) > room:
        loose = [place for place, width in enumerate(widths) if width > floors[place]]
        if not loose:
            break
        widths[max(loose, key=lambda place: (widths[place], place))] -= 1
    if stretch and sum(widths) < room:
        widths[-1] += room - sum(widths)
    return widths
