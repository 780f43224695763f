"""Add-ons as a matrix: a row for each profile, a column for each cluster or value of a label, the worst state in each cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from fleetd.service.questions.matrix import AddonMatrix, Crossed, MatrixRow
from tui.lines import Line, Page, heading, link, plain
from tui.pages.asking import Ask
from tui.paint import BAD, GOOD, HEAD, QUIET, STRONG, UNDERWAY, styled
from tui.places import Place
from tui.words import role_of

NAMED = 44
TALL = 14
_SIGNS = {BAD: "✗", UNDERWAY: "…", GOOD: "✓", "": "·"}


async def page(ask: Ask, place: Place) -> Page:
    """`matrix LABEL` takes that label's values as columns."""
    found = (await ask(AddonMatrix(clusters=place.clusters, label=place.subject, as_of=place.as_of))).result
    lines = [plain(f"profiles × {found.by}; ✓ as it should be, … under way, ✗ failed; enter leads to a profile's add-ons", QUIET), plain()]
    if not found.rows:
        return Page("Matrix", (plain("no add-ons yet: a ClusterProfile, or a trigger, puts them on clusters", QUIET),))
    lines += [*_head(found), *(_row(row, found) for row in found.rows)]
    if found.more:
        lines.append(plain(f"and {found.more} more profiles: choose clusters with @selector", UNDERWAY))
    if found.labels:
        lines += heading("By a label")
        lines += [link(label, Place("matrix", label)) for label in found.labels]
    return Page(f"Matrix by {found.by}", tuple(lines))


def _head(found: Crossed) -> Iterator[Line]:
    names = [column.rpartition("/")[2][:TALL] for column in found.columns]
    tall = max(map(len, names), default=0)
    for line in range(tall):
        signs = "".join(f"{name.rjust(tall)[line]} " for name in names)
        yield Line(Text(" " * (NAMED + 2)) + styled(signs, HEAD))


def _row(row: MatrixRow, found: Crossed) -> Line:
    name = row.profile if len(row.profile) <= NAMED else f"{row.profile[: NAMED - 1]}…"
    text = styled(f"{name:<{NAMED}}  ", STRONG)
    for column in found.columns:
        role, sign = _worst(row.cells.get(column, {}))
        text.append(f"{sign} ", role)
    return link(text, Place("addons", of=f"profile={row.profile}"), row.profile, indent=0)


def _worst(states: Mapping[str, int]) -> tuple[str, str]:
    if not states:
        return QUIET, " "
    roles = [role_of(state) for state in states]
    worst = next((role for role in (BAD, UNDERWAY, GOOD) if role in roles), "")
    return worst, _SIGNS[worst]
