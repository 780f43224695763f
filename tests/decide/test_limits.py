"""Limits that whoever runs fleetd sets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from fleetd.decide.limits import Limits
from fleetd.domain.errors import InvalidInput
from fleetd.domain.states import DampedKind, ProposalState
from fleetd.settings import read_settings


def test_what_is_not_set_is_a_week_and_thirty():
    settings = read_settings({}, Path("/data"))
    assert (settings.proposal_days, settings.changes_per_minute) == (7, 30)
    assert Limits() == Limits(timedelta(days=settings.proposal_days), settings.changes_per_minute)


@pytest.mark.parametrize("name", ["FLEETD_PROPOSAL_DAYS", "FLEETD_CHANGES_PER_MINUTE"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "soon", "1000000", "٣"])
def test_a_limit_that_is_no_number_of_days_or_changes_is_refused_by_its_name(name, value):
    with pytest.raises(InvalidInput, match=name):
        read_settings({name: value}, Path("/data"))


def test_a_proposal_waits_as_long_as_is_set(fleet, said):
    fleet.plane.limits = Limits(proposals=timedelta(days=1))
    fleet.declare(said.profile(), said.content())
    fleet.join(*(f"c{index:02}" for index in range(12)), env="x")
    fleet.run()
    fleet.declare(said.profile(env="typo"))
    fleet.wait(days=1)
    assert [item.state for item in fleet.plane.held.values()] == [ProposalState.EXPIRED]


def test_an_object_may_change_as_often_as_is_set(fleet, said):
    fleet.plane.limits = Limits(changes_per_minute=3)
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("a", said.config_map("one"))
    fleet.join("a", role="source")
    for number in range(3):
        fleet.put("a", said.config_map("one", f"{number}"))
        fleet.run()
    assert not fleet.plane.damped
    fleet.put("a", said.config_map("one", "once more"))
    fleet.run()
    assert [item.kind for item in fleet.plane.damped.values()] == [DampedKind.RATE]
