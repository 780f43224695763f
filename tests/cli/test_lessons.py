"""What is wrong is told with what would be right: the same lessons as those of the service, as commands."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.cli.__main__ import build_app
from fleetd.cli.lessons import command_of, in_commands, lesson_lines
from fleetd.cli.output import fitted
from fleetd.domain.errors import FleetdError
from fleetd.domain.records import EventRecord, MemberRecord
from fleetd.domain.states import ClusterState
from fleetd.service.answers import Hint
from fleetd.service.asking import Question
from fleetd.service.local import LocalQuestions
from fleetd.service.questions.addons import ListAddons
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.drift import GetDrift
from fleetd.service.questions.events import ListEvents
from fleetd.service.questions.lineage import TraceLineage
from fleetd.service.teaching import Code, Lesson, lesson_of
from fleetd.store.database import Database

WRONG = [
    (("cluster", "describe", "e"), 1, ("e: no cluster", "next: fleetd cluster list")),
    (("addons", "-l", "eus"), 1, ("did you mean: default/us, default/eu",)),
    (("addons", "-l", "env"), 1, ("did you mean: label:env",)),
    (("addons", "-l", "env in (prod"), 2, ("column 1", "next: fleetd cluster list -l env=prod")),
    (("addons", "--profile", "nope"), 1, ("ClusterProfile/nope", "next: fleetd addons")),
    (("addons", "--limit", "-1"), 2, ("--limit",)),
    (("cluster", "list", "--older-than", "soon"), 2, ("soon: --older-than is no age",)),
    (("cluster", "list", "-n", "default", "-l", "eu"), 2, ("-l default/",)),
    (("events", "--since", "2"), 2, ("2: --since is no time",)),
    (("events", "--trigger", "nope"), 1, ("no EventTrigger of this name", "next: fleetd get eventtrigger -A")),
    (("events", "--as-of", "2999-01-01T00:00:00Z"), 2, ("--as-of is not yet",)),
    (("explain", "trigger", "nope"), 1, ("no EventTrigger of this name",)),
    (("explain", "profile", "nope"), 1, ("no ClusterProfile of this name",)),
    (("explain", "trigger", "mirror", "--event", "nope"), 1, ("no event of this id", "next: fleetd events")),
    (("trace", "nothing"), 2, ("nothing: this is no reference", "LIKE '%nothing%'\"   (objects of this name)")),
    (("trace", "Service/shop/web@nope"), 1, ("no cluster",)),
    (("trace", "Service/shop/web@eu"), 1, ("next: fleetd get objects -l default/eu",)),
    (("timeline", "-l", "nope"), 1, ("no cluster",)),
    (("timeline", "-l", "eu", "--until", "tomorrow"), 2, ("--until is no time",)),
    (("get", "journl"), 2, ("did you mean: journal",)),
    (("get", "cluster", "nope"), 1, ("no cluster",)),
    (("get", "references", "-l", "eu"), 2, ("about no cluster",)),
    (("get", "references", "--since", "2h"), 2, ("have no time",)),
    (("get", "requests", "--as-of", "-1s"), 2, ("keeps no past",)),
    (("get", "cm", "--limit", "5"), 2, ("--limit",)),
    (("get", "all", "-w"), 2, ("-w",)),
    (("describe", "cluster", "nope"), 1, ("no cluster",)),
    (("describe", "cluster"), 2, ("which cluster",)),
    (("views", "fleet_addon"), 1, ("did you mean: fleet_addons", "next: fleetd views")),
    (("wait", "--for", "shiny", "cm/a"), 2, ("shiny", "deployed")),
    (("wait", "--converged", "--timeout=-5s"), 2, ("--timeout",)),
    (("drift", "--open", "--only", "failed"), 2, ("not both",)),
]


def test_wrong_input_is_told_with_what_would_be_right(fleetd, samples, fleet):
    fleetd("apply", "-f", "-", given=samples.trigger)
    for arguments, code, words in WRONG:
        done = fleetd(*arguments)
        assert (done.code, done.out) == (code, ""), (arguments, done.err)
        assert done.err.startswith("fleetd: "), arguments
        assert not [word for word in words if word not in done.err], (arguments, done.err)


SAME = [
    (ListClusters(clusters="nope"), ("cluster", "list", "-l", "nope")),
    (ListAddons(clusters="a b"), ("addons", "-l", "a b")),
    (ListAddons(profile="nope"), ("addons", "--profile", "nope")),
    (ListEvents(trigger="nope"), ("events", "--trigger", "nope")),
    (GetDrift(since="soon"), ("drift", "--since", "soon")),
    (TraceLineage(ref="event:x"), ("trace", "event:x")),
]


def test_a_lesson_is_the_same_on_every_face(fleetd, environment, fleet):
    async def lesson(question: Question[object]) -> Lesson:
        service = LocalQuestions(environment["FLEETD_DATABASE"])
        try:
            await service.ask(question)
        except FleetdError as error:
            return lesson_of(error)
        finally:
            await service.close()
        pytest.fail("it was answered")

    for question, arguments in SAME:
        assert fleetd(*arguments).err.splitlines() == list(lesson_lines(asyncio.run(lesson(question)))), arguments


def test_a_list_has_the_rows_of_the_service_however_it_is_asked(fleetd, environment, fleet):
    async def listed() -> list[list[tuple[str, ...]]]:
        service = LocalQuestions(environment["FLEETD_DATABASE"])
        clusters = await service.ask(ListClusters())
        addons = await service.ask(ListAddons(clusters="env=prod"))
        await service.close()
        return [
            [(row.cluster, row.connection, str(row.pending_events)) for row in clusters.items],
            [(row.profile, row.cluster, row.state) for row in addons.items],
        ]

    clusters = [(row["cluster"], row["connection"], str(row["pending_events"])) for row in fleetd("cluster", "list", "-o", "json").json]
    addons = [(row["profile"], row["cluster"], row["state"]) for row in fleetd("addons", "-l", "env=prod", "-o", "json").json]
    assert asyncio.run(listed()) == [clusters, addons]
    assert len(addons) == 2


def test_long_lists_are_read_to_their_end_or_say_that_there_is_more(on_database, database_url, master_key, now):
    member = MemberRecord(
        cluster="default/eu", namespace="default", name="eu", kind="SveltosCluster", state=ClusterState.READY, reason="", since=now,
        ready=True, paused=False, last_seen_at=now, labels={},
    )  # fmt: skip
    event = EventRecord(
        event_id="", source="services", cluster="default/eu", revision=1, detected_at=now, matching_count=0, changes=(), cause_id="c"
    )
    members = [replace(member, cluster=f"default/c{number:04}", name=f"c{number:04}") for number in range(1_100)]
    events = [replace(event, event_id=f"e{number:04}") for number in range(1_100)]

    async def write() -> None:
        database = await Database.open(database_url, key=master_key)
        await database.commit([*members, *events])
        await database.close()

    asyncio.run(write())
    everything = on_database("get", "clusters", "-o", "name")
    assert everything.lines == [member.cluster for member in members]
    assert "there are more" not in everything.err
    newest = on_database("events", "-o", "name")
    assert len(newest.lines) == 1_000
    assert "these are 1000: --limit 0 shows all" in newest.err
    assert len(set(on_database("get", "events", "--limit", "0", "-o", "name").lines)) == 1_100
    few = on_database("events", "--limit", "3", "-o", "json")
    assert [row["event_id"] for row in few.json] == ["e1099", "e1098", "e1097"]


def test_a_next_step_is_a_command_that_is_taken():
    hints = [
        ("explain_addon", {"profile": "ClusterProfile/x", "cluster": "a/b"}),
        ("explain_trigger", {"trigger": "x", "cluster": "a/b", "object": "Service/a/b", "event": "e"}),
        ("find_objects", {"kinds": ["EventTrigger"]}),
        ("find_objects", {"query": "web", "clusters": "*"}),
        ("get_cluster", {"cluster": "a/b"}),
        ("get_event", {"event_id": "e"}),
        ("get_object", {"ref": "EventSource.lib.projectsveltos.io//x"}),
        ("get_request", {"request_id": "x"}),
        ("list_addons", {"status": ["failed", "conflict"]}),
        ("list_addons", {"group_by": "profile"}),
        ("list_clusters", {"has": ["pending_events"], "clusters": "env=prod"}),
        ("list_events", {"state": ["pending"]}),
        ("list_references", {"ref": "EventSource.lib.projectsveltos.io//x"}),
        ("list_rows", {"view": "fleet_proposals"}),
        ("describe_schema", {}),
    ]
    for tool, arguments in hints:
        words = shlex.split(command_of(Hint(why="", tool=tool, arguments=arguments)))
        assert words[0] == "fleetd"
        build_app(words[1:]).parse_args(words[1:], exit_on_error=False, print_error=False)
    assert command_of(Hint(why="", tool="no_such_tool")) == ""


def test_sentences_speak_of_commands_and_options():
    assert in_commands("the first are shown: list_addons has all") == "the first are shown: `fleetd addons` has all"
    assert in_commands("go on with until=2026, or as_of") == "go on with --until 2026, or --as-of"
    lesson = Lesson(code=Code.AMBIGUOUS_REF, sentence="several clusters have this name", got="eu", allowed=("a/eu", "b/eu"), retry_after=3)
    assert list(lesson_lines(lesson)) == ["fleetd: eu: several clusters have this name", "write one of: a/eu, b/eu", "again after 3 s"]


def test_a_cluster_that_no_daemon_has_met_is_not_unknown(fleetd, tmp_path):
    cluster = "apiVersion: lib.projectsveltos.io/v1beta1\nkind: SveltosCluster\nmetadata: {name: late}\n"
    assert fleetd("apply", "-f", "-", given=cluster).code == 0
    done = fleetd("cluster", "describe", "late")
    assert done.code == 1
    assert "no daemon has met it yet" in done.err


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), min_size=1, max_size=12), st.integers(20, 250))
def test_columns_fit_a_terminal_or_are_as_narrow_as_they_may_be(pairs, room):
    widths = [max(pair) for pair in pairs]
    found = fitted(widths, [cells for _, cells in pairs], room)
    assert len(found) == len(widths)
    assert all(new <= old for new, old in zip(found, widths, strict=True))
    assert sum(found) + 3 * (len(found) - 1) <= room or max(found) <= 6
    if sum(widths) + 3 * (len(widths) - 1) <= room:
        assert found == widths


def test_on_a_narrow_terminal_names_keep_their_ends_and_words_their_colours(fleetd, fleet, environment):
    ours, theirs = os.openpty()
    plain = {name: value for name, value in {**os.environ, **environment}.items() if name != "NO_COLOR"}
    command = [sys.executable, "-m", "fleetd.cli", "addons"]
    done = subprocess.run(command, env={**plain, "COLUMNS": "80", "TERM": "xterm"}, stdout=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "glni3qk2"[-5:] in shown
    assert "\x1b[31mfailed" in shown
    for line in re.sub(r"\x1b\[\d+m", "", shown).splitlines():
        assert len(line) <= 80
