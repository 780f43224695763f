"""A profile or match whose template is rendered elsewhere waits for the answer, and for nothing older."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from fleetd.decide.engines.answers import Rendered, Rendering
from fleetd.decide.plane.declaring import declared, settle
from fleetd.decide.plane.rendered import rendered
from fleetd.decide.plane.turn import Turn
from fleetd.decide.rehearsing.rehearsal import Given, Rehearsal, carry_out
from fleetd.domain.objects import ref_of
from fleetd.domain.states import AddonState, MatchState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JINJA = {"fleetd.io/template-engine": "jinja2"}
CLUSTER = {
    "apiVersion": "lib.projectsveltos.io/v1beta1",
    "kind": "SveltosCluster",
    "metadata": {"name": "a", "namespace": "default", "labels": {"tier": "gold"}},
}
PROFILE = {
    "apiVersion": "config.projectsveltos.io/v1beta1",
    "kind": "ClusterProfile",
    "metadata": {"name": "shop"},
    "spec": {
        "clusterSelector": {"matchLabels": {"tier": "gold"}},
        "policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": name} for name in ("shop", "plain")],
    },
}
SOURCE = {
    "apiVersion": "lib.projectsveltos.io/v1beta1",
    "kind": "EventSource",
    "metadata": {"name": "marked"},
    "spec": {"collectResources": True, "resourceSelectors": [{"group": "", "version": "v1", "kind": "ConfigMap"}]},
}
TRIGGER = {
    "apiVersion": "lib.projectsveltos.io/v1beta1",
    "kind": "EventTrigger",
    "metadata": {"name": "shop"},
    "spec": {
        "sourceClusterSelector": {"matchLabels": {"tier": "gold"}},
        "eventSourceName": "marked",
        "oneForEvent": True,
        "policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": "shop"}],
    },
}


def content(name: str, marks: dict[str, str], **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "annotations": marks}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def manifest(name: str) -> str:
    return orjson.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}).decode()


def played(*given: dict[str, Any], objects: tuple[dict[str, Any], ...] = ()) -> Rehearsal:
    rehearsal = Rehearsal(NOW)
    carry_out(rehearsal.play(Given([CLUSTER, *given], [("", item) for item in objects])), lambda _ask: [])
    return rehearsal


def declare(rehearsal: Rehearsal, given: dict[str, Any]) -> list[Rendering]:
    turn = Turn(NOW, lambda: "id")
    turn.caused_by()
    declared(rehearsal.plane, turn, ref_of(given), given)
    settle(rehearsal.plane, turn)
    return turn.renderings


def states(rehearsal: Rehearsal) -> dict[str, tuple[AddonState, str]]:
    addons = rehearsal.plane.addons["ClusterProfile/shop", "default/a"]
    return {name.rpartition("/")[2]: (item.state, item.reason) for name, item in addons.items()}


TEMPLATE = {"projectsveltos.io/template": "ok", **JINJA}
WAITING = (AddonState.WAITING, "waits for its Jinja2 to be run")


def test_an_add_on_waits_for_all_its_texts_at_once_and_the_others_do_not() -> None:
    texts = {"a": "{{ ClusterName }}", "b": "{% if x %}{% endif %}", "c": manifest("plain")}
    rehearsal = played(PROFILE, content("shop", TEMPLATE, **texts), content("plain", {}, a=manifest("other")))
    asked = rehearsal.renderings()
    assert [rendering.text for rendering in asked] == [texts["a"], texts["b"]]
    assert states(rehearsal)["shop"] == WAITING
    assert states(rehearsal)["plain"][0] is not AddonState.FAILED
    rehearsal.take([(asked[0].key, Rendered(manifest("one")))])
    assert states(rehearsal)["shop"] == WAITING
    assert rehearsal.renderings() == []
    rehearsal.take([(asked[1].key, Rendered(None, "no", 7))])
    assert states(rehearsal)["shop"] == (AddonState.FAILED, "ConfigMap default/shop, data[b] line 7: no")


def test_an_answer_to_an_older_form_is_dropped_and_nothing_is_asked_twice() -> None:
    rehearsal = played(PROFILE, content("shop", TEMPLATE, a="{{ old }}"), content("plain", {}, a=manifest("other")))
    (old,) = rehearsal.renderings()
    (new,) = declare(rehearsal, content("shop", TEMPLATE, a="{{ new }}"))
    rehearsal.take([(old.key, Rendered(manifest("old")))])
    assert states(rehearsal)["shop"] == WAITING
    rehearsal.take([(new.key, Rendered(manifest("new")))])
    assert states(rehearsal)["shop"] != WAITING
    wanted = rehearsal.plane.placements["ClusterProfile/shop"]["default/a"].wanted
    assert wanted is not None
    assert [item[0]["metadata"]["name"] for item in wanted.addons[0].parsed.objects] == ["new"]
    assert declare(rehearsal, {**PROFILE, "spec": {**PROFILE["spec"], "tier": 50}}) == []  # type: ignore[dict-item]


def test_a_match_is_pending_with_its_reason_until_the_answer_is_there() -> None:
    marks = {"projectsveltos.io/instantiate": "ok", **JINJA}
    rehearsal = played(SOURCE, TRIGGER, content("shop", marks, a="{{ Resource.data.x }}"), objects=(content("one", {}, x="1"),))
    (asked,) = rehearsal.renderings()
    (match,) = rehearsal.plane.matches.values()
    assert (match.state, match.reason) == (MatchState.PENDING, "waits for its Jinja2 to be run")
    assert orjson.loads(asked.argument)["data"]["MatchingResource"]["Name"] == "one"
    turn = Turn(NOW, lambda: "id")
    rendered(rehearsal.plane, turn, [(asked.key, Rendered(manifest("made")))])
    settle(rehearsal.plane, turn)
    (match,) = rehearsal.plane.matches.values()
    assert match.reason == ""
    assert match.profile.startswith("ClusterProfile/sveltos-")


def test_both_moments_are_refused_where_something_is_left_to_render() -> None:
    marks = {"projectsveltos.io/instantiate": "ok", **TEMPLATE}
    rehearsal = played(SOURCE, TRIGGER, content("shop", marks, a="{{ Resource.data.x }}"), objects=(content("one", {}, x="{% y %}"),))
    (asked,) = rehearsal.renderings()
    rehearsal.take([(asked.key, Rendered("{% y %}"))])
    (match,) = rehearsal.plane.matches.values()
    assert match.state is MatchState.FAILED
    assert "only Go templates in text form are rendered at both moments" in match.reason


def test_a_script_and_a_template_cannot_both_be() -> None:
    marks = {"projectsveltos.io/template": "ok", "projectsveltos.io/lua": "ok"}
    rehearsal = played(PROFILE, content("shop", marks, a="x"), content("plain", {}, a=manifest("other")))
    assert states(rehearsal)["shop"][0] is AddonState.FAILED
    assert "a script is no template" in states(rehearsal)["shop"][1]
