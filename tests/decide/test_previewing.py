"""A preview says what applying the change then does, and touches nothing."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from fleetd.decide.engines.answers import Rendered
from fleetd.decide.plan import Action
from fleetd.decide.previewing.playing import Answered, Edit
from fleetd.decide.previewing.preview import preview
from fleetd.decide.previewing.results import Course
from fleetd.domain.objects import ref_of
from fleetd.domain.refs import ObjectRef

TRIGGERS = {"each": (True, "x"), "all": (False, "y"), "own": (True, "")}
CLUSTERS = ("c1", "c2", "c3", "c4")
LABELS = st.fixed_dictionaries({"role": st.sampled_from(["source", "none"]), "env": st.sampled_from(["x", "y"])})


def known(fleet, said):
    """What the store would give back."""
    statuses = fleet.kept.rows["statuses"]
    fleet.kept.rows["declared"] = {
        ref: said.declared_object(ref, manifest, statuses.get(ref), fleet.unsupported[ref]) for ref, manifest in fleet.declared.items()
    }
    return fleet.kept


def edits_of(fleet, *changes):
    """Manifests are declared, references are deleted."""
    found = []
    for change in changes:
        if isinstance(change, ObjectRef):
            found.append(Edit(change, None))
            continue
        for manifest in yaml.safe_load_all(change) if isinstance(change, str) else [change]:
            before = fleet.declared.get(ref_of(manifest))
            uid = before["metadata"]["uid"] if before else f"new-{ref_of(manifest)}"
            found.append(Edit(ref_of(manifest), {**manifest, "metadata": {**manifest["metadata"], "uid": uid}}))
    return found


def foreseen(fleet, said, *changes):
    """The preview, where templates of other engines answer that they cannot."""
    play = preview(known(fleet, said), edits_of(fleet, *changes), fleet.now)
    try:
        wishes = next(play)
        while True:
            renderings = [(one.key, Rendered(None, "there is nobody to ask")) for one in wishes.renderings]
            wishes = play.send(Answered([[(None, "no")] * len(ask.wishes) for ask in wishes.asks], [], renderings))
    except StopIteration as end:
        return end.value


def applied(fleet, *changes):
    """The same, done."""
    for edit in edits_of(fleet, *changes):
        if edit.manifest is None:
            fleet.undeclare(str(edit.ref))
        else:
            fleet.declare(edit.manifest)
    rest(fleet)


def rest(fleet):
    """Until nothing moves any more; what is refused is tried for ever."""
    still = 0
    while still < 2:
        before = standing(fleet)
        for cluster, gvk in sorted(fleet.rejudge):
            fleet.rejudge.discard((cluster, gvk))
            fleet.list_all(cluster.removeprefix("fleet/"), gvk)
        for cluster, gvk in sorted(fleet.doubts):
            fleet.doubts.discard((cluster, gvk))
            if cluster in fleet.connected:
                fleet.list_all(cluster.removeprefix("fleet/"), gvk, confirming=True)
        for key in sorted({*fleet.due, *fleet.later}):
            order = fleet.begin(key)
            if order is not None:
                fleet.finish(order)
        moving = fleet.due or fleet.rejudge or fleet.doubts or standing(fleet) != before
        still = 0 if moving else still + 1


def standing(fleet):
    """Every object of ours on every cluster, without what a server writes into it."""
    found = {}
    for cluster, objects in fleet.live.items():
        for ref, manifest in objects.items():
            if ref.namespace == "made":
                metadata = {
                    key: value for key, value in manifest["metadata"].items() if key not in ("managedFields", "resourceVersion", "uid")
                }
                found[cluster, ref] = {**manifest, "metadata": metadata}
    return found


def net(told, action):
    """What the changes of objects come to: what goes from one profile to another is an update."""
    at = {kind: {(item.cluster, item.ref) for item in told.objects if item.action is kind and not item.depth} for kind in Action}
    moved = at[Action.CREATE] & at[Action.DELETE]
    return at[action] | moved if action is Action.UPDATE else at[action] - moved


@pytest.fixture
def small(fleet, said):
    """Two sources, two destinations, a mirror and a profile; at rest."""
    fleet.declare(said.source(), said.trigger(to="x"), said.template(), said.profile(env="x"), said.content("base", "1", "2"))
    fleet.join("s1", "s2", role="source", env="none")
    fleet.join("d1", "d2", role="none", env="x")
    fleet.put("s1", said.config_map("one"), said.config_map("two"))
    fleet.run()
    return fleet


def actions(told):
    return sorted((item.action.value, item.cluster, item.ref.name) for item in told.objects)


def test_nothing_changed_is_a_quiet_preview(small, said):
    assert foreseen(small, said).quiet
    assert foreseen(small, said, said.trigger(to="x"), said.content("base", "1", "2")).quiet


def test_an_edited_content_says_which_fields_change_where(small, said):
    told = foreseen(small, said, said.content("base", "1", "3"))
    assert actions(told) == [("update", "fleet/d1", "base-1"), ("update", "fleet/d2", "base-1")]
    assert [(field.path, field.before, field.after) for field in told.objects[0].fields] == [("data.value", '"2"', '"3"')]
    assert told.counts["update"] == 2


def test_a_deleted_trigger_ends_its_matches_and_takes_away_what_they_made(small, said):
    told = foreseen(small, said, ObjectRef("EventTrigger", "lib.projectsveltos.io", "", "copy"))
    assert told.counts["delete"] == 4
    assert {item.course for item in told.matches} == {Course.ENDS}
    assert len(told.matches) == 2
    assert {item.because for item in told.objects} == {"EventTrigger/copy"}
    assert [(item.subject, item.lost) for item in told.reaches] == [("EventTrigger/copy", ("fleet/s1", "fleet/s2"))]


def test_a_label_moves_a_cluster_in_and_another_out(small, said):
    told = foreseen(small, said, said.cluster("d1", {"env": "none"}), said.cluster("s2", {"role": "source", "env": "x"}))
    at = {(item.action, item.cluster) for item in told.objects}
    assert at == {(Action.DELETE, "fleet/d1"), (Action.CREATE, "fleet/s2")}
    [reach] = [item for item in told.reaches if item.subject == "ClusterProfile/base"]
    assert (reach.gained, reach.lost) == (("fleet/s2",), ("fleet/d1",))


def test_a_cluster_that_comes_is_taken_to_answer_and_one_that_leaves_keeps_its_objects(small, said):
    told = foreseen(small, said, said.cluster("d3", {"env": "x"}), ObjectRef("SveltosCluster", "lib.projectsveltos.io", "fleet", "d1"))
    assert (told.joining, told.leaving, told.standing) == (("fleet/d3",), ("fleet/d1",), 4)
    assert {(item.action, item.cluster) for item in told.objects} == {(Action.CREATE, "fleet/d3")}


def test_a_large_loss_waits_for_a_person_and_says_what_stands_there(fleet, said):
    fleet.declare(said.profile(env="x"), said.content("base", "1", "2"))
    fleet.join(*(f"d{number}" for number in range(20)), env="x")
    fleet.run()
    told = foreseen(fleet, said, said.profile(env="nowhere"))
    [held] = told.held
    assert (held.subject, len(held.lost), held.objects) == ("Profile/ClusterProfile/base", 20, 40)
    assert not told.objects


def test_what_another_profile_holds_is_a_conflict_and_a_lower_tier_takes_it(small, said):
    other = yaml.safe_load(said.profile("other", env="x"))
    other["spec"]["policyRefs"][0]["name"] = "base"
    told = foreseen(small, said, copy.deepcopy(other))
    assert {(item.action, item.reason) for item in told.objects} == {(Action.CONFLICT, "held by ClusterProfile/base")}
    other["spec"]["tier"] = 1
    told = foreseen(small, said, other)
    assert {(item.action, item.reason) for item in told.objects} == {(Action.UPDATE, "taken over from ClusterProfile/base")}


def test_deletes_that_take_data_with_them_are_marked(fleet, said):
    content = yaml.safe_load(said.content("base"))
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk", "namespace": "made"}, "data": {"value": "1"}}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made"}, "data": {"value": "1"}}
    content["data"]["b.yaml"] = yaml.safe_dump_all([claim, space])
    fleet.declare(said.profile(env="x"), content)
    fleet.join("d1", env="x")
    fleet.run()
    told = foreseen(fleet, said, ObjectRef("ClusterProfile", "config.projectsveltos.io", "", "base"))
    assert {item.ref.kind for item in told.objects if item.data_loss} == {"PersistentVolumeClaim", "Namespace"}
    [space] = [item for item in told.objects if item.ref.kind == "Namespace"]
    assert "2 objects of ours" in space.reason


def test_what_cannot_be_rendered_is_a_problem_and_removes_nothing(small, said):
    wrong = yaml.safe_load(said.template())
    wrong["data"]["a.yaml"] = "{{ .Resource.none.none }}"
    told = foreseen(small, said, wrong)
    assert not told.objects
    assert [(item.subject, item.clusters) for item in told.problems] == [("EventTrigger/copy", ("fleet/s1",))]


def test_what_is_written_where_a_source_looks_leads_on_to_the_depth_and_no_further(fleet, said):
    template = yaml.safe_load(said.template("chain"))
    template["data"]["a.yaml"] = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'n-{{ .Resource.metadata.name }}', namespace: default, labels: {mark: 'yes'}}\n"
        "data: {value: '1'}\n"
    )
    fleet.declare(said.source(), template, said.trigger("chain"), said.content("base", "1"))
    fleet.join("s1", role="source", env="x")
    fleet.run()
    start = yaml.safe_load(said.content("base"))
    start["data"]["a.yaml"] = yaml.safe_dump(said.config_map("start"))
    told = foreseen(fleet, said, said.profile(env="x"), start)
    assert [(item.depth, item.ref.name) for item in told.objects] == [(0, "start"), (1, "n-start"), (2, "n-n-start")]
    assert [(item.depth, item.because) for item in told.matches] == [
        (1, "ConfigMap/default/start@fleet/s1"),
        (2, "ConfigMap/default/n-start@fleet/s1"),
    ]


def test_a_new_source_judges_what_is_recorded_and_says_how_much_that_is(small, said):
    told = foreseen(small, said, said.source("second"), said.trigger("more", to="x", event_source="second"), said.template("more"))
    [covered] = told.coverage
    assert (covered.source, covered.kind, covered.clusters, covered.judged) == ("second", "ConfigMap", 2, 2)
    assert told.counts["create"] == 4
    assert {item.course for item in told.matches} == {Course.BEGINS}


def test_a_trigger_that_looks_at_more_clusters_says_that_nothing_is_recorded_there(small, said):
    told = foreseen(small, said, said.cluster("d2", {"role": "source", "env": "x"}))
    [covered] = told.coverage
    assert (covered.source, covered.kind, covered.clusters, covered.judged) == ("marked", "ConfigMap", 1, 0)


def test_an_edited_source_loses_what_is_recorded_and_refused(small, said):
    told = foreseen(small, said, said.source(mark="no"))
    assert told.counts["delete"] == 4
    assert told.coverage[0].judged == 2


def test_what_waits_for_its_cluster_says_so_and_leads_to_nothing_yet(small, said):
    small.cut("d1")
    told = foreseen(small, said, said.content("base", "1", "3"))
    assert {item.cluster: item.waits for item in told.objects} == {"fleet/d1": "the cluster cannot be reached", "fleet/d2": ""}
    assert told.counts["waiting"] == 1


def test_what_is_reported_without_its_contents_is_not_judged_when_it_would_change(fleet, said):
    content = yaml.safe_load(said.content("base"))
    content["data"]["a.yaml"] = yaml.safe_dump(said.config_map("start"))
    fleet.declare(said.source().replace("collectResources: true", "collectResources: false"), said.trigger("own"))
    fleet.declare(said.profile(env="x"), copy.deepcopy(content))
    fleet.join("s1", role="source", env="x")
    fleet.run()
    fleet.list_all("s1")
    fleet.run()
    content["data"]["a.yaml"] = yaml.safe_dump(said.config_map("start", "2"))
    told = foreseen(fleet, said, content)
    assert (told.counts["update"], told.unjudged) == (1, 1)


def test_values_of_secrets_stay_out_of_the_fields(small, said):
    content = yaml.safe_load(said.content("base"))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hidden", "namespace": "made"}, "data": {"value": "b25l"}}
    content["data"]["a.yaml"] = yaml.safe_dump(secret)
    small.declare(copy.deepcopy(content))
    small.run()
    content["data"]["a.yaml"] = yaml.safe_dump({**secret, "data": {"value": "dHdv"}})
    told = foreseen(small, said, content)
    assert {(field.path, field.withheld) for item in told.objects for field in item.fields} == {("data.value", True)}
    assert "b25l" not in str(told)
    assert "dHdv" not in str(told)


def test_left_policies_are_told_as_left(small, said):
    small.declare(said.profile(env="x", more="stopMatchingBehavior: LeavePolicies"))
    small.run()
    told = foreseen(small, said, ObjectRef("ClusterProfile", "config.projectsveltos.io", "", "base"))
    assert {item.action for item in told.objects} == {Action.LEAVE}


# The law.

CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("trigger"), st.sampled_from(sorted(TRIGGERS)), st.sampled_from(["source", "none", ""])),
        st.tuples(st.just("template"), st.sampled_from(sorted(TRIGGERS)), st.sampled_from(["", "!"])),
        st.tuples(st.just("profile"), st.sampled_from(["base", "more"]), st.sampled_from(["x", "y", "set", ""])),
        st.tuples(st.just("content"), st.sampled_from(["base", "more"]), st.sampled_from(["1", "12", "2", ""])),
        st.tuples(st.just("labels"), st.sampled_from(CLUSTERS), LABELS),
        st.tuples(st.just("leave"), st.sampled_from(CLUSTERS), st.none()),
        st.tuples(st.just("set"), st.sampled_from([1, 2]), st.sampled_from(["x", "y"])),
        st.tuples(st.just("rival"), st.sampled_from(["base", "more"]), st.sampled_from([1, 100, 0])),
    ),
    max_size=4,
    unique_by=lambda change: ("labels" if change[0] == "leave" else change[0], change[1] if change[0] not in ("set", "rival") else ""),
)
SET = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: ClusterSet
metadata: {{name: few}}
spec: {{clusterSelector: {{matchLabels: {{env: {env}}}}}, maxReplicas: {most}}}
"""

EVERYWHERE = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: everywhere}
spec:
  sourceClusterSelector: {matchExpressions: [{key: env, operator: Exists}]}
  eventSourceName: marked
"""
"""Listens everywhere, so that everything is recorded, and makes nothing."""


def declared_as(said, change):
    """A manifest, or the reference of what is deleted."""
    what, name, how = change
    if what == "trigger":
        one, to = TRIGGERS[name]
        return said.trigger(name, one=one, to=to, role=how) if how else ObjectRef("EventTrigger", "lib.projectsveltos.io", "", name)
    if what == "template":
        return said.template(name, one=TRIGGERS[name][0], extra=how)
    if what == "profile":
        if not how:
            return ObjectRef("ClusterProfile", "config.projectsveltos.io", "", name)
        profile = yaml.safe_load(said.profile(name, env=how))
        if how == "set":
            profile["spec"] = {"setRefs": ["few"], "policyRefs": profile["spec"]["policyRefs"]}
        return profile
    if what == "content":
        return said.content(name, *how) if how else ObjectRef("ConfigMap", "", "default", name)
    if what == "labels":
        return said.cluster(name, how)
    if what == "leave":
        return ObjectRef("SveltosCluster", "lib.projectsveltos.io", "fleet", name)
    if what == "rival":
        return rival(said, name, how) if how else ObjectRef("ClusterProfile", "config.projectsveltos.io", "", "rival")
    return SET.format(most=name, env=how)


def rival(said, content, tier):
    """Wants what another profile puts there."""
    profile = yaml.safe_load(said.profile("rival", env="x"))
    profile["spec"] |= {"tier": tier, "policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": content}]}
    return profile


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(
    members=st.lists(LABELS, min_size=4, max_size=4),
    objects=st.lists(st.tuples(st.sampled_from(CLUSTERS), st.sampled_from(["one", "two"]), st.sampled_from("12")), max_size=5),
    first=CHANGES,
    change=CHANGES,
)
@example(
    members=[{"role": "source", "env": "x"}] * 4,
    objects=[],
    first=[("rival", "base", 100)],
    change=[("rival", "base", 1)],
)
def test_a_preview_is_what_applying_then_does(new_fleet, said, members, objects, first, change):
    fleet = new_fleet()
    fleet.declare(said.source(), SET.format(most=2, env="x"))
    fleet.declare(EVERYWHERE)
    for name, (one, to) in TRIGGERS.items():
        fleet.declare(said.trigger(name, one=one, to=to), said.template(name, one=one))
    fleet.declare(said.profile("base"), said.content("base", "1"), said.profile("more", env="y"), said.content("more", "1", "2"))
    for name, labels in zip(CLUSTERS, members, strict=True):
        fleet.join(name, **labels)
    for name, which, value in objects:
        fleet.put(name, said.config_map(which, value))
    rest(fleet)
    applied(fleet, *(made for made in (declared_as(said, one) for one in first) if there(fleet, made)))
    changes = [made for made in (declared_as(said, one) for one in change) if there(fleet, made)]

    before = standing(fleet)
    told = foreseen(fleet, said, *changes)
    assert standing(fleet) == before
    applied(fleet, *changes)
    after = standing(fleet)

    both = before.keys() & after.keys()
    assert net(told, Action.CREATE) == after.keys() - before.keys()
    assert net(told, Action.DELETE) == before.keys() - after.keys()
    updated = {place for place in both if before[place] != after[place]}
    unsure = {(item.cluster, item.ref) for item in told.objects if item.unsure}
    assert net(told, Action.UPDATE) - unsure <= updated <= net(told, Action.UPDATE)
    assert foreseen(fleet, said).quiet


def there(fleet, made):
    """What is deleted must be there, and who has left is gone for good."""
    if isinstance(made, ObjectRef):
        return made in fleet.declared
    return not (isinstance(made, dict) and made["kind"] == "SveltosCluster") or ref_of(made) in fleet.declared


def test_a_preview_says_the_same_twice(small, said):
    change = said.content("base", "1", "3")
    assert foreseen(small, said, change) == foreseen(small, said, change)
    told = foreseen(small, said, change)
    assert replace(told, objects=()).counts["update"] == 0
