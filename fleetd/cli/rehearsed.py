"""Plays rehearsals, with the children in which scripts and templates run."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from fleetd.decide.engines.answers import Rendered, Rendering
from fleetd.decide.observe import decisive
from fleetd.decide.plane.aggregating import Selected
from fleetd.decide.plane.turn import Ask
from fleetd.decide.rehearsing.rehearsal import Answer, Rehearsal
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import TemplatePool


async def carried_out(
    rehearsal: Rehearsal, play: Generator[Sequence[Ask], Sequence[Sequence[Answer]], None], pool: ScriptPool, templates: TemplatePool
) -> None:
    """Plays until nothing is asked for any more."""
    said: Sequence[Sequence[Answer]] | None = None
    while True:
        try:
            asks = next(play) if said is None else play.send(said)
        except StopIteration:
            break
        said = [await _answers(ask, pool) for ask in asks]
    while True:
        selections, renderings = rehearsal.selections(), rehearsal.renderings()
        if not selections and not renderings:
            return
        for asked in selections:
            chosen = await templates.select(asked.script, b"[" + b",".join(asked.bodies) + b"]")
            rehearsal.choose(asked, Selected(chosen.objects, chosen.message, chosen.error))
        if renderings:
            rehearsal.take([(one.key, await rendered(one, templates)) for one in renderings])


async def rendered(rendering: Rendering, templates: TemplatePool) -> Rendered:
    """What a child makes of it."""
    made = await templates.render(rendering.task, rendering.text, rendering.argument)
    return Rendered(made.text, made.error, made.line)


async def _answers(ask: Ask, pool: ScriptPool) -> list[Answer]:
    """As the engine has it: of several scripts the one that counts."""
    return [decisive([await pool.evaluate(script, ask.observed.raw) for script in wish.scripts]) for wish in ask.wishes]
