"""The index of selectors gives each stage the clusters that asking every pair would give."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetd.decide.plane.placing import reaches

CLUSTERS = st.integers(0, 5).map("s{}".format)
LABELS = st.fixed_dictionaries({}, optional={"role": st.sampled_from(["source", "typo"]), "env": st.sampled_from("xy")})
NAMING = "clusterRefs: [{apiVersion: lib.projectsveltos.io/v1beta1, kind: SveltosCluster, namespace: fleet, name: s1}]"
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("label"), CLUSTERS, LABELS),
        st.tuples(st.just("leave"), CLUSTERS, st.none()),
        st.tuples(st.just("trigger"), st.sampled_from(["copy", "other"]), st.sampled_from(["source", "typo"])),
        st.tuples(st.just("profile"), st.sampled_from(["base", "named"]), st.sampled_from("xy")),
        st.tuples(st.just("forget trigger"), st.sampled_from(["copy", "other"]), st.none()),
        st.tuples(st.just("forget profile"), st.sampled_from(["base", "named"]), st.none()),
        st.tuples(st.just("restart"), st.just(""), st.none()),
    ),
    max_size=12,
)
KINDS = {"trigger": "EventTrigger.lib.projectsveltos.io", "profile": "ClusterProfile.config.projectsveltos.io"}


def taken(fleet, said, step):
    what, name, value = step
    known = {str(ref) for ref in fleet.declared}
    if what == "label":
        if f"SveltosCluster.lib.projectsveltos.io/fleet/{name}" in known:
            fleet.relabel(name, **value)
        else:
            fleet.join(name, **value)
    elif what == "leave" and f"SveltosCluster.lib.projectsveltos.io/fleet/{name}" in known:
        fleet.leave(name)
    elif what == "trigger":
        fleet.declare(said.trigger(name, role=value))
    elif what == "profile":
        fleet.declare(said.profile(name, env=value, more=NAMING if name == "named" else ""))
    elif what.startswith("forget"):
        kind = KINDS[what.removeprefix("forget ")]
        for ref in [ref for ref in known if ref.startswith(kind) and ref.endswith(f"/{name}")]:
            fleet.undeclare(ref)
    elif what == "restart":
        fleet.restart()
        fleet.connect(*(member.name for member in fleet.plane.members.values()))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
def test_what_is_chosen_is_what_asking_every_pair_would_choose(new_fleet, said, steps):
    fleet = new_fleet()
    fleet.declare(said.source(), said.template(), said.content(), said.content("named"))
    for step in steps:
        taken(fleet, said, step)
        fleet.run()
        plane = fleet.plane
        for name, trigger in plane.triggers.items():
            asked = {cluster for cluster, member in plane.members.items() if member.ready and trigger.sources.matches(member.labels)}
            assert set(plane.selected.get(name, ())) == asked
        for name, profile in plane.profiles.items():
            asked = {cluster for cluster, member in plane.members.items() if reaches(profile, member)}
            assert {cluster for cluster, item in plane.placements.get(name, {}).items() if item.wanted is not None} == asked
        assert plane.triggers.keys() >= plane.selected.keys()


def test_a_cluster_that_joins_later_gets_what_names_it(fleet, said):
    fleet.declare(said.content("named"), said.profile("named", env="nowhere", more=NAMING))
    fleet.join("s0")
    fleet.run()
    assert "named-0" not in fleet.standing("s0")
    fleet.join("s1")
    fleet.run()
    assert "named-0" in fleet.standing("s1")


def test_a_relabelled_cluster_is_found_by_what_chooses_it_and_loses_the_rest(fleet, said):
    fleet.declare(*(said.profile(f"p{number}", env=f"e{number}") for number in range(50)))
    fleet.declare(*(said.content(f"p{number}") for number in range(50)))
    fleet.join("s0", "s1", env="e1")
    fleet.run()
    fleet.relabel("s0", env="e2")
    fleet.run()
    assert "p2-0" in fleet.standing("s0")
    assert "p1-0" not in fleet.standing("s0")
    assert "p1-0" in fleet.standing("s1")
    assert fleet.plane.choosing.of("fleet/s0", {"env": "e2"}) == (set(), {"ClusterProfile/p2"})
