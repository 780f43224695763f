"""`fleetd cluster deregister --withdraw`: nothing of fleetd is left on a cluster that leaves, or it does not leave."""

from __future__ import annotations

import pytest

from fleetd.decide.members import WITHDRAW
from fleetd.domain.records import AddonRecord, MemberRecord
from fleetd.domain.states import AddonState, ClusterState

LEAVE = ("cluster", "deregister", "eu", "--withdraw")
MEMBER = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: SveltosCluster
metadata: {name: eu}
"""


@pytest.fixture
def standing(fleetd, written, now):
    """A member with an add-on on it, as a daemon that does not run any more left them."""

    def stand(addon: AddonState = AddonState.DEPLOYED, state: ClusterState = ClusterState.READY, *, paused: bool = False) -> None:
        fleetd("apply", "-f", "-", given=MEMBER)
        about = {"namespace": "default", "name": "eu", "kind": "SveltosCluster", "since": now, "last_seen_at": now, "labels": {}}
        member = MemberRecord(cluster="default/eu", state=state, reason="default/eu: timeout", ready=True, paused=paused, **about)
        put = AddonRecord(
            profile="ClusterProfile/web", cluster="default/eu", addon="policyRefs/0", kind="policyRef", state=addon,
            reason="no longer wanted here", attempts=0, wanted_digest="d", at=now,
        )  # fmt: skip
        written([member, put])

    return stand


def marked(fleetd) -> bool:
    """Whether the member is marked as leaving."""
    return WITHDRAW in (fleetd("get", "sveltoscluster", "eu", "-o", "json").json["metadata"].get("annotations") or {})


async def test_what_fleetd_put_on_it_goes_before_the_member_does(beside, registered, folder, samples):
    (folder / "a.yaml").write_text(samples.profile)
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged")).code == 0
    done = await beside(*LEAVE)
    assert (done.code, done.lines) == (0, ["sveltoscluster.lib.projectsveltos.io/eu deregistered"]), done.err
    assert done.err == "default/eu: 1 add-on, 1 object left\n"
    assert await registered.get("v1", "ConfigMap", "default", "web") is None
    assert (await beside("get", "sveltoscluster", "eu")).code == 1


async def test_without_withdraw_it_says_how_much_stays(beside, registered, folder, samples):
    (folder / "a.yaml").write_text(samples.profile)
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged")).code == 0
    done = await beside("cluster", "deregister", "eu")
    assert (done.code, done.err) == (0, "1 object that fleetd put on it stays there\n")
    assert await registered.get("v1", "ConfigMap", "default", "web") is not None


def test_without_a_daemon_it_stays_marked_and_the_way_back_is_said(fleetd, standing):
    standing()
    done = fleetd(*LEAVE, "--timeout", "50ms")
    assert (done.code, done.out) == (3, "")
    assert "no daemon has begun" in done.err
    assert marked(fleetd)
    assert fleetd(*words_after("to take it back: fleetd ", done.err)).code == 0
    assert not marked(fleetd)


def words_after(text: str, said: str) -> list[str]:
    return said.partition(text)[2].splitlines()[0].split()


def test_when_the_time_is_over_it_says_what_is_left_and_why(fleetd, standing):
    standing(AddonState.REMOVING)
    done = fleetd(*LEAVE, "--timeout", "50ms")
    assert (done.code, done.out) == (1, "")
    assert "ClusterProfile/web policyRefs/0: removing: no longer wanted here" in done.err
    assert "not within the time: 1 add-on, 0 objects left on default/eu" in done.err
    assert marked(fleetd)


@pytest.mark.parametrize(
    ("state", "paused", "code", "sentence"),
    [
        (ClusterState.UNREACHABLE, False, 3, "default/eu is unreachable (timeout)"),
        (ClusterState.READY, True, 4, "fleetd cluster resume eu -n default first"),
    ],
)
def test_what_cannot_be_withdrawn_now_is_not_begun(fleetd, standing, state, paused, code, sentence):
    standing(state=state, paused=paused)
    done = fleetd(*LEAVE)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err
    assert "nothing was changed" in done.err
    assert not marked(fleetd)


def test_nothing_is_withdrawn_from_who_is_no_member(fleetd, samples):
    fleetd("apply", "-f", "-", given=samples.source)
    assert fleetd(*LEAVE).code == 1


def test_a_member_with_nothing_on_it_leaves_without_a_daemon(fleetd):
    fleetd("apply", "-f", "-", given=MEMBER)
    assert fleetd(*LEAVE).code == 0
