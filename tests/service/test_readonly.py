"""Questions need no right to write, and work on a file that nobody may write."""

from __future__ import annotations

import uuid

import pytest

from fleetd.service.local import LocalQuestions
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.events import ListEvents
from fleetd.service.questions.explaining import ExplainTrigger
from fleetd.service.questions.foreseeing import PreviewChange
from fleetd.service.questions.overview import FleetOverview
from fleetd.service.questions.references import ListReferences
from fleetd.service.questions.sql import RunSql

ASKED = (
    FleetOverview(),
    ListClusters(has=("pending_events",), detail="full"),
    ListEvents(),
    ListReferences(ref="EventSource/balancers"),
    ExplainTrigger(trigger="share"),
    RunSql(sql="SELECT * FROM fleet_clusters"),
    PreviewChange(delete=("EventTrigger/share",)),
)


async def _reader(url: str) -> str:
    """A role that may select, and nothing else."""
    import asyncpg  # the extra may be missing where no Postgres is asked for

    name = f"r{uuid.uuid4().hex}"
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE ROLE {name} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    await connection.close()
    return url.replace("fleetd@", f"{name}@")


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_every_question_is_answered_for_a_role_that_cannot_write(planted_url):
    questions = LocalQuestions(await _reader(planted_url))
    for question in ASKED:
        assert await questions.ask(question)
    await questions.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_questions_open_the_file_for_reading_only(questions, planted_url):
    for question in ASKED:
        assert await questions.ask(question)
    reader = questions._line._reader
    with pytest.raises(Exception, match="readonly"):
        reader._connection._connection.execute("DELETE FROM members")
