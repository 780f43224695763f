"""Laws of the small rules: digests, reports, losses, retries, rendering, marks, drift."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.definitions import compile_profile, compile_trigger
from fleetd.decide.digest import digest, letters
from fleetd.decide.drift import changed_by, drifted_fields, fields_of_entry, owned_digest
from fleetd.decide.instantiate import Missing, instantiate
from fleetd.decide.members import Member
from fleetd.decide.ownership import bare, hash_of, ours, owned
from fleetd.decide.removal import allowed, weigh
from fleetd.decide.rendering import Render
from fleetd.decide.report import difference
from fleetd.decide.retry import AWAY_CAP_SECONDS, REFUSED_CAP_SECONDS, next_attempt
from fleetd.decide.wanted import wanted
from fleetd.domain.objects import ref_of
from fleetd.domain.records import ChangeKind, ReportedObject
from fleetd.domain.refs import ObjectRef
from fleetd.kubeapi.apply import apply_patch

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
RENDER = Render(NOON)
CLUSTER = {
    "apiVersion": "lib.projectsveltos.io/v1beta1",
    "kind": "SveltosCluster",
    "metadata": {"name": "c", "namespace": "fleet", "labels": {"env": "x"}},
}
MEMBER = Member("fleet/c", "SveltosCluster", "fleet", "c", {"env": "x"}, CLUSTER, True)
OTHER = replace(MEMBER, cluster="fleet/d", name="d", manifest={**CLUSTER, "metadata": {**CLUSTER["metadata"], "name": "d"}})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def typed(value):
    """Tells True from 1, as JSON does."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return [typed(item) for item in value] if isinstance(value, list) else (type(value).__name__, value)


@given(JSON, JSON)
def test_digests_are_equal_when_values_are(one, other):
    assert (digest(one) == digest(other)) == (typed(one) == typed(other))


@given(st.dictionaries(st.text(max_size=3), JSON), st.data())
def test_the_order_of_keys_makes_no_other_digest(value, data):
    assert digest(dict(data.draw(st.permutations(list(value.items()))))) == digest(value)


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_letters_are_twenty_lower_case_ones_and_stand_for_their_parts(one, other):
    name = letters(*one)
    assert len(name) == 20
    assert name.isascii()
    assert name.isalpha()
    assert name.islower()
    if not any("\0" in part for part in [*one, *other]) and (one or [""]) != (other or [""]):
        assert name != letters(*other)


REFS = st.sampled_from([ObjectRef("ConfigMap", "", "default", name) for name in "abc"])
REPORTS = st.dictionaries(REFS, st.tuples(st.sampled_from("12"), st.sampled_from("uv")))


def as_report(values):
    return {ref: ReportedObject(ref, "v1", uid, mark) for ref, (mark, uid) in values.items()}


@given(REPORTS, REPORTS)
def test_a_difference_carried_out_gives_what_came_after(before, after):
    old, new = as_report(before), as_report(after)
    changes = difference(old, {ref: new.get(ref) for ref in {*old, *new}})
    made = dict(old)
    for change in changes:
        if change.change is ChangeKind.REMOVED:
            del made[change.object.ref]
        else:
            assert (change.change is ChangeKind.ADDED) == (change.object.ref not in old)
            made[change.object.ref] = change.object
    assert made == new
    assert [change.object.ref for change in changes] == sorted(change.object.ref for change in changes)


@given(REPORTS)
def test_a_report_is_stable_when_nothing_changed(values):
    report = as_report(values)
    assert difference(report, dict(report)) == ()


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_loss_is_held_beyond_ten_and_a_tenth(lost, total):
    loss = weigh([str(number) for number in range(lost)], total)
    assert loss.held == (lost > 10 and lost * 10 >= (total // 10 + 1) * 10)
    assert allowed(total) >= 10


@given(st.integers(1, 60), st.floats(0, 0.999), st.booleans(), st.none() | st.floats(0, 1000))
def test_retries_come_later_and_later_up_to_a_cap_and_never_before_they_are_asked(failures, chance, refused, after):
    def seconds(count, asked):
        return (next_attempt(count, NOON, chance=chance, refused=refused, after=asked) - NOON).total_seconds()

    first, second = seconds(failures, None), seconds(failures + 1, None)
    assert 0 < first <= second <= (REFUSED_CAP_SECONDS if refused else AWAY_CAP_SECONDS)
    assert seconds(failures, after) >= (after or 0) - 1e-6
    assert NOON + timedelta(seconds=first) == next_attempt(failures, NOON, chance=chance, refused=refused)


# Instantiating.


def a_trigger(**spec):
    metadata = {"name": "t", "labels": {"projectsveltos.io/serviceaccount-name": "sa", "team": "x"}}
    return compile_trigger({"metadata": metadata, "spec": {"sourceClusterSelector": {}, "eventSourceName": "s", **spec}})


def thing(name="one", value="1"):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"value": value}}
    return ReportedObject(ref_of(body), "v1", "u", digest(body), body)


def text_of(text, *, kind="ConfigMap", name="tpl", **annotations):
    annotations = {key.replace("_", "/"): "ok" for key in annotations}
    data = {"a.yaml": base64.b64encode(text.encode()).decode() if kind == "Secret" else text}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "default", "annotations": annotations}, "data": data}


def made_of(trigger, objects, *contents, member=MEMBER):
    uses = set()
    return instantiate(trigger, member, objects, {ref_of(item): item for item in contents}, RENDER, source="s", uses=uses)


REF = {"kind": "ConfigMap", "namespace": "default", "name": "tpl"}


def test_the_same_match_always_means_the_same_names_and_another_one_others():
    content = text_of("x", **{"projectsveltos.io_instantiate": "ok"})
    trigger = a_trigger(policyRefs=[REF], oneForEvent=True)
    names = [
        {item["metadata"]["name"] for item in made_of(trigger, objects, content, member=member).manifests}
        for objects, member in [([thing()], MEMBER), ([thing(value="2")], MEMBER), ([thing("two")], MEMBER), ([thing()], OTHER)]
    ]
    assert names[0] == names[1]
    assert len(set.union(*names[1:])) == 6


def test_labels_are_those_that_sveltos_writes():
    trigger = a_trigger(policyRefs=[REF], oneForEvent=True)
    made = made_of(trigger, [thing()], text_of("x", **{"projectsveltos.io_instantiate": "ok"}))
    prefix = "eventtrigger.lib.projectsveltos.io/"
    common = {
        f"{prefix}eventtriggername": "t",
        f"{prefix}clusterNamespace": "fleet",
        f"{prefix}clustername": "c",
        f"{prefix}clustertype": "Sveltos",
        f"{prefix}eventreportname": "s",
        f"{prefix}eventsourcename": "s",
        f"{prefix}resourcename": "one",
        f"{prefix}resourcenamespace": "default",
        "projectsveltos.io/serviceaccount-name": "sa",
    }
    assert made.profile["metadata"]["labels"] == common
    assert made.copies[0]["metadata"]["labels"] == {**common, f"{prefix}refnamespace": "default", f"{prefix}refname": "tpl"}


def test_templates_see_one_object_or_all_of_them():
    one = text_of("{{ .Resource.data.value }} {{ .MatchingResource.Name }}", **{"projectsveltos.io_instantiate": "ok"})
    made = made_of(a_trigger(policyRefs=[REF], oneForEvent=True), [thing()], one)
    assert made.copies[0]["data"] == {"a.yaml": "1 one"}
    every = text_of(
        "{{ range .Resources }}{{ .data.value }}{{ end }}{{ range .MatchingResources }}{{ .Name }}{{ end }}",
        **{"projectsveltos.io_instantiate": "ok"},
    )
    made = made_of(a_trigger(policyRefs=[REF]), [thing(), thing("two", "2")], every)
    assert made.copies[0]["data"] == {"a.yaml": "12onetwo"}


def test_missing_content_is_an_error_unless_it_is_optional():
    with pytest.raises(Missing, match=r"default/tpl does not exist"):
        made_of(a_trigger(policyRefs=[REF]), [thing()])
    made = made_of(a_trigger(policyRefs=[{**REF, "optional": True}]), [thing()])
    assert "policyRefs" not in made.profile["spec"]
    assert made.uses == {ObjectRef("ConfigMap", "", "default", "tpl")}


def test_what_was_looked_for_is_known_when_it_fails_too():
    uses = set()
    wrong = text_of("{{ .Resource.none.none }}", **{"projectsveltos.io_instantiate": "ok"})
    with pytest.raises(Exception, match="none"):
        instantiate(a_trigger(policyRefs=[REF], oneForEvent=True), MEMBER, [thing()], {ref_of(wrong): wrong}, RENDER, source="s", uses=uses)
    assert uses == {ref_of(wrong)}


def test_a_copied_secret_is_one_that_profiles_take_and_keeps_its_second_template_moment():
    secret = text_of("{{ .Resource.data.value }}", kind="Secret", **{"projectsveltos.io_instantiate": "", "projectsveltos.io_template": ""})
    made = made_of(a_trigger(policyRefs=[{**REF, "kind": "Secret"}], oneForEvent=True), [thing()], secret)
    (copy,) = made.copies
    assert copy["type"] == "addons.projectsveltos.io/cluster-profile"
    assert copy["stringData"] == {"a.yaml": "1"}
    assert copy["metadata"]["annotations"] == {"projectsveltos.io/template": "ok"}
    assert made.profile["spec"]["policyRefs"][0]["name"] == copy["metadata"]["name"]


def test_the_destination_is_the_own_cluster_unless_others_are_named():
    assert made_of(a_trigger(), [thing()]).profile["spec"]["clusterRefs"][0]["name"] == "c"
    selector = {"matchLabels": {"env": "x"}}
    assert made_of(a_trigger(destinationClusterSelector=selector), [thing()]).profile["spec"] == {"clusterSelector": selector}


# What is wanted.


def a_profile(*references, namespace="", **spec):
    metadata = {"name": "p", **({"namespace": namespace} if namespace else {})}
    kind = "Profile" if namespace else "ClusterProfile"
    return compile_profile(
        {
            "apiVersion": "config.projectsveltos.io/v1beta1",
            "kind": kind,
            "metadata": metadata,
            "spec": {"policyRefs": list(references), **spec},
        }
    )


OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made, namespace: default}\ndata: {value: '%s'}\n"


def want(profile, *contents, member=MEMBER, cache=None):
    return wanted(profile, member, {ref_of(item): item for item in contents}, RENDER, {} if cache is None else cache)


def test_an_empty_namespace_is_the_clusters_and_names_may_be_templates():
    content = {**text_of(OBJECT % 1), "metadata": {"name": "tpl-c", "namespace": "fleet"}}
    found = want(a_profile({**REF, "namespace": "", "name": "tpl-{{ .Cluster.metadata.name }}"}), content)
    assert [addon.addon for addon in found.addons] == ["ConfigMap/fleet/tpl-c"]
    assert not found.problem
    own = {**content, "metadata": {"name": "tpl", "namespace": "team"}}
    assert not want(a_profile(REF, namespace="team"), own).problem


def test_one_text_is_read_once_for_all_clusters_and_a_template_once_for_each():
    cache = {}
    plain = text_of(OBJECT % 1)
    one, other = (want(a_profile(REF), plain, member=member, cache=cache) for member in (MEMBER, OTHER))
    assert one.addons[0].parsed is other.addons[0].parsed
    filled = text_of(OBJECT % "{{ .Cluster.metadata.name }}", **{"projectsveltos.io_template": "ok"})
    one, other = (want(a_profile(REF), filled, member=member, cache=cache) for member in (MEMBER, OTHER))
    assert [item.addons[0].parsed.objects[0][0]["data"]["value"] for item in (one, other)] == ["c", "d"]
    assert len(cache) == 3


@pytest.mark.parametrize("wrong", ["{{ .None.x.y }}", "{{", "a: [", "just text", "apiVersion: v1\nkind: ConfigMap\n"])
def test_a_problem_never_drops_other_add_ons(wrong):
    good, bad = text_of(OBJECT % 1), text_of(wrong, name="bad", **{"projectsveltos.io_template": "ok"})
    found = want(a_profile({**REF, "name": "bad"}, REF, {**REF, "name": "none"}), good, bad)
    assert [bool(addon.problem) for addon in found.addons] == [True, False, True]
    assert len(found.objects(a_profile(REF), MEMBER)) == 1
    assert len(found.uses) == 3


def test_a_secret_of_another_type_is_a_problem_and_string_data_becomes_data():
    secret = text_of(OBJECT % 1, kind="Secret")
    assert "must be addons.projectsveltos.io/cluster-profile" in want(a_profile({**REF, "kind": "Secret"}), secret).problem
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: default}\nstringData: {a: b}\n"
    (item,) = want(a_profile(REF), text_of(text)).objects(a_profile(REF), MEMBER)
    assert item.manifest["data"] == {"a": "Yg=="}


# Marks and drift.


def standing(kind="ConfigMap", data=None):
    plain = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": "made", "namespace": "default", "labels": {"app": "x"}},
        "data": data or {"a": "1"},
    }
    profile = a_profile(REF, tier=7)
    item = owned(plain, hash_of(plain), profile, MEMBER, profile.policy_refs[0])
    live = apply_patch(None, item.manifest, manager="fleetd", force=True, subresource="", now="2030-01-01T12:00:00Z")
    return plain, item, live, profile


def test_marks_say_whose_an_object_is_and_bare_takes_them_off():
    plain, item, live, profile = standing()
    marks = item.manifest["metadata"]["annotations"]
    assert marks["projectsveltos.io/owner-name"] == "p"
    assert marks["projectsveltos.io/owner-tier"] == "7"
    assert marks["projectsveltos.io/clustersummary"] == "sveltos-fleet-c"
    assert marks["projectsveltos.io/hash"].startswith("sha256:")
    assert item.manifest["metadata"]["labels"] == {"app": "x", "projectsveltos.io/reason": "Resources"}
    assert ours(live, profile, MEMBER)
    assert not ours(live, profile, OTHER)
    assert bare(item.manifest)["metadata"] == {**plain["metadata"], "annotations": {}}
    assert "projectsveltos.io/reason" not in plain["metadata"]["labels"]


def with_labels(live, **labels):
    return {**live, "metadata": {**live["metadata"], "labels": {**live["metadata"]["labels"], **labels}}}


def paths(live, item, before):
    return [field.path for field in drifted_fields(live, item.manifest, fields_of_entry(before))]


def test_an_added_label_is_no_drift_and_one_of_ours_changed_or_removed_is():
    _, item, live, _ = standing()
    added = with_labels(live, team="y")
    assert owned_digest(added) == owned_digest(live)
    assert paths(added, item, live) == []
    changed = with_labels(live, app="z")
    assert owned_digest(changed) != owned_digest(live)
    assert paths(changed, item, live) == [".metadata.labels.app"]
    removed = {**live, "data": {}}
    assert owned_digest(removed) != owned_digest(live)
    assert [(field.wanted, field.found) for field in drifted_fields(removed, item.manifest, fields_of_entry(live))] == [('"1"', "absent")]


def test_an_object_that_is_gone_is_drift_as_a_whole():
    _, item, live, _ = standing()
    (field,) = drifted_fields(None, item.manifest, fields_of_entry(live))
    assert (field.path, field.wanted, field.found) == ("", "present", "absent")


def test_values_of_secrets_are_not_told():
    _, item, live, _ = standing("Secret", {"a": "c2VjcmV0"})
    told = drifted_fields({**live, "data": {"a": "b3RoZXI="}}, item.manifest, fields_of_entry(live))
    assert [field.path for field in told] == [".data.a"]
    assert "c2VjcmV0" not in str(told)
    assert "b3RoZXI=" not in str(told)


def test_a_field_taken_by_force_is_drift_and_the_taker_is_named():
    plain, item, live, _ = standing()
    taken = apply_patch(live, {**plain, "data": {"a": "2"}}, manager="other", force=True, subresource="", now="2030-01-01T13:00:00Z")
    assert owned_digest(taken) != owned_digest(live)
    assert ".data.a" in paths(taken, item, live)
    assert changed_by(taken) == "other"
