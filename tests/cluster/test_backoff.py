"""Waits grow, spread, and obey; a dead cluster is probed by one at a time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.cluster.backoff import Gate, delay
from fleetd.cluster.errors import ClusterDown
from fleetd.domain.errors import NotPermitted

CHANCE = st.floats(0, 1)


@given(failures=st.integers(1, 10_000), chance=CHANCE)
def test_a_wait_is_never_longer_than_the_cap_nor_shorter_than_half_of_the_base(failures, chance):
    assert 0.25 <= delay(failures, chance, base=0.5, cap=60.0) <= 60.0


@given(failures=st.integers(1, 10_000), chance=CHANCE, after=st.floats(0, 600))
def test_what_the_server_asked_for_is_never_undercut(failures, chance, after):
    assert delay(failures, chance, base=0.5, cap=60.0, after=after) >= after


@given(failures=st.integers(1, 30), chance=CHANCE)
def test_more_failures_never_shorten_the_wait(failures, chance):
    assert delay(failures + 1, chance, base=0.5, cap=60.0) >= delay(failures, chance, base=0.5, cap=60.0)


def test_nothing_failed_and_nothing_is_waited():
    assert delay(0, 0.5, base=0.5, cap=60.0) == 0.0


async def fail(gate: Gate, after: float | None = None) -> None:
    with pytest.raises(ClusterDown):
        async with gate.hasty():
            raise ClusterDown("it is away", after=after)


async def test_many_who_wait_probe_one_after_another():
    gate = Gate(0.001, 0.001, lambda: 0.5)
    await fail(gate)
    inside, most, tries = 0, 0, 0

    async def try_it() -> None:
        nonlocal inside, most, tries
        while True:
            try:
                async with gate.waiting():
                    inside += 1
                    most = max(most, inside if gate.shut else 0)
                    tries += 1
                    last = tries
                    await asyncio.to_thread(int)
                    inside -= 1
                    if last < 10:
                        raise ClusterDown("still away")
                    return
            except ClusterDown:
                continue

    async with asyncio.timeout(10):
        await asyncio.gather(*(try_it() for _ in range(20)))
    assert most == 1
    assert not gate.shut


async def test_requests_that_fail_together_count_as_one_failure():
    gate = Gate(1.0, 64.0, lambda: 0.0)
    all_inside = asyncio.Barrier(10)

    async def fail_together() -> None:
        async with gate.hasty():
            await all_inside.wait()
            raise ClusterDown("it is away")

    await asyncio.gather(*(fail_together() for _ in range(10)), return_exceptions=True)
    with pytest.raises(ClusterDown) as held:
        async with gate.hasty():
            pass
    assert held.value.after is not None
    assert held.value.after <= 1.0


async def test_a_probe_that_is_cancelled_lets_the_next_one_go():
    gate = Gate(0.0, 0.0, lambda: 0.0)
    await fail(gate)

    inside = asyncio.Event()

    async def hang() -> None:
        async with gate.waiting():
            inside.set()
            await asyncio.Event().wait()

    probe = asyncio.create_task(hang())
    await inside.wait()
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    async with asyncio.timeout(5), gate.waiting():
        pass
    assert not gate.shut


async def test_an_answer_that_refuses_is_an_answer():
    gate = Gate(60.0, 60.0, lambda: 0.0)
    with pytest.raises(NotPermitted):
        async with gate.hasty():
            raise NotPermitted("no")
    assert not gate.shut
