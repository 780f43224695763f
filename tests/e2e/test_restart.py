"""A restart, a second daemon, a lost database: nothing is written that stands already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleetd.domain.errors import Refused
from fleetd.store.database import Database

SERVICES, APPS = {"role": "services", "inventory": "true"}, {"role": "apps", "env": "x"}


async def busy(w: Any) -> None:
    """Three examples at work."""
    for name in ("service-discovery", "network-policy", "namespace-list"):
        await w.example(name)
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
    labels = {"fleet.example.com/export": "true"}
    await w["services"].create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": "default", "labels": labels},
            "spec": {"type": "LoadBalancer", "ports": ports},
        }
    )
    labels = {"fleet.example.com/protect": "true"}
    await w["app"].create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "api", "namespace": "default", "labels": labels},
            "spec": {"selector": {"app": "api"}, "ports": ports},
        }
    )
    await deployed(w)


async def deployed(w: Any) -> None:
    await w.shows("app", "v1", "Endpoints", "default/web")
    await w.shows("app", "networking.k8s.io/v1", "NetworkPolicy", "default/protect-api")
    await w.shows("services", "v1", "ConfigMap", "default/namespaces")
    await w.until_row("SELECT count(*) AS n FROM fleet_addons WHERE state = 'deployed'", {"n": 3})


async def test_an_unchanged_fleet_after_a_restart_gets_no_write_and_makes_no_event(world: Any) -> None:
    async with world(services=SERVICES, app=APPS) as w:
        await busy(w)
        await w.stop()
        for name in ("services", "app"):
            w[name].requests.clear()
        events = await w.rows("SELECT event_id FROM fleet_events")
        incidents = await w.rows("SELECT incident_id FROM fleet_drift_incidents")
        await w.start()
        await w["services"].create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fence"}})
        await w.shows("services", "v1", "ConfigMap", "default/namespaces", lambda live: "fence" in live["data"]["namespaces"])
        assert w.writes("app") == 0
        assert w.writes("services") == 1, "only what the new namespace led to"
        assert len(await w.rows("SELECT event_id FROM fleet_events")) == len(events) + 1
        assert await w.rows("SELECT incident_id FROM fleet_drift_incidents") == incidents


async def test_what_changed_while_the_daemon_was_down_is_made_up_for(world: Any) -> None:
    async with world(services=SERVICES, app=APPS) as w:
        await busy(w)
        await w.stop()
        ip = await w["services"].reassign("default", "web")
        await w["app"].delete("networking.k8s.io/v1", "NetworkPolicy", "default", "protect-api")
        await w["app"].patch("v1", "Service", "default", "web", {"metadata": {"labels": {"fleet.example.com/from": "x"}}}, manager="x")
        await w.start()
        await w.shows("app", "v1", "Endpoints", "default/web", lambda live: live["subsets"][0]["addresses"][0]["ip"] == ip)
        await w.shows(
            "app", "v1", "Service", "default/web", lambda live: live["metadata"]["labels"]["fleet.example.com/from"] == "services"
        )


async def test_a_lost_database_takes_everything_up_again_without_a_change_on_any_cluster(world: Any, tmp_path: Path) -> None:
    async with world(services=SERVICES, app=APPS) as w:
        await busy(w)
        before = [item async for item in objects(w)]
        await w.stop()
        await w.database.close()
        for name in ("services", "app"):
            w[name].requests.clear()
        w.url = str(tmp_path / "another.db")
        w.database = await Database.open(w.url)
        w.key_file = tmp_path / "another.db.key"
        for name in ("service-discovery", "network-policy", "namespace-list"):
            await w.example(name)
        await w.start()
        await w.register("services", "app")
        await w.until_row("SELECT count(*) AS n FROM fleet_addons WHERE state = 'deployed'", {"n": 3})
        assert [item async for item in objects(w)] == before
        assert w.writes() == 0
        assert len(await w.rows("SELECT * FROM fleet_objects")) == 4


async def objects(w: Any) -> Any:
    for name in ("services", "app"):
        for api_version, kind in (("v1", "Service"), ("v1", "Endpoints"), ("v1", "ConfigMap"), ("networking.k8s.io/v1", "NetworkPolicy")):
            for live in await w[name].objects(api_version, kind):
                yield live


async def test_a_second_daemon_on_the_same_database_refuses_with_one_sentence(world: Any) -> None:
    async with world(a={}) as w:
        with pytest.raises(Refused) as refusal:
            await Database.open(w.url, key=w.database.key, daemon=True)
        assert "\n" not in str(refusal.value)
        assert "daemon" in str(refusal.value)


async def test_a_new_member_is_listed_once_for_each_kind(world: Any) -> None:
    async with world(app=APPS, start=False, register=False) as w:
        await w.example("network-policy")
        await w.start()
        await w.register("app")
        await w["app"].create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "api", "namespace": "default", "labels": {"fleet.example.com/protect": "true"}},
                "spec": {"selector": {"app": "api"}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
            }
        )
        await w.shows("app", "networking.k8s.io/v1", "NetworkPolicy", "default/protect-api")
        listed = [request.resource for request in w["app"].requests if request.verb == "list"]
        assert listed.count("services") == 1
