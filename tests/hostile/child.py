"""Takes texts from stdin, does to each what fleetd does with it, and says what came of it and how much larger the process grew.

In a process of its own, so that what other tests needed does not hide what these need.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fleetd.cluster.decoding import ObjectDecoder, Unreadable
from fleetd.decide.cel.port import DEFAULT_BUDGET
from fleetd.decide.cel.program import compile_cel
from fleetd.decide.definitions import Target
from fleetd.decide.gotemplate.functions.library import event_functions
from fleetd.decide.gotemplate.template import compile_template
from fleetd.decide.lint.check import check, unreadable
from fleetd.decide.observe import compile_source, judge
from fleetd.decide.patching.targets import compile_target
from fleetd.domain.documents import UnreadableText, parse, read_documents
from fleetd.domain.errors import FleetdError
from fleetd.domain.findings import Severity
from fleetd.domain.objects import Observed, Reads
from fleetd.domain.refs import GroupVersionKind
from fleetd.service.compilers import Engines

POD = GroupVersionKind("", "v1", "Pod")


def an_object() -> dict[str, Any]:
    """What conditions are asked about: wide, long and deep."""
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    wide = {f"k{number}": list(range(20)) for number in range(500)}
    return {"many": list(range(200)), "long": "a" * 20_000, "wide": wide, "deep": deep, "huge": 10**4000, "number": 7}


HELD = an_object()


def cel(text: str) -> str:
    """Compiled, judged and explained; a value is told by its type, for it may hold itself often."""
    program = compile_cel(text)
    spent = program.spent(HELD)
    if spent > 2 * DEFAULT_BUDGET:
        return f"BROKEN: {spent} steps were taken"
    program.trace({"resource": HELD})
    return f"value {type(program.evaluate({'resource': HELD})).__name__}"


def text(text: str) -> str:
    """Read, checked and parsed as a file that somebody applies."""
    try:
        documents = read_documents(text, source="file.yaml")
    except UnreadableText as error:
        return f"refused {unreadable(error)}"
    found = [one for one in check(documents, Engines()) if one.severity is Severity.ERROR]
    if found:
        return f"refused {found[0]}"
    for document in documents:
        parse(document)
    return f"value {len(documents)} documents"


def observed(text: str) -> str:
    """Decoded as the line of a watch, in part and whole, and judged by a source."""
    line = text.encode("utf-8", errors="surrogatepass").replace(b"<<FF>>", b"\xff")
    event = compile_source(
        {
            "metadata": {"name": "s"},
            "spec": {
                "resourceSelectors": [
                    {"group": "", "version": "v1", "kind": "Pod", "evaluateCEL": [{"name": "r", "rule": "resource.spec.a == 1"}]},
                ]
            },
        }
    )
    said = ""
    for reads in (event.reads(POD), Reads(raw=True, whole=True)):
        try:
            change = ObjectDecoder(POD, reads).line(line)
        except Unreadable as error:
            said = f"refused {error}"
            continue
        found = getattr(change, "observed", None)
        said = f"value {judge(event, POD, found).state}" if isinstance(found, Observed) else f"value {type(change).__name__}"
    return said


def regex(text: str) -> str:
    """A pattern in every place where one may stand."""
    quoted = json.dumps(text)
    said = []
    for work in (
        lambda: compile_cel(f"resource.long.matches({quoted}) || resource.long.find({quoted}) != ''").matches(HELD),
        lambda: compile_cel(f"regex.replace(resource.long, {quoted}, 'b').size() > 0").matches(HELD),
        lambda: compile_target(Target(name=text))({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a" * 253}}),
        lambda: compile_template("{{ regexMatch .p .t }}{{ regexReplaceAll .p .t `b` | len }}", functions=event_functions()).render(
            {"p": text, "t": "a" * 20_000}
        ),
    ):
        try:
            said.append(f"value {type(work()).__name__}")
        except FleetdError as error:
            said.append(f"refused {error}")
    return " / ".join(said)


WAYS: dict[str, Callable[[str], str]] = {"cel": cel, "text": text, "observed": observed, "regex": regex}


def told(work: Callable[[str], str], given: Iterable[str]) -> Iterable[str]:
    """What came of each: a value, a refusal, or something that nobody foresaw."""
    for text in given:
        try:
            yield work(text)
        except FleetdError as error:
            yield f"refused {error}"
        except Exception as error:
            yield f"BROKEN: {type(error).__name__}: {error}"[:300]


def largest() -> int:
    """Bytes that this process ever held at once."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = next((line for line in lines if line.startswith("VmHWM:")), None)
    return int(peak.split()[1]) * 1024 if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    work = WAYS[asked["way"]]
    list(told(work, asked["first"]))
    before = largest()
    outcomes = list(told(work, asked["texts"]))
    json.dump({"grown": largest() - before, "outcomes": outcomes, "after": list(told(work, asked["first"]))}, sys.stdout)
