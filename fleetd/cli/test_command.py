"""`fleetd test`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from cyclopts import Parameter

from fleetd.cli.junit import Case, write_junit
from fleetd.cli.output import colors_wanted, counted, plain, say, say_all, write_json, write_line
from fleetd.cli.render import place_of_flaw
from fleetd.cli.trials import Outcome, tried
from fleetd.decide.rehearsing.checking import Failure
from fleetd.decide.rehearsing.comparing import NOTHING
from fleetd.decide.rehearsing.trial import Read, read_trials
from fleetd.domain.errors import InvalidInput
from fleetd.domain.yaml_reader import UnreadableText
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import TemplatePool
from fleetd.service.file_texts import TESTS, text_of

_LONGEST = 400


def run_tests(
    *paths: str,
    junit: Annotated[str, Parameter(metavar="FILE")] = "",
    output: Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"))] = "table",
) -> int:
    """Run tests of manifests: given objects and clusters, what is expected of them; exit code 1 when something is otherwise.

    Tests stand in files *.test.yaml. They run on the daemon's own stages, on a fleet in memory: neither a database nor a cluster
    is needed, and nothing is written.

    Examples:

        fleetd test ./fleet
        fleetd test ./fleet/tests/share.test.yaml
        fleetd test ./fleet --junit report.xml

    Parameters
    ----------
    paths:
        Test files, and folders with all below them.
    junit:
        Also write a report for build servers to this file.
    output:
        A line for each test, with what was wanted and found, or JSON: {"tests": [{file, line, name, passed, failures: [{file, line,
        column, after, message, wanted, found}], errors, hints}]}.
    """
    reads, wrong = _read(paths)
    outcomes, seconds = asyncio.run(_tried(reads))
    say_all(dict.fromkeys(f"warning: {warning}" for outcome in outcomes for warning in outcome.warnings))
    if output == "json":
        write_json({"tests": [_as_json(outcome) for outcome in outcomes]})
    else:
        for outcome in outcomes:
            _write(outcome)
    say_all(f"error: {sentence}" for file in wrong.values() for sentence in file)
    if junit:
        write_junit(junit, [*_cases(outcomes, seconds), *(Case(file, "the file can be read", (), told) for file, told in wrong.items())])
    return _summed_up(outcomes, wrong)


def _summed_up(outcomes: Sequence[Outcome], wrong: Mapping[str, Sequence[str]]) -> int:
    unusable = sum(bool(outcome.unusable) for outcome in outcomes)
    failed = sum(bool(outcome.failures) and not outcome.unusable for outcome in outcomes)
    passed = len(outcomes) - unusable - failed
    said = f"{passed} passed, {failed} failed"
    say(said + (f", {unusable} could not be run" if unusable else "") + (f", {counted(len(wrong), 'file')} with mistakes" if wrong else ""))
    if wrong or unusable:
        return InvalidInput.exit_code
    return 1 if failed else 0


def _read(paths: Sequence[str]) -> tuple[list[Read], dict[str, list[str]]]:
    """The tests, and what is wrong with their files.

    Raises:
        InvalidInput: there are none.
    """
    reads: list[Read] = []
    wrong: dict[str, list[str]] = {}
    files = list(dict.fromkeys(file for path in paths for file in _files(path)))
    if not files:
        raise InvalidInput("nothing to test: name files *.test.yaml, or folders that have such")
    for file in files:
        try:
            good, findings = read_trials(text_of(file, str(file)), source=str(file))
        except UnreadableText as error:
            wrong[str(file)] = [str(error)]
            continue
        except OSError as error:
            wrong[str(file)] = [f"{file}: the file cannot be read: {error.strerror}"]
            continue
        reads += good
        if findings:
            wrong[str(file)] = [str(one) for one in findings]
        elif not good:
            wrong[str(file)] = [f"{file}: there is no test in it"]
    return reads, wrong


def _files(name: str) -> Iterator[Path]:
    path = Path(name)
    if path.is_dir():
        found = [one for one in sorted(path.rglob("*")) if one.name.lower().endswith(TESTS) and one.is_file()]
        shown = [one for one in found if not any(part.startswith(".") for part in one.relative_to(path).parts)]
        if not shown:
            raise InvalidInput(f"the folder {name} has no files *.test.yaml in it")
        yield from shown
    elif not path.exists():
        raise InvalidInput(f"there is no file or folder {name}")
    else:
        yield path


async def _tried(reads: Sequence[Read]) -> tuple[list[Outcome], list[float]]:
    outcomes, seconds = [], []
    if not reads:
        return [], []
    async with ScriptPool(1) as pool, TemplatePool(pool, 1) as templates:
        for read in reads:
            begin = time.perf_counter()
            outcomes.append(await tried(read, datetime.now(UTC), pool, templates))
            seconds.append(time.perf_counter() - begin)
    return outcomes, seconds


def _cases(outcomes: Sequence[Outcome], seconds: Sequence[float]) -> Iterator[Case]:
    for outcome, took in zip(outcomes, seconds, strict=True):
        failures = ["\n".join(_lines(outcome, after, failure)) for after, failure in outcome.failures]
        document = outcome.read.document
        yield Case(document.source, outcome.read.trial.name, failures + [f"hint: {hint}" for hint in outcome.hints], outcome.unusable, took)


def _write(outcome: Outcome) -> None:
    word, color = ("ok", "32") if outcome.passed else ("ERROR", "31") if outcome.unusable else ("FAILED", "31")
    document = outcome.read.document
    shown = word.ljust(6)
    if colors_wanted(sys.stdout):
        shown = f"\x1b[{color}m{shown}\x1b[0m"
    write_line(f"{shown} {plain(f'{document.source}:{document.line}: {outcome.read.trial.name}')}")
    for sentence in outcome.unusable:
        write_line(f"       {plain(sentence)}")
    if outcome.unusable:
        return
    for after, failure in outcome.failures:
        for line in _lines(outcome, after, failure):
            write_line(f"       {plain(line)}")
    for hint in outcome.hints:
        write_line(f"       hint: {plain(hint)}")


def _lines(outcome: Outcome, after: str, failure: Failure) -> Iterator[str]:
    place = _place(outcome, failure)
    yield f"{place}: {f'after “{after}”: ' if after else ''}{failure.sentence}"
    if failure.wanted is not NOTHING or failure.found is not NOTHING:
        yield f"    wanted  {_value(failure.wanted)}"
        yield f"    found   {_value(failure.found)}"


def _place(outcome: Outcome, failure: Failure) -> str:
    if failure.problem is not None:
        name, line, column = place_of_flaw(failure.problem.flaw, outcome.documents)
        if name:
            return f"{name}:{line}:{column}"
    return outcome.place(failure.path)


def _value(value: Any) -> str:
    if value is NOTHING:
        return "nothing"
    text = value if isinstance(value, str) and "\n" not in value and value.startswith("… ") else orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _as_json(outcome: Outcome) -> dict[str, Any]:
    document = outcome.read.document
    return {
        "file": document.source,
        "line": document.line,
        "name": outcome.read.trial.name,
        "passed": outcome.passed,
        "failures": [_failure(outcome, after, failure) for after, failure in outcome.failures],
        "errors": outcome.unusable,
        "hints": outcome.hints,
    }


def _failure(outcome: Outcome, after: str, failure: Failure) -> dict[str, Any]:
    file, line, column = _place(outcome, failure).rsplit(":", 2)
    told: dict[str, Any] = {"file": file, "line": int(line), "column": int(column), "after": after, "message": failure.sentence}
    told |= {key: value for key, value in (("wanted", failure.wanted), ("found", failure.found)) if value is not NOTHING}
    return told
