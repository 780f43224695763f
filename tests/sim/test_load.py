"""What a load does to a fleet, and what it says of it."""

from __future__ import annotations

from collections import Counter

import pytest

from fleetd.domain.errors import InvalidInput
from fleetd.sim.cluster import ClusterSpec
from fleetd.sim.fleet import SimulatedFleet
from fleetd.sim.load import STAMP, Act, Deed, Load, Rates
from fleetd.sim.virtual import VirtualLoop, run_virtually

SERVICE = ("v1", "Service")
RATES = Rates(create=10, change=5, tamper=3, delete=2)


async def driven(loop: VirtualLoop) -> tuple[list[Deed], dict[str, set[str]], list[str]]:
    """The deeds, the Services that are left in each cluster, and what is wrong with one of them."""
    fleet = SimulatedFleet([ClusterSpec(name) for name in ("a", "b", "c")], seed=3, tls=False, ports="none")
    fleet.clock = loop.clock
    wrong = []
    async with fleet:
        load = Load(fleet.clusters, seed=3)
        deeds = list(await load.run(200, RATES))
        left = {}
        for name, cluster in fleet.clusters.items():
            found = {one["metadata"]["name"]: one for one in await cluster.objects(*SERVICE, "default")}
            left[name] = set(found) - {"kubernetes"}
            last = {deed.name: deed for deed in deeds if deed.cluster == name}
            for deed in last.values():
                if deed.act is Act.DELETE:
                    continue
                metadata = found[deed.name]["metadata"]
                owners = {entry["manager"] for entry in metadata["managedFields"]}
                if metadata["annotations"][STAMP] != f"{deed.number}/{deed.at:.6f}" or metadata["resourceVersion"] != deed.version:
                    wrong.append(f"{deed} left {metadata}")
                if deed.act is Act.TAMPER and "somebody" not in owners:
                    wrong.append(f"{deed} took nothing: {owners}")
    return deeds, left, wrong


def test_a_load_keeps_its_rates_stamps_what_it_does_and_does_the_same_each_time() -> None:
    deeds, left, wrong = run_virtually(driven)
    assert not wrong
    assert run_virtually(driven)[:2] == (deeds, left)
    assert [deed.number for deed in deeds] == list(range(1, 201))
    assert [round(deed.at * RATES.whole) for deed in deeds] == list(range(200))
    counts = Counter(deed.act for deed in deeds)
    assert set(counts) == set(Act)
    assert counts[Act.CREATE] > counts[Act.CHANGE] > counts[Act.DELETE]
    assert {deed.cluster for deed in deeds} == {"a", "b", "c"}
    alive = {(deed.cluster, deed.name) for deed in deeds if deed.act is Act.CREATE}
    alive -= {(deed.cluster, deed.name) for deed in deeds if deed.act is Act.DELETE}
    assert {(cluster, name) for cluster, names in left.items() for name in names} == alive


async def test_what_somebody_else_deleted_is_no_trouble_to_a_load() -> None:
    async with SimulatedFleet([ClusterSpec("a")], tls=False, ports="none") as fleet:
        load = Load(fleet.clusters)
        (made,) = await load.run(1, Rates(create=1000))
        await fleet.clusters["a"].delete(*SERVICE, "default", made.name)
        (changed,) = await load.run(1, Rates(change=1000))
        assert (changed.act, changed.name, changed.version) == (Act.CHANGE, made.name, "")


async def test_a_load_needs_a_cluster_and_a_rate() -> None:
    with pytest.raises(InvalidInput):
        Load({})
    async with SimulatedFleet([ClusterSpec("a")], tls=False, ports="none") as fleet:
        with pytest.raises(InvalidInput):
            await Load(fleet.clusters).run(1, Rates())
