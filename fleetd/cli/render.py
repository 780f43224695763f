"""`fleetd render`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from fleetd.cli.manifests import STDIN
from fleetd.cli.output import counted, plain, say, say_all, write_json, write_line, yaml_text
from fleetd.cli.rehearsed import carried_out, rendered
from fleetd.cli.render_input import Input, read_input
from fleetd.decide.engines.answers import Awaited
from fleetd.decide.rehearsing.provenance import FieldOrigin, origins_of
from fleetd.decide.rehearsing.rehearsal import Given, Rehearsal
from fleetd.decide.rehearsing.results import Problem, Result, results_of, unmet
from fleetd.decide.spots import Flaw
from fleetd.domain.documents import Document
from fleetd.domain.errors import InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import TemplatePool

Paths = Sequence[str]
_FILES = Parameter(negative="", metavar="FILE...", consume_multiple=True)


Origins = Sequence[Sequence[FieldOrigin]]


def render(
    *,
    filename: Annotated[Paths, Parameter(name=("--filename", "-f")), _FILES] = (),
    objects: Annotated[Paths, Parameter(name="--objects"), _FILES] = (),
    clusters: Annotated[Paths, Parameter(name="--clusters"), _FILES] = (),
    provenance: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[Literal["yaml", "json"], Parameter(name=("--output", "-o"))] = "yaml",
) -> int:
    """Say what the triggers and profiles in files would put on which cluster; exit code 1 when something cannot be rendered.

    EventTriggers meet the objects as their EventSources select them on their source clusters; ClusterProfiles and Profiles are
    placed by labels. The stages are the daemon's own; neither a database nor a cluster is needed, and nothing is written.

    Objects of several clusters: the annotation fleetd.io/cluster: namespace/name, on an object or on a List of them, says where
    they stand. Without it an object stands on each cluster that a trigger listens to.

    Examples:

        fleetd render -f trigger.yaml --objects service.yaml --clusters clusters.yaml
        kubectl get services -A -o yaml | fleetd render -f ./fleet --objects=-
        fleetd render -f ./fleet --objects ./objects --clusters clusters.yaml --provenance -o json

    Parameters
    ----------
    filename:
        Files and folders with triggers, profiles, and what they refer to, or - for stdin.
    objects:
        Files and folders with objects, whole as clusters show them, or - for stdin.
    clusters:
        Files with SveltosClusters and their labels; all count as ready. Without them, and without any in the files of -f, one
        is assumed for each selector, with labels that it chooses.
    provenance:
        For each field the template, its line, and the expressions that made the value.
    output:
        Manifests with comments that say what is for which clusters, or JSON: {"results": [{trigger, source_cluster, object, profile,
        destinations, manifests, problems, notes, provenance}]}.
    """
    if sum("-" in given for given in (filename, objects, clusters)) > 1:
        raise InvalidInput("stdin is one text: give either the manifests, the objects or the clusters by it")
    found = read_input(filename, objects, clusters)
    say_all(f"warning: {one}" for one in found.warnings)
    say_all(found.refused)
    rehearsal = Rehearsal(datetime.now(UTC))
    results, origins = asyncio.run(_played(rehearsal, found.given, provenance=provenance))
    if output == "json":
        write_json({"results": [_as_json(one, found.documents, fields) for one, fields in zip(results, origins, strict=True)]})
    else:
        for one, fields in zip(results, origins, strict=True):
            _write(one, found.documents, fields)
    return _told(rehearsal, found, results)


def _told(rehearsal: Rehearsal, found: Input, results: Sequence[Result]) -> int:
    say_all(unmet(rehearsal.plane))
    problems = [(result, problem) for result in results for problem in result.problems]
    for result, problem in problems:
        say(plain(f"{_where(problem.flaw, found.documents)}{_what(result)}: {problem.message}"))
    if found.refused:
        return InvalidInput.exit_code
    say(f"{counted(sum(len(result.made) for result in results), 'object')}, {counted(len(problems), 'problem')}")
    return 1 if problems or not results else 0


async def _played(rehearsal: Rehearsal, given: Given, *, provenance: bool) -> tuple[Sequence[Result], Sequence[Origins | None]]:
    async with ScriptPool(1) as pool, TemplatePool(pool, 1) as templates:
        await carried_out(rehearsal, rehearsal.play(given), pool, templates)
        results = results_of(rehearsal.plane, rehearsal.now)
        return results, [await _origins(rehearsal, result, templates) if provenance else None for result in results]


async def _origins(rehearsal: Rehearsal, result: Result, templates: TemplatePool) -> Origins:
    """Asks children what made what until all is known."""
    while True:
        try:
            return origins_of(rehearsal.plane, rehearsal.now, result)
        except Awaited:
            for one in rehearsal.plane.answers.asked():
                rehearsal.plane.answers.put(one.key, await rendered(one, templates))


def _what(result: Result) -> str:
    if not result.trigger:
        return result.profile
    about = f" for {result.object}" if result.object else ""
    return f"EventTrigger {result.trigger} on {result.source_cluster}{about}"


def place_of_flaw(flaw: Flaw | None, documents: Mapping[ObjectRef, Document]) -> tuple[str, int, int]:
    """File, line and column of a flaw; empty and zeros where it stands in nothing that was given."""
    document = documents.get(flaw.spot.ref) if flaw is not None else None
    if flaw is None or document is None:
        return "", 0, 0
    name = "stdin" if document.source == STDIN else document.source
    path = flaw.spot.path
    if flaw.spot.ref.kind == "Secret" and path not in document.places:
        path = ("stringData", *path[1:])
    line, column = document.place_inside(path, flaw.line, flaw.column) if flaw.line and path in document.places else document.place_of(path)
    return name, line, column


def _where(flaw: Flaw | None, documents: Mapping[ObjectRef, Document]) -> str:
    name, line, column = place_of_flaw(flaw, documents)
    return f"{name}:{line}:{column}: " if name else ""


def _as_json(result: Result, documents: Mapping[ObjectRef, Document], fields: Origins | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "trigger": result.trigger,
        "source_cluster": result.source_cluster,
        "object": str(result.object) if result.object else "",
        "profile": result.profile,
        "destinations": list(result.destinations),
        "manifests": [item.manifest for item in result.made],
        "problems": [_problem(problem, documents) for problem in result.problems],
        "notes": list(result.notes),
    }
    if fields is not None:
        told["provenance"] = [[_origin(item, documents) for item in entry] for entry in fields]
    return told


def _problem(problem: Problem, documents: Mapping[ObjectRef, Document]) -> dict[str, Any]:
    name, line, column = place_of_flaw(problem.flaw, documents)
    return {"message": problem.message, "file": name, "line": line, "column": column}


def _origin(item: FieldOrigin, documents: Mapping[ObjectRef, Document]) -> dict[str, Any]:
    name, line, column = place_of_flaw(item.flaw, documents)
    return {
        "field": item.field,
        "value": item.value,
        "template": str(item.flaw.spot) if item.flaw else "",
        "file": name,
        "line": line,
        "column": column,
        "expressions": list(item.expressions),
        "patches": list(item.patches),
    }


def _write(result: Result, documents: Mapping[ObjectRef, Document], fields: Origins | None) -> None:
    for line in _heading(result):
        write_line(f"# {plain(line)}")
    for number, item in enumerate(result.made):
        write_line("---")
        for origin in fields[number] if fields is not None else ():
            write_line(f"# {plain(_told_origin(origin, documents))}")
        write_line(yaml_text(item.manifest).rstrip("\n"))
    if result.made:
        write_line("---")


def _heading(result: Result) -> Iterator[str]:
    yield f"{_what(result)}{f': {result.profile}' if result.trigger and result.profile else ''}"
    yield f"on {', '.join(result.destinations) or 'no cluster'}: {counted(len(result.made), 'object')}"
    yield from (f"note: {note}" for note in result.notes)
    yield from (f"problem: {problem.message}" for problem in result.problems)


def _told_origin(item: FieldOrigin, documents: Mapping[ObjectRef, Document]) -> str:
    by = ", ".join(f"{{{{ {expression} }}}}" for expression in item.expressions) or ", ".join(item.patches)
    place = _where(item.flaw, documents).removesuffix(": ")
    return f"{item.field}: {place}{' ' if place and by else ''}{by}"
