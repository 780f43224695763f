"""A page about one thing: its facts, what its manifest says, then tables of what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fleetd.cli.asked import tell
from fleetd.cli.output import plain, write_json, write_line, write_rows, write_yaml
from fleetd.service.answers import as_json

if TYPE_CHECKING:
    from fleetd.cli.options import PageForm
    from fleetd.service.answers import Answer
    from fleetd.service.questions.describing import Description


def write_description(answer: Answer[Description], form: PageForm) -> None:
    """Writes the page."""
    found = answer.result
    if form == "table":
        write_facts(found.facts)
        if found.body:
            write_line("")
            write_yaml(found.body)
        for part in found.parts:
            write_line(f"\n{part.title}:")
            write_rows(part.rows, view=part.view, form="table")
    else:
        (write_json if form == "json" else write_yaml)(as_json(found))
    tell(answer.warnings, answer.coverage)


def write_facts(facts: Mapping[str, Any]) -> None:
    """A line for each that says something."""
    shown = {name.replace("_", " ").capitalize(): _text(value) for name, value in facts.items() if value not in (None, "", [], (), {})}
    width = max(map(len, shown), default=0) + 1
    for name, text in shown.items():
        write_line(f"{name + ':':<{width}}  {text}")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return plain(",".join(f"{key}={held}" for key, held in sorted(value.items())))
    if isinstance(value, list | tuple):
        return plain(", ".join(map(str, value)))
    return plain(str(value))
