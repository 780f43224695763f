"""A watch that was opened before a source came shows it nothing: what was not decoded is not "not there"."""

from __future__ import annotations

from typing import Any

from fleetd.decide.plane.observing import listed, seen
from fleetd.domain.objects import Observed, Reads
from fleetd.domain.refs import GroupVersionKind

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
NARROW, WIDE = Reads(), Reads(raw=True)


def pruned(whole: Observed) -> Observed:
    return Observed(whole.ref, whole.uid, whole.resource_version, {"metadata": whole.body["metadata"]})


def test_what_an_earlier_watch_shows_is_judged_by_the_next_ones_list(fleet: Any, said: Any) -> None:
    fleet.join("s", role="source")
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.run()
    fleet.put("s", said.config_map("one"), unseen=True)
    whole = said.observed(fleet.live["fleet/s"][said.ref("one")])
    with fleet.turn() as turn:
        seen(fleet.plane, turn, "fleet/s", CONFIG_MAP, [(True, pruned(whole))], reads=NARROW)
        listed(fleet.plane, turn, "fleet/s", CONFIG_MAP, [pruned(whole)], reads=NARROW)
    assert fleet.plane.reports["marked", "fleet/s"].judgements == {}
    with fleet.turn() as turn:
        listed(fleet.plane, turn, "fleet/s", CONFIG_MAP, [whole], reads=WIDE)
    fleet.run()
    assert fleet.standing("s") == {"copy-s-one": "1"}
    with fleet.turn() as turn:
        listed(fleet.plane, turn, "fleet/s", CONFIG_MAP, [], reads=NARROW)
    assert fleet.doubts == set()


def test_a_deletion_needs_no_more_than_a_name(fleet: Any, said: Any) -> None:
    fleet.join("s", role="source")
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s", said.config_map("one"))
    fleet.run()
    whole = said.observed(fleet.live["fleet/s"][said.ref("one")])
    with fleet.turn() as turn:
        seen(fleet.plane, turn, "fleet/s", CONFIG_MAP, [(False, pruned(whole))], reads=NARROW)
    fleet.run()
    assert fleet.standing("s") == {}


def test_an_object_of_ours_that_an_earlier_watch_shows_is_no_drift(fleet: Any, said: Any) -> None:
    fleet.declare(said.profile(more="syncMode: ContinuousWithDriftDetection"), said.content("base", "1"))
    fleet.join("a", env="x")
    fleet.run()
    (ref,) = fleet.plane.inventory["fleet/a"]
    whole = said.observed(fleet.live["fleet/a"][ref])
    later = Observed(ref, whole.uid, "99999", {"metadata": whole.body["metadata"]})
    with fleet.turn() as turn:
        seen(fleet.plane, turn, "fleet/a", CONFIG_MAP, [(True, later)], reads=NARROW)
    assert fleet.plane.incidents == {}
