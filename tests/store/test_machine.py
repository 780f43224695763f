"""Whatever is committed in whatever order, the store holds what a dictionary would."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fleetd.domain.records import AddonGone, ChangeKind, MemberGone, VerdictGone
from fleetd.domain.states import AddonState, VerdictState
from fleetd.store.database import Database
from fleetd.store.validate import violations

CLUSTERS = st.sampled_from(["a/1", "a/2", "a/3"])
NAMES = st.sampled_from(["web", "db"])
LABELS = st.dictionaries(st.sampled_from(["env", "team"]), st.text(max_size=3), max_size=2)
STEP = st.one_of(
    st.tuples(st.just("member"), CLUSTERS, LABELS),
    st.tuples(st.just("member gone"), CLUSTERS, st.none()),
    st.tuples(st.just("verdict"), CLUSTERS, st.tuples(NAMES, st.sampled_from(VerdictState))),
    st.tuples(st.just("verdict gone"), CLUSTERS, NAMES),
    st.tuples(st.just("addon"), CLUSTERS, st.sampled_from(AddonState)),
    st.tuples(st.just("addon gone"), CLUSTERS, st.none()),
    st.tuples(st.just("event"), CLUSTERS, st.tuples(NAMES, st.sampled_from(ChangeKind), st.integers(0, 2))),
    st.tuples(st.just("match"), CLUSTERS, NAMES),
)


@pytest.fixture
def machine(said, clock, master_key, upgraded_sqlite):
    """The machine's class: a database and the dictionaries that it must equal."""

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.runner = asyncio.Runner()
            self.folder = Path(tempfile.mkdtemp(prefix="fleetd-machine-"))
            shutil.copyfile(upgraded_sqlite, self.folder / "fleet.db")
            self.members, self.verdicts, self.addons, self.reports, self.matches = {}, {}, {}, {}, {}
            self.revision = 0
            self.open()

        def open(self) -> None:
            self.database = self.runner.run(Database.open(str(self.folder / "fleet.db"), key=master_key, now=clock))

        def teardown(self) -> None:
            assert self.runner.run(violations(self.database)) == []
            self.runner.run(self.database.close())
            self.runner.close()
            shutil.rmtree(self.folder)

        @rule(batches=st.lists(st.lists(STEP, min_size=1, max_size=6), min_size=1, max_size=3))
        def commit_together(self, batches) -> None:
            """Several callers at once: their batches go in the order in which they asked."""
            clock.forward(seconds=1)
            records = [[self.said(*step) for step in batch] for batch in batches]

            async def all_at_once() -> None:
                await asyncio.gather(*(self.database.commit(batch) for batch in records))

            self.runner.run(all_at_once())

        @rule()
        def reopen(self) -> None:
            self.runner.run(self.database.close())
            self.open()

        def said(self, what, cluster, more):
            match what:
                case "member":
                    self.members[cluster] = said.member(cluster, labels=more)
                    return self.members[cluster]
                case "member gone":
                    self.members.pop(cluster, None)
                    return MemberGone(cluster=cluster, at=clock())
                case "verdict":
                    name, state = more
                    self.verdicts[cluster, name] = said.verdict(said.service(name), state, cluster=cluster)
                    return self.verdicts[cluster, name]
                case "verdict gone":
                    self.verdicts.pop((cluster, more), None)
                    return VerdictGone(source="lb", cluster=cluster, ref=said.service(more), at=clock())
                case "addon":
                    self.addons[cluster] = said.addon(cluster=cluster, state=more)
                    return self.addons[cluster]
                case "addon gone":
                    self.addons.pop(cluster, None)
                    return AddonGone(profile="ClusterProfile/web", cluster=cluster, addon="policyRefs/0", at=clock())
                case "event":
                    return self.event(cluster, *more)
                case _:
                    return self.match(cluster, more)

        def event(self, cluster, name, change, body):
            self.revision += 1
            report = self.reports.setdefault(cluster, {})
            event = said.event(
                f"e{self.revision}", said.service(name), change=change, body={"v": body}, cluster=cluster, revision=self.revision
            )
            if change is ChangeKind.REMOVED:
                report.pop(name, None)
            else:
                report[name] = event.changes[0].object
            return event

        def match(self, cluster, name):
            self.revision += 1
            clock.forward(milliseconds=1)
            record = said.match(f"m{self.revision}", said.service(name), cluster=cluster, event_id="e0")
            self.matches[cluster, name] = record
            return record

        @invariant()
        def equals_the_dictionaries(self) -> None:
            loaded = self.runner.run(self.database.load())
            assert {member.cluster: member for member in loaded.members} == self.members
            assert {(verdict.cluster, verdict.ref.name): verdict for verdict in loaded.verdicts} == self.verdicts
            assert {addon.cluster: addon for addon in loaded.addons} == self.addons
            assert {
                cluster: {found.ref.name: found for found in report.objects} for (_, cluster), report in loaded.reports.items()
            } == self.reports
            assert {(found.cluster, found.object_ref.name): found for found in loaded.matches} == self.matches

    return Machine


def test_the_store_equals_a_dictionary_and_a_reopened_one_equals_itself(machine, said):
    class Seeded(machine):
        def __init__(self) -> None:
            super().__init__()
            # The event that all matches name.
            self.runner.run(self.database.commit([said.event("e0", cluster="a/0")]))
            self.reports["a/0"] = {}

    run_state_machine_as_test(
        Seeded, settings=settings(max_examples=12, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck))
    )
