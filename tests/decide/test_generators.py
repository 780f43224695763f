"""Generators make ConfigMaps and Secrets of an event, under names that the trigger gives."""

from __future__ import annotations

from typing import Any

import pytest

from fleetd.domain.objects import ref_of
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DeclaredState, MatchState

MADE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: '{name}', namespace: made}}\ndata: {{value: '{value}'}}\n"


def content(name: str, text: str, *, kind: str = "ConfigMap", **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "annotations": annotations}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, ("stringData" if kind == "Secret" else "data"): {"a.yaml": text}}


def generating(said: Any, *, name_format: str = "made-{{ .Resource.metadata.name }}", more: str = "", one: bool = True) -> str:
    reference = f"{{kind: ConfigMap, namespace: projectsveltos, name: '{name_format}'}}"
    given = f"configMapGenerator: [{{name: tpl, namespace: default, nameFormat: '{name_format}'{more}}}]"
    text: str = said.trigger(one=one, more=given)
    return text.replace("{kind: ConfigMap, namespace: default, name: copy}", reference)


@pytest.fixture
def ready(fleet: Any, said: Any) -> Any:
    fleet.join("s", role="source")
    fleet.declare(said.source(), content("tpl", MADE.format(name="{{ .Resource.metadata.name }}", value="{{ .Resource.data.value }}")))
    return fleet


def state_of(fleet: Any) -> list[tuple[MatchState, str]]:
    return sorted((match.state, match.reason) for match in fleet.plane.matches.values())


def test_a_template_becomes_an_object_of_the_given_name_that_profiles_can_refer_to(ready: Any, said: Any) -> None:
    ready.declare(generating(said))
    ready.put("s", said.config_map("one", "1"), said.config_map("two", "2"))
    ready.run()
    assert ready.standing("s") == {"one": "1", "two": "2"}
    made = ready.plane.generated[ObjectRef("ConfigMap", "", "projectsveltos", "made-one")].manifest
    assert made["metadata"]["labels"]["eventtrigger.lib.projectsveltos.io/fromgenerator"] == "ok"
    assert made["metadata"]["labels"]["eventtrigger.lib.projectsveltos.io/refname"] == "tpl"


def test_what_was_generated_follows_its_object_and_its_template(ready: Any, said: Any) -> None:
    ready.declare(generating(said))
    ready.put("s", said.config_map("one", "1"), said.config_map("two", "2"))
    ready.run()
    ready.put("s", said.config_map("one", "3"))
    ready.run()
    assert ready.standing("s") == {"one": "3", "two": "2"}
    ready.declare(content("tpl", MADE.format(name="{{ .Resource.metadata.name }}", value="x")))
    ready.run()
    assert ready.standing("s") == {"one": "x", "two": "x"}
    ready.drop("s", said.ref("one"))
    ready.run()
    assert ready.standing("s") == {"two": "x"}
    assert ObjectRef("ConfigMap", "", "projectsveltos", "made-one") not in ready.plane.contents


def test_a_generated_secret_stays_one(fleet: Any, said: Any) -> None:
    fleet.join("s", role="source")
    fleet.declare(
        said.source(),
        content("tpl", MADE.format(name="one", value="{{ .Resource.data.value }}"), kind="Secret"),
        said.trigger(more="secretGenerator: [{name: tpl, namespace: default, nameFormat: hidden}]").replace(
            "{kind: ConfigMap, namespace: default, name: copy}", "{kind: Secret, namespace: projectsveltos, name: hidden}"
        ),
    )
    fleet.put("s", said.config_map("one", "1"))
    fleet.run()
    assert fleet.standing("s") == {"one": "1"}
    made = fleet.plane.generated[ObjectRef("Secret", "", "projectsveltos", "hidden")].manifest
    assert made["type"] == "addons.projectsveltos.io/cluster-profile"


def test_a_missing_template_is_a_reason_on_the_match_and_heals_by_itself(ready: Any, said: Any) -> None:
    ready.undeclare("ConfigMap/default/tpl")
    ready.declare(generating(said))
    ready.put("s", said.config_map("one", "1"))
    ready.run()
    ((state, reason),) = state_of(ready)
    assert state is MatchState.FAILED
    assert reason == "spec.configMapGenerator[0]: ConfigMap default/tpl does not exist"
    ready.declare(content("tpl", MADE.format(name="one", value="1")))
    ready.run()
    assert ready.standing("s") == {"one": "1"}


def test_an_optional_template_that_is_missing_generates_nothing(ready: Any, said: Any) -> None:
    ready.undeclare("ConfigMap/default/tpl")
    ready.declare(generating(said, more=", optional: true").replace("name: 'made-", "optional: true, name: 'made-"))
    ready.put("s", said.config_map("one", "1"))
    ready.run()
    assert [state for state, _ in state_of(ready)] == [MatchState.ACTED]
    assert ready.standing("s") == {}


def test_two_matches_cannot_have_one_name_and_the_second_waits_for_it(ready: Any, said: Any) -> None:
    ready.declare(generating(said, name_format="same"))
    ready.put("s", said.config_map("one", "1"), said.config_map("two", "2"))
    ready.run()
    (_, _), (state, reason) = state_of(ready)
    assert state is MatchState.FAILED
    assert reason == "nameFormat gives the name same, which the match of copy on fleet/s already has"
    assert ready.standing("s") == {"one": "1"}
    ready.drop("s", said.ref("one"))
    ready.run()
    assert ready.standing("s") == {"two": "2"}


def test_a_declared_object_of_the_name_is_not_overwritten(ready: Any, said: Any) -> None:
    declared = {**said.config_map("same", "theirs", "projectsveltos")}
    ready.declare(declared, generating(said, name_format="same"))
    ready.put("s", said.config_map("one", "1"))
    ready.run()
    ((state, reason),) = state_of(ready)
    assert (state, reason) == (MatchState.FAILED, "nameFormat gives the name same, which a declared ConfigMap already has")
    assert ready.plane.contents[ref_of(declared)]["data"] == {"value": "theirs"}
    ready.undeclare("ConfigMap/projectsveltos/same")
    ready.run()
    assert ready.standing("s") == {"one": "1"}


@pytest.mark.parametrize("restarted", [False, True])
def test_what_is_declared_under_a_generated_name_waits_until_it_is_free(ready: Any, said: Any, restarted: bool) -> None:
    ready.declare(generating(said, name_format="same"))
    ready.put("s", said.config_map("one", "1"))
    ready.run()
    declared = said.config_map("same", "theirs", "projectsveltos")
    ready.declare(declared)
    ready.run()
    assert ready.plane.statuses[ref_of(declared)][1:3] == (DeclaredState.FAILED, "the match of copy on fleet/s already has this name")
    assert ready.standing("s") == {"one": "1"}
    if restarted:
        ready.restart()
        ready.connect("s")
        ready.list_all("s")
        ready.run()
    ready.drop("s", said.ref("one"))
    ready.run()
    assert ready.plane.statuses[ref_of(declared)][1] is DeclaredState.READY
    assert ready.plane.contents[ref_of(declared)]["data"] == {"value": "theirs"}


@pytest.mark.parametrize(
    ("name_format", "sentence"),
    [
        ("a b", "spec.configMapGenerator[0].nameFormat: metadata.name is 'a b', which is no name that a cluster takes"),
        ("{{ .Resource.none.none }}", "spec.configMapGenerator[0].nameFormat line 1"),
        ('{{ "" }}', "spec.configMapGenerator[0].nameFormat: the document is no Kubernetes object: apiVersion, kind and metadata.name"),
    ],
)
def test_a_name_that_cannot_be_is_said_at_its_field(ready: Any, said: Any, name_format: str, sentence: str) -> None:
    ready.declare(generating(said, name_format=name_format.replace('"', '"')))
    ready.put("s", said.config_map("one", "1"))
    ready.run()
    ((state, reason),) = state_of(ready)
    assert state is MatchState.FAILED
    assert reason.startswith(sentence)


def test_two_generators_of_one_trigger_need_two_names(ready: Any, said: Any) -> None:
    ready.declare(generating(said, name_format="same", more="}, {name: tpl, namespace: default, nameFormat: same"))
    ready.put("s", said.config_map("one", "1"))
    ready.run()
    ((_, reason),) = state_of(ready)
    assert reason == "spec.configMapGenerator[1].nameFormat: another generator of this trigger makes ConfigMap same, too"
