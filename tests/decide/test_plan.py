"""A plan carried out leaves nothing to do, deletes only what is ours, and says who is in the way."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.definitions import compile_profile
from fleetd.decide.drift import fields_of_entry, owned_digest
from fleetd.decide.members import Member
from fleetd.decide.ownership import hash_of, owned
from fleetd.decide.plan import Action, Terms, plan, to_read
from fleetd.domain.objects import ref_of
from fleetd.domain.records import InventoryRecord
from fleetd.kubeapi.apply import apply_patch

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
MEMBER = Member("fleet/c", "SveltosCluster", "fleet", "c", {}, {"metadata": {"name": "c", "namespace": "fleet"}}, True)
OTHER = replace(MEMBER, cluster="fleet/d", name="d")


def profile(name="base", tier=100, **spec):
    return compile_profile(
        {
            "apiVersion": "config.projectsveltos.io/v1beta1",
            "kind": "ClusterProfile",
            "metadata": {"name": name, "annotations": spec.pop("annotations", {})},
            "spec": {"tier": tier, "policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": name}], **spec},
        }
    )


BASE = profile()


def manifest(name, value="1"):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"value": value}}


def wants(mine=BASE, member=MEMBER, **values):
    made = (manifest(name, value) for name, value in values.items())
    return [owned(item, hash_of(item), mine, member, mine.policy_refs[0]) for item in made]


def row(item, live, mine=BASE, minute=0):
    return InventoryRecord(
        cluster="fleet/c",
        ref=item.ref,
        api_version="v1",
        profile=mine.id,
        addon=item.addon,
        applied_at=NOON + timedelta(minutes=minute),
        wanted_digest=item.digest,
        live_digest=owned_digest(live),
        fields=fields_of_entry(live),
        uid="u",
        resource_version="1",
        epoch=0,
        cause_id="c",
    )


def applied(item, live=None, manager="fleetd"):
    return apply_patch(live, copy.deepcopy(item.manifest), manager=manager, force=True, subresource="", now="2030-01-01T12:00:00Z")


def carried_out(made, inventory, cluster, mine=BASE):
    """What a plan leaves behind."""
    inventory, cluster = dict(inventory), dict(cluster)
    for number, step in enumerate(made.steps):
        match step.action:
            case Action.CREATE | Action.UPDATE:
                cluster[step.ref] = applied(step.wanted, cluster.get(step.ref))
                inventory[step.ref] = row(step.wanted, cluster[step.ref], mine, number)
            case Action.KEEP if step.adopted:
                inventory[step.ref] = row(step.wanted, cluster[step.ref], mine, number)
            case Action.DELETE:
                cluster.pop(step.ref, None)
                del inventory[step.ref]
            case Action.LEAVE:
                del inventory[step.ref]
    return inventory, cluster


def stand(*items, mine=BASE):
    return carried_out(plan(items, {}, {}, Terms(mine, MEMBER)), {}, {}, mine)


def text(made):
    """A plan as a person reads it."""
    return "\n".join(f"{step.action.value} {step.ref}: {step.reason}" + (" (by force)" if step.force else "") for step in made.steps)


VALUES = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["1", "2"]))
MEDDLING = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["deleted", "changed", "labelled", "taken"]))


def meddle(cluster, meddling):
    for name, what in meddling.items():
        ref = ref_of(manifest(name))
        live = cluster.get(ref)
        if live is None:
            continue
        match what:
            case "deleted":
                del cluster[ref]
            case "changed":
                cluster[ref] = {**live, "data": {"value": "theirs"}}
            case "labelled":
                cluster[ref] = {**live, "metadata": {**live["metadata"], "labels": {**live["metadata"]["labels"], "x": "y"}}}
            case "taken":
                cluster[ref] = apply_patch(
                    live, manifest(name, "theirs"), manager="other", force=True, subresource="", now="2030-01-01T12:00:00Z"
                )


@given(before=VALUES, after=VALUES, meddling=MEDDLING)
def test_a_plan_carried_out_leaves_nothing_to_do(before, after, meddling):
    inventory, cluster = stand(*wants(**before))
    meddle(cluster, meddling)
    terms, items = Terms(BASE, MEMBER), wants(**after)
    looked = {item.ref: cluster.get(item.ref) for item in items}
    made = plan(items, inventory, looked, terms)
    deleted = {step.ref for step in made.of(Action.DELETE)}
    assert deleted == set(inventory) - {item.ref for item in items}
    inventory, cluster = carried_out(made, inventory, cluster)
    assert plan(items, inventory, {item.ref: cluster[item.ref] for item in items}, terms).nothing_to_do
    assert plan(items, inventory, {}, terms).nothing_to_do
    assert {ref.name: cluster[ref]["data"]["value"] for ref in inventory} == after


@given(before=VALUES, after=VALUES, data=st.data())
def test_the_order_of_what_is_known_does_not_matter(before, after, data):
    inventory, cluster = stand(*wants(**before))
    items, terms = wants(**after), Terms(BASE, MEMBER)
    made = plan(items, inventory, cluster, terms)
    mixed = data.draw(st.permutations(list(inventory.items()))), data.draw(st.permutations(list(cluster.items())))
    assert plan(items, dict(mixed[0]), dict(mixed[1]), terms) == made
    other = plan(data.draw(st.permutations(items)), inventory, cluster, terms)
    assert sorted(map(str, other.steps)) == sorted(map(str, made.steps))


@given(before=VALUES, after=VALUES)
def test_without_all_that_is_wanted_nothing_is_deleted(before, after):
    inventory, cluster = stand(*wants(**before))
    assert not plan(wants(**after), inventory, cluster, Terms(BASE, MEMBER), prune=False).of(Action.DELETE, Action.LEAVE)


@given(VALUES)
def test_what_stands_as_wanted_is_taken_up_without_a_write(values):
    items = wants(**values)
    _, cluster = stand(*items)
    made = plan(items, {}, cluster, Terms(BASE, MEMBER))
    assert all(step.action is Action.KEEP and step.adopted for step in made.steps)


@pytest.mark.parametrize("meddling", ["changed", "taken"])
def test_what_bears_our_marks_and_was_changed_since_is_not_taken_up_as_it_stands(meddling):
    items = wants(a="1")
    _, cluster = stand(*items)
    meddle(cluster, {"a": meddling})
    assert [step.action for step in plan(items, {}, cluster, Terms(BASE, MEMBER)).steps] == [Action.UPDATE]


def test_only_what_is_met_for_the_first_time_is_read():
    inventory, _ = stand(*wants(a="1"))
    assert to_read(wants(a="2", b="1"), inventory) == (ref_of(manifest("b")),)


def meets(live, mine=BASE, **terms):
    (step,) = plan(wants(mine, a="1"), {}, {ref_of(manifest("a")): live}, Terms(mine, MEMBER, **terms)).steps
    return step.action, step.reason


def live_of(mine, member=MEMBER, manager="fleetd"):
    (item,) = wants(mine, member, a="1")
    return applied(item, manager=manager)


def test_whoever_holds_an_object_is_named():
    assert meets(live_of(profile("other"))) == (Action.CONFLICT, "held by ClusterProfile other")
    assert meets(live_of(BASE, manager="application/apply-patch")) == (Action.CONFLICT, "held by Sveltos (ClusterProfile base)")
    assert meets(live_of(BASE, OTHER)) == (Action.CONFLICT, "held by ClusterProfile base for sveltos-fleet-d")
    helm = manifest("a")
    helm["metadata"]["annotations"] = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "web"}
    assert meets(helm) == (Action.CONFLICT, "held by Helm release web/shop")
    assert meets(manifest("a")) == (Action.UPDATE, "nobody's")


@pytest.mark.parametrize(("mine", "theirs", "action"), [(50, 100, "update"), (100, 100, "conflict"), (100, 50, "conflict")])
def test_a_strictly_lower_tier_wins_and_a_tie_keeps_the_holder(mine, theirs, action):
    assert meets(live_of(profile("other", theirs)), profile("base", mine))[0] == action


def test_a_tier_that_cannot_be_read_is_the_greatest():
    live = live_of(profile("other", 1))
    live["metadata"]["annotations"]["projectsveltos.io/owner-tier"] = "first"
    assert meets(live)[0] is Action.UPDATE


def test_adopting_takes_over_from_anybody():
    live = live_of(profile("other"))
    assert meets(live, adopt=[ref_of(manifest("a"))]) == (Action.UPDATE, "taken over")
    assert meets(live, profile(annotations={"fleetd.io/adopt": ""})) == (Action.UPDATE, "taken over")


def test_plans_read_as_sentences():
    inventory, cluster = stand(*wants(a="1", b="1", c="1", d="1"))
    meddle(cluster, {"b": "changed", "c": "deleted"})
    looked = {ref: cluster.get(ref) for ref in inventory}
    looked[ref_of(manifest("e"))] = live_of(profile("other"))
    assert text(plan(wants(a="1", b="1", c="1", e="1", f="1"), inventory, looked, Terms(BASE, MEMBER))) == (
        "keep ConfigMap/default/a: as it was left\n"
        "update ConfigMap/default/b: it was changed (by force)\n"
        "create ConfigMap/default/c: it was deleted (by force)\n"
        "conflict ConfigMap/default/e: held by ClusterProfile other\n"
        "create ConfigMap/default/f: it is not there\n"
        "delete ConfigMap/default/d: no longer wanted"
    )
    assert text(plan([], inventory, {}, Terms(BASE, MEMBER))) == (
        "delete ConfigMap/default/d: no longer wanted\n"
        "delete ConfigMap/default/c: no longer wanted\n"
        "delete ConfigMap/default/b: no longer wanted\n"
        "delete ConfigMap/default/a: no longer wanted"
    )
    leaving = profile(stopMatchingBehavior="LeavePolicies")
    assert text(plan(wants(leaving, b="2"), {}, {}, Terms(leaving, MEMBER))) == "create ConfigMap/default/b: it is not there"
    kept, _ = stand(*wants(leaving, a="1"), mine=leaving)
    assert text(plan([], kept, {}, Terms(leaving, MEMBER))) == "leave ConfigMap/default/a: left as it stands"


def test_of_two_wants_for_one_object_the_first_counts():
    first, second = wants(a="1"), wants(a="2")
    (step,) = plan([*first, *second], {}, {}, Terms(BASE, MEMBER)).steps
    assert step.wanted is first[0]
