"""`fleetd proposals` and `approve`: what a person decides, in a real terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fleetd.domain.records import HeldLoss
from fleetd.domain.states import ProposalState

PATIENCE = 60
TYPE = re.compile(r"Type (\w+) to \w+ it: ")


class Terminal:
    """A command in a terminal of its own; what it asks is answered by `answers`, from a sign in what it shows to what is typed."""

    def __init__(self, environment: dict[str, str], arguments: tuple[str, ...]) -> None:
        self.primary, secondary = pty.openpty()
        command = [sys.executable, "-m", "fleetd.cli", *arguments]
        given = {**os.environ, **environment, "TERM": "xterm"}
        self.program = subprocess.Popen(command, stdin=secondary, stdout=secondary, stderr=secondary, env=given, close_fds=True)
        os.close(secondary)
        self.shown = ""

    def until(self, pattern: str) -> str:
        while not (found := re.search(pattern, self.shown)):
            assert self._read(), self.shown
        return found.group(found.lastindex or 0)

    def type(self, text: str) -> None:
        os.write(self.primary, f"{text}\n".encode())

    def end(self) -> tuple[int, str]:
        try:
            while self._read():
                pass
        finally:
            code = self.program.wait(PATIENCE)
            os.close(self.primary)
        return code, self.shown.replace("\r\n", "\n")

    def _read(self) -> bool:
        assert select.select([self.primary], [], [], PATIENCE)[0], self.shown
        try:
            found = os.read(self.primary, 65_536)
        except OSError:
            return False  # how Linux says that the other side of a terminal is closed
        self.shown += found.decode()
        return bool(found)


@pytest.fixture
def sit_down(environment) -> Callable[..., Terminal]:
    return lambda *arguments: Terminal(environment, arguments)


@pytest.fixture
def decided(sit_down) -> Callable[..., Any]:
    """Runs the command, types what it asks for, and gives its code and all it showed."""

    def run(*arguments: str) -> tuple[int, str]:
        terminal = sit_down(*arguments)
        terminal.type(terminal.until(TYPE.pattern))
        return terminal.end()

    async def beside(*arguments: str) -> tuple[int, str]:
        return await asyncio.to_thread(run, *arguments)

    return beside


@pytest.fixture
async def held(beside, registered, folder) -> str:
    """The id of a loss that waits: twelve objects that an edited source would report no more."""
    for number in range(12):
        metadata = {"name": f"exported-{number}", "namespace": "default", "labels": {"export": "yes"}}
        await registered.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    (folder / "a.yaml").write_text(EXPORTED)
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged")).code == 0
    (folder / "a.yaml").write_text(EXPORTED.replace('value: "yes"', 'value: "no"'))
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged", "--timeout", "1s")).code == 1
    (row,) = (await beside("proposals", "list", "--state", "waiting", "-o", "json")).json
    return str(row["id"])


EXPORTED = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: exported}
spec:
  resourceSelectors:
  - {group: "", version: v1, kind: ConfigMap, labelFilters: [{key: export, operation: Equal, value: "yes"}]}
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: copies}
spec:
  sourceClusterSelector: {matchLabels: {env: prod}}
  eventSourceName: exported
  oneForEvent: true
  policyRefs:
  - {kind: ConfigMap, name: nothing, namespace: default}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: nothing}
data: {}
"""
SUBJECT = "EventSource/exported@default/eu"


async def test_a_proposal_is_shown_approved_for_a_reason_and_then_follows(beside, decided, held):
    shown = await beside("proposals", "show", held)
    assert shown.code == 0
    assert "Would go (12):" in shown.out
    assert "ConfigMap/default/exported-0" in shown.out
    assert "Waits until:" in shown.out
    assert "held" in shown.out.partition("Why and since when:")[2]
    code, said = await decided("proposals", "approve", held[:-2], "--reason", "they are not exported any more")
    assert (code, said.splitlines()[-1]) == (0, f"{SUBJECT}: approved, 12 go")
    told = (await beside("proposals", "show", held)).out.partition("Why and since when:")[2]
    assert "they are not exported any more" in told
    row = (await beside("proposals", "show", held, "-o", "json")).json["facts"]
    assert (row["state"], row["decided_via"], row["decision"]) == ("applied", "cli", "they are not exported any more")
    assert (await beside("wait", "--converged")).code == 0
    assert "approve" in [one["action"] for one in (await beside("audit", "-o", "json")).json]


async def test_a_rejected_one_stays_as_it_is(beside, decided, held, folder):
    code, said = await decided("proposals", "reject", SUBJECT, "--reason", "a typo")
    assert (code, said.splitlines()[-1]) == (0, f"{SUBJECT}: rejected, 12 stay")
    (row,) = (await beside("proposals", "list", "-o", "json")).json
    assert (row["state"], row["decision"], row["ended_at"]) == ("rejected", "a typo", None)
    described = await beside("describe", "eventsource", "exported")
    assert "Proposals:" in described.out
    assert (await beside("wait", "--converged")).code == 0
    (folder / "a.yaml").write_text(EXPORTED)
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged")).code == 0
    (row,) = (await beside("proposals", "list", "-o", "json")).json
    assert (row["state"], row["ended_at"] is not None) == ("rejected", True)


async def test_the_short_form_asks_for_the_same(decided, held):
    code, said = await decided("approve", held, "--reason", "meant so")
    assert (code, said.splitlines()[-1]) == (0, f"{SUBJECT}: approved, 12 go")


@pytest.mark.parametrize("command", [("proposals", "approve"), ("proposals", "reject"), ("approve",)], ids=" ".join)
def test_without_a_terminal_nobody_decides_and_one_sentence_says_where(fleetd, written, waiting, command):
    written([waiting])
    done = fleetd(*command, waiting.proposal_id, "--reason", "because")
    assert (done.code, done.out, len(done.err.splitlines())) == (4, "", 1)
    assert "at a terminal" in done.err
    assert fleetd("get", "requests", "-o", "json").json == []


@pytest.fixture
def waiting(now):
    return HeldLoss(
        proposal_id="01a20a46000c7d3fc0ffee",
        subject="Profile/ClusterProfile/web",
        summary="12 of 12 would be lost",
        lost=tuple(f"default/c{number:02}" for number in range(60)),
        created_at=now,
        cause_id="c",
        expires_at=now + timedelta(days=7),
    )


def test_another_id_than_that_which_was_shown_does_nothing(sit_down, fleetd, written, waiting):
    written([waiting])
    terminal = sit_down("proposals", "approve", "01a20a46", "--reason", "because")
    assert terminal.until(TYPE.pattern) == "c0ffee"
    terminal.type("yes")
    code, said = terminal.end()
    assert (code, "that is not its id" in said) == (2, True)
    assert "and 10 more" in said
    assert fleetd("get", "requests", "-o", "json").json == []


def test_a_reason_is_asked_for_and_without_one_nothing_is_done(sit_down, fleetd, written, waiting):
    written([waiting])
    terminal = sit_down("proposals", "reject", waiting.proposal_id)
    terminal.until(r"Why\? ")
    terminal.type("  ")
    code, said = terminal.end()
    assert (code, "it needs a reason" in said) == (2, True)
    assert fleetd("get", "requests", "-o", "json").json == []


def test_the_list_tells_what_waits_until_when_and_how_others_ended(fleetd, written, waiting, now):
    decided = {"state": ProposalState.EXPIRED, "decided_at": now, "ended_at": None}
    written([waiting, replace(waiting, proposal_id="older", **decided)])
    table = fleetd("proposals", "list")
    assert table.lines[0].split() == ["ID", "SUBJECT", "STATE", "CREATED", "EXPIRES", "DECIDED", "REASON"]
    assert {row["state"] for row in fleetd("proposals", "list", "-o", "json").json} == {"waiting", "expired"}
    assert [row["id"] for row in fleetd("proposals", "list", "--state", "expired", "-o", "json").json] == ["older"]
    assert fleetd("proposals", "show", "nope").code == 1
    assert fleetd("proposals", "list", "--state", "odd").code == 2
    assert fleetd("proposals", "list", "--as-of", "-1h").code == 2


def test_a_part_of_several_ids_is_not_enough(fleetd, written, waiting):
    written([waiting, replace(waiting, proposal_id="01a20a46ffff")])
    several = fleetd("proposals", "show", "01a20a46")
    assert (several.code, "2 ids" in several.err) == (2, True)


async def test_a_loss_that_is_none_any_more_is_not_said_to_be_approved(decided, daemon, written, waiting):
    await asyncio.to_thread(written, [waiting])
    code, said = await decided("proposals", "approve", waiting.proposal_id, "--reason", "because")
    assert (code, "nothing is held" in said) == (1, True)
