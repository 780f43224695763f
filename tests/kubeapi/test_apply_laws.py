"""Laws of server-side apply and of versions, whatever is applied."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

PATH = "/apis/apps/v1/namespaces/default/deployments/web"
HEADERS = {"content-type": "application/apply-patch+yaml"}
CONTAINER = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b"]), "image": st.sampled_from(["i:1", "i:2"])},
    optional={
        "env": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("XYZ"), "value": st.text("vw", max_size=2)}), unique_by=lambda e: e["name"]
        ),
        "resources": st.sampled_from([{}, {"limits": {"cpu": "1000m"}}, {"limits": {"memory": "1024Mi"}}]),
    },
)
CONTAINERS = st.lists(CONTAINER, min_size=1, max_size=2, unique_by=lambda one: one["name"])
ANNOTATIONS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text("xy", max_size=2), min_size=1, max_size=3)


def deployment(containers: list[Any], annotations: dict[str, str]) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "annotations": annotations}, "spec": spec}


async def apply(world: Any, manifest: dict[str, Any], manager: str) -> dict[str, Any]:
    answer = await world.ask("PATCH", PATH, manifest, headers=HEADERS, fieldManager=manager, force="true")
    assert answer.status in (200, 201), answer.body
    found: dict[str, Any] = orjson.loads(answer.body)
    return found


@settings(max_examples=60, deadline=None)
@given(first=CONTAINERS, second=CONTAINERS, annotations=ANNOTATIONS)
def test_what_is_applied_again_changes_nothing_and_no_version_goes_backwards(
    new_world: Any, first: list[Any], second: list[Any], annotations: dict[str, str]
) -> None:
    async def run() -> None:
        world = new_world()
        versions = []
        for containers in (first, second, second, first, first):
            made = await apply(world, deployment(containers, annotations), "m")
            versions.append(int(made["metadata"]["resourceVersion"]))
            assert [one["name"] for one in made["spec"]["template"]["spec"]["containers"]] == [one["name"] for one in containers]
        assert versions == sorted(versions)
        assert versions[1] == versions[2]
        assert versions[3] == versions[4]

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(one=ANNOTATIONS, other=ANNOTATIONS)
def test_two_managers_without_a_common_field_come_to_the_same_in_either_order(
    new_world: Any, one: dict[str, str], other: dict[str, str]
) -> None:
    def config_map(prefix: str, data: dict[str, str]) -> dict[str, Any]:
        named = {f"{prefix}-{key}": value for key, value in data.items()}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": named}

    async def run(order: tuple[tuple[str, dict[str, str]], ...]) -> tuple[Any, set[str]]:
        world = new_world()
        for manager, data in order:
            path = "/api/v1/namespaces/default/configmaps/a"
            made = await world.body("PATCH", path, config_map(manager, data), headers=HEADERS, fieldManager=manager)
        owners = {
            f"{entry['manager']} {orjson.dumps(entry['fieldsV1'], option=orjson.OPT_SORT_KEYS)!r}"
            for entry in made["metadata"].get("managedFields", ())
        }
        return made.get("data"), owners

    pairs = (("m", one), ("n", other))
    assert asyncio.run(run(pairs)) == asyncio.run(run(pairs[::-1]))
