"""Who did it is said of what is there and of what is gone, also of a cluster that was paused."""

from __future__ import annotations

from datetime import UTC, datetime

from fleetd.domain.audit import Decider
from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import Admission
from fleetd.service.questions.timeline import GetTimeline

SHARE = ObjectRef("EventTrigger", "lib.projectsveltos.io", "", "share")


async def test_of_a_declared_object_that_is_gone_it_is_said_who_took_it_away(database, changing):
    admission = Admission(database, manager="test", by=Decider("ada", "cli", "delete"))
    await admission.delete(SHARE, now=datetime.now(UTC))
    newest = (await changing.ask(GetTimeline(ref=str(SHARE)))).items[0]
    assert "taken away" in newest.what
    assert newest.by == "ada"


async def test_a_pause_of_a_cluster_is_told_as_one(database, changing, planted):
    at = datetime.now(UTC)
    await database.commit([planted.member("prod/us-1", at, paused=True)])
    entries = (await changing.ask(GetTimeline(clusters="us-1", types=("cluster",)))).items
    assert [entry.what for entry in entries] == ["it became ready, paused", "it became ready"]
