"""`fleetd eval`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from fleetd.cli.manifests import STDIN, given_documents, given_texts
from fleetd.cli.options import FilesOption
from fleetd.cli.output import say_all, write_json, write_line, write_table
from fleetd.decide.evaluating.evaluate import JUDGES, judge_of
from fleetd.decide.evaluating.objects import read_objects
from fleetd.decide.evaluating.verdicts import Answer, Circumstances, Evaluation, Findings, Script, Verdict
from fleetd.decide.lint.check import check, unreadable
from fleetd.domain.documents import Document, with_defaults
from fleetd.domain.errors import InvalidInput
from fleetd.domain.findings import Severity
from fleetd.domain.objects import Manifest
from fleetd.scripts.places import Place
from fleetd.scripts.pool import ScriptPool
from fleetd.service.compilers import Engines


def eval_(  # noqa: PLR0913 - one parameter for each option
    *more: Annotated[str, Parameter(show=False)],
    filename: FilesOption = (),
    objects: Annotated[Sequence[str], Parameter(name="--objects", negative="", metavar="FILE...", allow_leading_hyphen=True)] = (),
    trace: Annotated[bool, Parameter(negative="")] = False,
    kubernetes_version: str = "",
    metric: Annotated[Sequence[str], Parameter(negative="", metavar="NAME=NUMBER")] = (),
    cluster: Annotated[str, Parameter(metavar="NAMESPACE/NAME")] = "",
    labels: Annotated[str, Parameter(metavar="KEY=VALUE,...")] = "",
    output: Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"))] = "table",
) -> int:
    """Say what a source or check says of objects from files, and why; exit code 1 when the answer is no.

    EventSource, HealthCheck, Classifier, ManagementClusterClassifier, the checks of a SveltosCluster, and validateHealths
    and its neighbours in profiles and triggers. Conditions are judged by the code that the daemon runs; neither a
    database nor a cluster is needed.

    Examples:

        fleetd eval -f source.yaml --objects service.yaml
        kubectl get deployments -A -o yaml | fleetd eval -f health.yaml --objects -
        fleetd eval -f source.yaml --objects ./objects --trace -o json

    Parameters
    ----------
    objects:
        Files and folders with the objects, whole as a cluster shows them, or - for stdin.
    trace:
        Every sub-expression of CEL with its value.
    kubernetes_version:
        The version of the cluster that the objects are on, for Classifiers that ask for it.
    metric:
        What a metric query gave; may be given several times.
    cluster:
        The cluster that the objects are on: what rules call cluster.namespace and cluster.name.
    labels:
        Its labels: what rules call cluster.labels.
    output:
        A table for people, or JSON: {"results": [{ref, verdict, status, message, rule, deciding, trace, cost}]}.
    """
    # Of `--objects a b c` the option takes the first, and the rest stands by itself.
    objects = (*objects, *more)
    if not objects:
        raise InvalidInput("nothing to evaluate on: name the objects' files by --objects")
    if "-" in filename and "-" in objects:
        raise InvalidInput("stdin is one text: give either the source or the objects by it")
    sources, problems = _sources(filename)
    if problems:
        say_all(problems)
        return InvalidInput.exit_code
    given = [one for name, text in given_texts(objects) for one in read_objects(text, source=name)]
    known = Circumstances(trace, kubernetes_version, _metrics(metric), _cluster(cluster, labels))
    found = asyncio.run(_evaluate([document.manifest for document in sources], given, known))
    results = [(document, one) for document, said in zip(sources, found, strict=True) for one in said.results]
    if output == "json":
        write_json({"results": [_as_json(document, one, trace=trace, named=len(sources) > 1) for document, one in results]})
    else:
        _write(results, trace=trace)
    return 0 if all(said.passed for said in found) else 1


def _sources(filename: Sequence[str]) -> tuple[list[Document], list[str]]:
    """What can be evaluated in the files, and what is wrong with it.

    Raises:
        InvalidInput: there is nothing to evaluate.
    """
    given = given_documents(filename)
    problems = [str(unreadable(error)) for error in given.unreadable]
    found = [document for document in given.documents if document.manifest.get("kind") in JUDGES]
    for one in check(found or given.documents, Engines()):
        if one.severity is Severity.ERROR:
            problems.append(f"{one} [{one.code}]")
        elif one.severity is Severity.WARNING:
            say_all([f"warning: {one} [{one.code}]"])
    if problems:
        return [], problems
    asked = [document for document in found if judge_of(document.manifest) is not None]
    if not asked:
        raise InvalidInput(f"nothing in the files of -f looks at objects: it takes {', '.join(JUDGES)} with selectors or checks")
    return [Document(with_defaults(one.manifest), one.source, one.line, one.origin, one.prefix) for one in asked], []


def _metrics(given: Sequence[str]) -> dict[str, float]:
    metrics = {}
    for text in given:
        name, equals, number = text.partition("=")
        try:
            if not name or not equals:
                raise ValueError
            metrics[name] = float(number)
        except ValueError:
            raise InvalidInput(f"--metric {text}: write NAME=NUMBER") from None
    return metrics


def _cluster(cluster: str, labels: str) -> dict[str, Any]:
    """The variable `cluster` of conditions."""
    namespace, slash, name = cluster.rpartition("/")
    pairs = [pair.partition("=") for pair in labels.split(",") if pair]
    wrong = next((key + equals + value for key, equals, value in pairs if not key or not equals), "")
    if wrong:
        raise InvalidInput(f"--labels {wrong}: write KEY=VALUE, several with commas between them")
    return {"name": name, "namespace": namespace if slash else "default", "labels": {key: value for key, _, value in pairs}}


async def _evaluate(sources: Sequence[Manifest], objects: Sequence[Manifest], known: Circumstances) -> list[Findings]:
    found = []
    async with ScriptPool(1) as pool:
        for manifest in sources:
            judge = judge_of(manifest)
            if judge is not None:
                found.append(await _carried_out(judge(manifest, objects, known), pool))
    return found


async def _carried_out(evaluation: Evaluation[Findings], pool: ScriptPool) -> Findings:
    """Runs the scripts that an evaluation asks for until it has its conclusion."""
    answers: Sequence[Answer] | None = None
    while True:
        try:
            scripts = next(evaluation) if answers is None else evaluation.send(answers)
        except StopIteration as end:
            conclusion: Findings = end.value
            return conclusion
        # One after the other, so that the time of each is its own.
        answers = [await _run(script, pool) for script in scripts]


async def _run(script: Script, pool: ScriptPool) -> Answer:
    begin = time.perf_counter()
    result = await pool.call(script.text, Place(script.place.value), script.argument)
    return Answer(result.value, result.error, result.line, (time.perf_counter() - begin) * 1000, result.explanation)


def _as_json(document: Document, verdict: Verdict, *, trace: bool, named: bool) -> dict[str, Any]:
    about = verdict.about
    told: dict[str, Any] = {
        "ref": {"apiVersion": about.api_version, "kind": about.kind, "namespace": about.namespace, "name": about.name},
        "verdict": verdict.state.value,
    }
    if verdict.status is not None:
        told["status"] = verdict.status
    told |= {"message": _message(document, verdict), "rule": verdict.rule, "deciding": verdict.deciding}
    if trace:
        told["trace"] = verdict.trace or []
    told["cost"] = {"steps": verdict.cost.steps, "milliseconds": round(verdict.cost.milliseconds, 3)}
    if named:
        told["source"] = f"{document.manifest['kind']}/{document.manifest['metadata']['name']}"
    return told


def _message(document: Document, verdict: Verdict) -> str:
    """With the place in the user's file where a script failed."""
    if not verdict.line:
        return verdict.message
    line, column = document.place_inside(verdict.path, verdict.line, 1)
    name = "stdin" if document.source == STDIN else document.source
    return f"{verdict.message} ({name}:{line}:{column})"


def _write(results: Sequence[tuple[Document, Verdict]], *, trace: bool) -> None:
    lines = [
        (one.state.value, str(one.about), one.status or "", one.rule, one.deciding or one.message, _message(document, one))
        for document, one in results
    ]
    columns = ("VERDICT", "OBJECT", "STATUS", "RULE", "DECIDING", "MESSAGE")
    shown = [place for place, name in enumerate(columns) if name != "STATUS" or any(line[place] for line in lines)]
    write_table([columns[place] for place in shown], [[line[place] for place in shown] for line in lines])
    if trace:
        for _, one in results:
            for line in _traced(one):
                write_line(line)


def _traced(verdict: Verdict) -> Iterator[str]:
    yield ""
    yield f"{verdict.about}: {verdict.state.value}"
    for entry in verdict.trace or ():
        yield from _branch(entry, 1)


def _branch(entry: dict[str, Any], depth: int) -> Iterator[str]:
    said = f"error: {entry['error']}" if "error" in entry else entry.get("value", entry.get("selected"))
    name = " ".join(str(entry[key]) for key in ("object", "selector", "rule", "expression") if key in entry)
    yield f"{'  ' * depth}{name} → {said}" + (f" ({entry['why']})" if "why" in entry else "")
    for below in (*entry.get("children", ()), *(entry.get("terms") or ())):
        yield from _branch(below, depth + 1)
