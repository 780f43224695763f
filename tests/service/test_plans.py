"""No list and no detail reads a growing table from end to end."""

from __future__ import annotations

import pytest

from fleetd.service.questions.addons import ExplainAddon, ListAddons
from fleetd.service.questions.clusters import GetCluster, ListClusters
from fleetd.service.questions.drift import GetDrift
from fleetd.service.questions.events import GetEvent, ListEvents
from fleetd.service.questions.explaining import ExplainTrigger
from fleetd.service.questions.lineage import TraceLineage
from fleetd.service.questions.objects import FindObjects, GetObject
from fleetd.service.questions.references import ListReferences
from fleetd.service.questions.timeline import GetTimeline
from fleetd.store.tables import metadata

# Tables by their names, and by their aliases in the views; what is left are parts of the query itself.
ALIASES = frozenset("acdegijlmorv")
TABLES = frozenset(metadata.tables)
ASKED = (
    ListClusters(has=("pending_events",), clusters="env=prod", detail="full"),
    GetCluster(cluster="prod/us-1"),
    ListReferences(ref="EventSource/balancers"),
    ListEvents(),
    ListEvents(clusters="env=prod", since="-3h"),
    ListEvents(source="balancers"),
    ListEvents(state=("failed", "pending")),
    ListEvents(trigger="share"),
    GetEvent(event_id="e1"),
    ExplainTrigger(trigger="share", cluster="eu-1", object="Service/shop/web"),
    ListAddons(),
    ListAddons(profile="share-web"),
    ListAddons(clusters="us-1"),
    ExplainAddon(profile="share-web", cluster="us-2"),
    FindObjects(query="web", clusters="us-1"),
    GetObject(ref="Service/shop/web@prod/us-1"),
    TraceLineage(ref="Service/shop/web@prod/us-1"),
    TraceLineage(ref="EventSource/balancers", direction="down"),
    GetDrift(),
    GetDrift(clusters="us-1", only="open"),
    GetTimeline(clusters="us-1"),
    GetTimeline(ref="EventTrigger/share"),
    ListClusters(has=("pending_events",), clusters="env=prod", detail="full", as_of="0s"),
    GetCluster(cluster="prod/us-1", as_of="0s"),
    ListEvents(as_of="0s"),
    ListEvents(state=("failed", "pending"), as_of="0s"),
    ListEvents(trigger="share", as_of="0s"),
    GetEvent(event_id="e1", as_of="0s"),
    ExplainTrigger(trigger="share", cluster="eu-1", object="Service/shop/web", as_of="0s"),
    ListAddons(profile="share-web", as_of="0s"),
    ExplainAddon(profile="share-web", cluster="us-2", as_of="0s"),
    TraceLineage(ref="Service/shop/web@prod/us-1", as_of="0s"),
    GetDrift(clusters="us-1", only="open", as_of="0s"),
    ListReferences(ref="EventSource/balancers", as_of="0s"),
    GetObject(ref="EventTrigger/share", as_of="0s"),
)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("question", ASKED, ids=lambda question: f"{question.name()}-{ASKED.index(question)}")
async def test_no_question_scans_a_table_that_grows(questions, question):
    await questions.ask(question)
    reader = questions._line._reader._connection._connection
    said: list[str] = []
    reader.set_trace_callback(said.append)
    await questions.ask(question)
    reader.set_trace_callback(None)
    scans = {}
    for sql in said:
        plan = [row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {sql}")]
        # Of a past time, the aliases are those of versions that were found by an index.
        names = TABLES if sql.startswith("WITH ") else ALIASES | TABLES
        made = {step.split()[1] for step in plan if step.startswith(("CO-ROUTINE ", "MATERIALIZE "))}
        whole = [step for step in plan if step.startswith("SCAN ") and " USING " not in step and step.split()[1] in names - made]
        # By the primary key, of which SQLite says that it scans.
        if whole and "ORDER BY seq" not in sql:
            scans[sql] = plan
    assert said
    assert scans == {}
