"""`fleetd preview`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from fleetd.cli.collector import collect_rarely
from fleetd.cli.manifests import given_documents, in_namespace
from fleetd.cli.naming import ref_of_word
from fleetd.cli.options import DatabaseOption
from fleetd.cli.output import say_all, write_json
from fleetd.cli.places import questions
from fleetd.cli.preview_text import markdown, tables
from fleetd.decide.previewing.results import FieldChange, ObjectChange, Preview
from fleetd.domain.documents import Document
from fleetd.domain.errors import InvalidInput
from fleetd.service.checking import Problem
from fleetd.service.previewing import Change, Foresee, Previewed, Untaken
from fleetd.service.selectors import label_changes

Words = Sequence[str]
_MANY = Parameter(negative="", consume_multiple=True)


def preview(  # noqa: PLR0913 - one parameter for each option
    *,
    filename: Annotated[Words, Parameter(name=("--filename", "-f"), metavar="FILE..."), _MANY] = (),
    namespace: Annotated[str, Parameter(name=("--namespace", "-n"))] = "",
    delete: Annotated[Words, Parameter(name="--delete", metavar="KIND/NAME..."), _MANY] = (),
    label: Annotated[Words, Parameter(name="--label", metavar="CLUSTER KEY=VALUE..."), _MANY] = (),
    force_conflicts: Annotated[bool, Parameter(negative="")] = False,
    limit: Annotated[int, Parameter(name="--limit")] = 20,
    output: Annotated[Literal["table", "json", "markdown"], Parameter(name=("--output", "-o"))] = "table",
    database: DatabaseOption = None,
) -> int:
    """Say what a change of the declared objects would do to the fleet now; exit code 0 when nothing would change, 1 when something would.

    The change is taken as `fleetd apply`, `delete` and `cluster label` would take it, played with the daemon's own stages on what the
    database knows, and followed by the triggers that would fire next, two rounds deep. Nothing is written, neither to the
    database nor to a cluster, and no master key is read: values of Secrets are not compared.

    Examples:

        fleetd preview -f trigger.yaml
        fleetd preview -f ./fleet -o markdown > comment.md
        fleetd preview --delete eventtrigger/mirror --label eu-1 env=prod tier-

    Parameters
    ----------
    filename:
        Files and folders with objects that would be declared, or - for stdin.
    namespace:
        For namespaced objects that name none; `default` without it.
    delete:
        Declared objects that would be deleted: KIND/NAME or KIND/NAMESPACE/NAME.
    label:
        A member, and what would change in its labels: key=value sets, key- takes away. Several members one after the other.
    force_conflicts:
        As `fleetd apply` with this option: take fields over that another manager holds.
    limit:
        Rows of a table of each sort, and in Markdown clusters, and rows of each; what is left out is counted. JSON has everything.
    output:
        A table, JSON, or Markdown for a comment on a pull request.
    """
    if not (filename or delete or label):
        raise InvalidInput("say what would change: -f FILE, --delete KIND/NAME, or --label CLUSTER key=value")
    if limit < 1:
        raise InvalidInput("--limit is at least 1")
    collect_rarely()  # the whole fleet is in memory, and stays until the end
    problems: list[Problem] = []
    documents: list[Document] = []
    if filename:
        given = given_documents(filename)
        problems = [Problem(str(error)) for error in given.unreadable]
        documents = [in_namespace(document, namespace) for document in given.documents]
    deletes = tuple(ref_of_word(word, namespace or "default") for word in delete)
    change = Change(documents=tuple(documents), deletes=deletes, labels=tuple(labels_of(label)), force=force_conflicts)
    try:
        if problems:
            raise Untaken(problems)
        found = asyncio.run(_asked(change, database))
    except Untaken as error:
        say_all(f"error: {problem}" for problem in error.problems)
        say_all([f"fleetd: {len(error.problems)} error{'s' * (len(error.problems) > 1)}; this would not be taken"])
        return error.exit_code
    say_all(f"warning: {warning}" for warning in found.warnings)
    if output == "json":
        write_json(as_json(found))
    elif output == "markdown":
        markdown(found, limit)
    else:
        tables(found, limit)
    return 0 if found.quiet else 1


async def _asked(change: Change, database: str | None) -> Previewed:
    async with questions(database) as service:
        return await service.ask(Foresee(change=change))


def labels_of(words: Iterable[str]) -> Iterable[tuple[str, dict[str, str | None]]]:
    """Reads `CLUSTER key=value key- CLUSTER …`: what is no change names the next member.

    Raises:
        InvalidInput: a change comes before a name, or a member has none.
    """
    found: list[tuple[str, list[str]]] = []
    for word in words:
        if "=" not in word and not word.endswith("-"):
            found.append((word, []))
        elif not found:
            raise InvalidInput(f"--label: whose label is {word!r}? name the cluster before it")
        else:
            found[-1][1].append(word)
    for name, changes in found:
        if not changes:
            raise InvalidInput(f"--label: what changes on {name}? write key=value to set, key- to take away")
        yield name, label_changes(changes)


def as_json(found: Previewed) -> dict[str, Any]:
    """The stable form: every key is always there."""
    effect = found.effect
    return {
        "changes": not found.quiet,
        "revision": found.revision,
        "fleet_clusters": found.clusters,
        "counts": dict(effect.counts),
        "declared": [{"ref": str(item.ref), "done": item.done.value} for item in found.declared],
        "objects": [_object(item) for item in effect.objects],
        "matches": [
            {
                "course": item.course.value,
                "trigger": item.trigger,
                "cluster": item.cluster,
                "object": str(item.object) if item.object else "",
                "profile": item.profile,
                "depth": item.depth,
                "because": item.because,
            }
            for item in effect.matches
        ],
        "reach": [
            {"subject": item.subject, "gained": list(item.gained), "lost": list(item.lost), "depth": item.depth} for item in effect.reaches
        ],
        "held": [
            {"subject": item.subject, "summary": item.summary, "lost": list(item.lost), "objects": item.objects, "depth": item.depth}
            for item in effect.held
        ],
        "problems": [
            {"subject": item.subject, "message": item.message, "clusters": list(item.clusters), "depth": item.depth}
            for item in effect.problems
        ],
        **_known(effect),
        "warnings": list(found.warnings),
    }


def _known(effect: Preview) -> dict[str, Any]:
    """How much of it is known."""
    return {
        "coverage": [
            {"source": item.source, "kind": item.kind, "clusters": item.clusters, "judged": item.judged, "kept": item.kept}
            for item in effect.coverage
        ],
        "joining": list(effect.joining),
        "leaving": list(effect.leaving),
        "standing": effect.standing,
        "unjudged": effect.unjudged,
        "sealed": effect.sealed,
    }


def _object(item: ObjectChange) -> dict[str, Any]:
    return {
        "action": item.action.value,
        "cluster": item.cluster,
        "object": str(item.ref),
        "profile": item.profile,
        "addon": item.addon,
        "depth": item.depth,
        "trigger": item.because,
        "reason": item.reason,
        "waits": item.waits,
        "data_loss": item.data_loss,
        "unsure": item.unsure,
        "fields": [_field(field) for field in item.fields],
    }


def _field(field: FieldChange) -> dict[str, Any]:
    return {"path": field.path, "before": field.before, "after": field.after, "withheld": field.withheld}
