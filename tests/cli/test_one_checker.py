"""One checker before everything that is declared, by whatever way it comes."""

from __future__ import annotations

import pytest
import yaml

from fleetd.cluster.port import Cluster
from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import Admission, Done
from fleetd.service.plane_cluster import PlaneCluster
from fleetd.store.database import Database
from fleetd.store.reading import Reader

REF = ObjectRef("EventSource", "lib.projectsveltos.io", "", "s")


def source(*rules: str, script: str = "") -> dict:
    """An EventSource with these conditions."""
    selector = {"group": "", "version": "v1", "kind": "Service"}
    selector |= {"evaluateCEL": [{"name": f"r{number}", "rule": rule} for number, rule in enumerate(rules)]} if rules else {}
    selector |= {"evaluate": script} if script else {}
    metadata = {"name": "s"}
    return {
        "apiVersion": "lib.projectsveltos.io/v1beta1",
        "kind": "EventSource",
        "metadata": metadata,
        "spec": {"resourceSelectors": [selector]},
    }


BROKEN = (
    source("resource.spec.type = 'a'"),
    source("object.spec.type == 'a'"),
    source(script="function evaluate() return {matching = true}"),
    source(script="function evaluate() return true end"),
    source(script="function check() return {matching = true} end"),
)
DOUBTFUL = source("resource.spec.type == 'LoadBalancer'", "resource.metadata.namespace == 'shop'")


@pytest.fixture
async def database(environment, master_key):
    opened = await Database.open(environment["FLEETD_DATABASE"], key=master_key)
    yield opened
    await opened.close()


@pytest.fixture
def journal(environment):
    """Subjects and reasons of all warnings."""

    def rows() -> list[tuple[str, str]]:
        with Reader.open(environment["FLEETD_DATABASE"]) as reader:
            return [
                (row["subject_ref"], row["reason"])
                for row in reader.rows("SELECT subject_ref, reason FROM fleet_journal WHERE decision = 'warned' ORDER BY entry_id")
            ]

    return rows


@pytest.mark.parametrize("manifest", BROKEN)
async def test_what_the_checker_refuses_is_admitted_from_nobody(database, now, manifest):
    with pytest.raises(InvalidInput, match=r"\[FD2\d\d\]"):
        await Admission(database).apply(manifest, now=now)
    with pytest.raises(InvalidInput, match=r"\[FD2\d\d\]"):
        await Admission(database).apply(manifest, now=now, dry_run=True)
    plane: Cluster = PlaneCluster(database)
    with pytest.raises(GiveUp, match=r"\[FD2\d\d\]"):
        await plane.apply(manifest)
    assert await database.declared.list() == []


async def test_what_the_checker_doubts_is_taken_told_and_written_down_once(database, now, journal):
    admission = Admission(database)
    taken = await admission.apply(DOUBTFUL, now=now)
    (warning,) = taken.warnings
    assert "[FD205]" in warning
    assert (await admission.apply(DOUBTFUL, now=now)).done is Done.UNCHANGED
    assert journal() == [(str(REF), warning)]


async def test_what_a_profile_delivers_to_the_plane_is_doubted_in_the_same_way(database, journal):
    await PlaneCluster(database).apply(DOUBTFUL, dry_run=True)
    assert journal() == []
    await PlaneCluster(database).apply(DOUBTFUL)
    assert [(subject, reason[-7:]) for subject, reason in journal()] == [(str(REF), "[FD205]")]


async def test_what_was_wrong_before_does_not_keep_somebody_from_changing_something_else(database, now, journal):
    await database.declared.put(BROKEN[0], expected=0)
    done = await Admission(database).label(REF, {"team": "shop"}, now=now)
    assert (done.done, done.warnings, journal()) == (Done.CONFIGURED, (), [])
    live = await database.declared.get(REF)
    assert live is not None
    with pytest.raises(InvalidInput, match="FD201"):
        await Admission(database).change(REF, {**live.manifest, "spec": source("resource.a ==")["spec"]}, live, now=now)
    mended = await Admission(database).change(REF, {**live.manifest, "spec": source("resource.a == 1")["spec"]}, live, now=now)
    assert mended.done is Done.CONFIGURED


def test_the_command_line_tells_each_warning_once_and_describe_shows_it(fleetd):
    done = fleetd("apply", "-f", "-", given=yaml.safe_dump(DOUBTFUL))
    assert (done.code, done.err.count("FD205")) == (0, 1)
    assert "FD205" in fleetd("describe", "eventsource", "s").out
    again = fleetd("apply", "-f", "-", given=yaml.safe_dump(DOUBTFUL))
    assert (again.lines, again.err.count("FD205")) == (["eventsource.lib.projectsveltos.io/s unchanged"], 1)
