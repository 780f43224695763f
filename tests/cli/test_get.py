"""`fleetd get`, `describe`, `sql`, `views`: the reading commands."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from fleetd.service.local import LocalQuestions
from fleetd.service.questions.rows import ORDERS, ListRows
from fleetd.store.views import views

MADE = "sveltos-glni3qk2"


def test_objects_come_as_a_table_as_names_as_yaml_and_as_json(on_database, samples):
    on_database("apply", "-f", "-", given=samples.all())
    table = on_database("get", "eventsources")
    assert table.lines[0].split() == ["NAME", "STATE", "AGE"]
    assert table.lines[1].split()[:2] == ["services", "ready"]
    assert on_database("get", "EventSource", "services", "-o", "name").lines == ["eventsource.lib.projectsveltos.io/services"]
    assert on_database("get", "eventsource/services", "-o", "yaml").lines[:4] == [
        "apiVersion: lib.projectsveltos.io/v1beta1",
        "kind: EventSource",
        "metadata:",
        "  name: services",
    ]
    listed = on_database("get", "eventsources", "-o", "json").json
    assert (listed["kind"], [item["metadata"]["name"] for item in listed["items"]]) == ("List", ["services"])
    assert "managedFields" not in json.dumps(listed)


def test_namespaces_and_labels_narrow_what_is_shown(fleetd, samples):
    fleetd("apply", "-f", "-", "-n", "shop", given=samples.config_map)
    fleetd("apply", "-f", "-", given=samples.config_map.replace("shop", "store"))
    assert len(fleetd("get", "cm").lines) == 2
    assert fleetd("get", "cm", "-A").lines[0].split()[0] == "NAMESPACE"
    assert len(fleetd("get", "cm", "-A").lines) == 3
    assert len(fleetd("get", "cm", "-A", "-l", "team in (shop)").lines) == 2
    assert fleetd("get", "cm", "-A", "-l", "team in (").code == 2


@pytest.mark.parametrize(
    ("arguments", "code"), [(("eventsource", "nope"), 1), (("teapots",), 2), (("events", "x"), 2), (("eventsource/a", "b"), 2)]
)
def test_what_is_not_there_is_a_no_and_what_means_nothing_bad_input(fleetd, samples, arguments, code):
    fleetd("apply", "-f", "-", given=samples.source)
    done = fleetd("get", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("fleetd: ")


def test_without_a_database_it_says_how_to_name_or_make_one(fleetd, environment):
    done = fleetd("get", "clusters")
    assert done.code == 2
    assert "FLEETD_DATABASE" in done.err
    assert not Path(environment["FLEETD_DATABASE"]).exists()


@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "name"])
def test_a_secret_is_never_shown(fleetd, samples, form):
    encoded = samples.secret.replace("stringData", "data").replace("token", "other").replace("correct-horse", "Y29ycmVjdC1ob3JzZQ==")
    fleetd("apply", "-f", "-", given=f"{samples.secret}---{encoded}")
    for arguments in (("get", "secrets", "-o", form), ("get", "all", "-A", "-o", form), ("describe", "secret", "token")):
        done = fleetd(*arguments)
        assert done.code == 0
        assert "correct-horse" not in done.out + done.err
        assert "Y29ycmVjdC1ob3JzZQ" not in done.out + done.err
    sql = fleetd("sql", "SELECT * FROM fleet_declared", "-o", "json")
    assert "correct-horse" not in sql.out
    assert "Y29ycmVjdC1ob3JzZQ" not in sql.out


def test_rows_have_the_columns_of_their_views(fleetd, fleet):
    columns = {name: list(names) for name, _, names in views()}
    assert list(fleetd("events", "-o", "json").json[0]) == [*columns["fleet_events"], "first_object", "object_count"]
    assert list(fleetd("addons", "-o", "json").json[0]) == [*columns["fleet_addons"], "event_trigger", "object_ref"]
    assert list(fleetd("drift", "-o", "json").json[0]) == [*columns["fleet_drift_incidents"], "fields"]
    assert list(fleetd("get", "addons", "-o", "json").json[0]) == [*columns["fleet_addons"], "event_trigger", "object_ref"]
    assert list(fleetd("cluster", "list", "-o", "json").json[0]) == [*columns["fleet_clusters"], "labels"]


def test_a_drift_shows_which_fields_were_changed(fleetd, fleet):
    header, line = fleetd("drift").lines
    assert header.split()[:3] == ["OBJECT", "REF", "CLUSTER"]
    assert "spec.ports, spec.selector +1" in line
    assert "spec.ports, spec.selector, spec.type" in fleetd("drift", "-o", "wide").out
    assert fleetd("get", "drift", "-o", "json").json[0]["fields"] == ["spec.ports", "spec.selector", "spec.type"]


def test_an_event_shows_its_objects(fleetd, fleet):
    assert "Service/shop/api +2" in fleetd("events").lines[1]
    assert "Service/shop/api +2" in fleetd("get", "events").lines[1]


def test_an_addon_of_a_generated_profile_says_for_what_it_was_made(fleetd, fleet):
    header, made, written_by_people = fleetd("addons").lines
    assert header.split()[:5] == ["PROFILE", "EVENT", "TRIGGER", "OBJECT", "REF"]
    assert made.split()[:3] == [f"ClusterProfile/{MADE}", "mirror", "Service/shop/web"]
    assert written_by_people.split()[:3] == ["ClusterProfile/web", "-", "-"]
    assert "TRIGGER" not in fleetd("addons", "--state", "failed").lines[0]


def test_a_generated_object_is_described_though_nobody_declared_it(fleetd, samples, fleet):
    described = fleetd("describe", "clusterprofile", MADE)
    assert described.code == 0
    assert "mirror" in described.out
    assert "Service/shop/web" in described.out
    assert "policyRefs/0" in described.out
    assert fleetd("wait", "--for", "deployed", f"clusterprofile/{MADE}").code == 0
    assert fleetd("describe", "clusterprofile", "sveltos-nope").code == 1


def test_reasons_do_not_repeat_the_clusters_name(fleetd, fleet):
    assert fleetd("cluster", "list").lines[2].endswith("   watch failed")
    assert "default/us: unreachable: watch failed" in fleetd("wait", "--converged", "--timeout", "0s").err


def test_members_are_listed_with_what_is_not_in_order(fleetd, fleet):
    listed = fleetd("cluster", "list")
    assert listed.lines[1].split()[:2] == ["default/eu", "ready"]
    assert listed.lines[2].split()[:2] == ["default/us", "unreachable"]
    assert fleetd("cluster", "list", "-l", "env=prod", "-o", "name").lines == ["default/eu"]
    assert fleetd("get", "clusters", "-l", "env!=prod", "-o", "name").lines == ["default/us"]
    described = fleetd("cluster", "describe", "eu")
    assert "env=prod" in described.out
    assert "policyRefs/0" in described.out
    assert fleetd("cluster", "describe", "nope").code == 1


def test_control_characters_of_a_cluster_do_not_reach_the_terminal(fleetd, fleet):
    assert "\x1b" not in fleetd("addons").out
    waited = fleetd("wait", "--converged", "--timeout", "0s")
    assert "it says" in waited.err
    assert "\x1b" not in waited.err
    assert "\x1b" in fleetd("addons", "--state", "failed", "-o", "json").json[0]["reason"]


def test_open_drift_is_a_no(fleetd, fleet):
    assert fleetd("drift", "--open").code == 1
    assert fleetd("drift", "-o", "name").lines == ["i1"]


def test_addons_are_narrowed_by_state_and_cluster(fleetd, fleet):
    assert len(fleetd("addons", "--state", "failed", "--cluster", "eu", "-o", "name").lines) == 1
    assert fleetd("addons", "--state", "removing", "-o", "json").json == []
    refused = fleetd("addons", "--state", "nonsense")
    assert (refused.code, "deployed" in refused.err) == (2, True)


def test_events_are_narrowed_by_time(fleetd, fleet):
    assert fleetd("events", "--since", "1h30m", "-o", "name").lines == ["e1"]
    assert fleetd("events", "--since", "0s", "-o", "json").json == []
    assert fleetd("events", "--since", "soon").code == 2
    assert fleetd("events", "--pending", "-o", "json").json == []


def test_describe_shows_the_object_with_what_belongs_to_it(fleetd, samples, fleet):
    fleetd("apply", "-f", "-", given=samples.all())
    described = fleetd("describe", "eventtrigger", "mirror").out
    assert "State:" in described
    assert "eventSourceName: services" in described
    assert "EventSource.lib.projectsveltos.io//services" in described
    assert fleetd("describe", "eventsource/services").code == 0
    assert "e1" in fleetd("describe", "eventsource/services").out
    assert fleetd("describe", "eventtrigger", "nope").code == 1


def test_sql_answers_as_a_table_csv_and_json(on_database, samples):
    on_database("apply", "-f", "-", given=samples.all())
    question = "SELECT kind, name FROM fleet_declared ORDER BY kind"
    assert on_database("sql", question).lines[0].split() == ["KIND", "NAME"]
    assert on_database("sql", question, "-o", "csv").lines[:2] == ["kind,name", "ConfigMap,settings"]
    assert on_database("sql", question, "-o", "json").json[2] == {"kind": "EventTrigger", "name": "mirror"}
    assert on_database("sql", "-", "-o", "csv", given=question).lines[0] == "kind,name"
    assert on_database("sql", question, "--fail-on-rows").code == 1
    assert on_database("sql", "SELECT name FROM fleet_declared WHERE name = 'x'", "--fail-on-rows").code == 0


@pytest.mark.parametrize(
    ("question", "code"),
    [("DELETE FROM fleet_declared", 4), ("SELECT * FROM declared", 4), ("SELECT nonsense FROM fleet_declared", 2), (" ", 2)],
)
def test_sql_reads_the_views_and_does_nothing_else(fleetd, samples, question, code):
    fleetd("apply", "-f", "-", given=samples.source)
    assert fleetd("sql", question).code == code


def test_sql_shows_every_column_that_was_asked_for(fleetd, samples):
    fleetd("apply", "-f", "-", given=samples.source)
    wrong = fleetd("sql", "SELECT nmae FROM fleet_declared")
    assert (wrong.code, "no such column: nmae" in wrong.err, "did you mean: name" in wrong.err) == (2, True, True), wrong.err
    wrong = fleetd("sql", "SELECT name FROM fleet_decalred")
    assert ("did you mean: fleet_declared" in wrong.err, "next: fleetd views" in wrong.err) == (True, True), wrong.err
    assert fleetd("sql", "SELECT name AS status, reason FROM fleet_declared").lines[0].split() == ["STATUS", "REASON"]


def test_views_are_listed_with_their_columns(fleetd):
    assert len(fleetd("views").lines) == len(views()) + 1
    assert "event_trigger" in fleetd("views", "pending-events").lines
    assert fleetd("views", "nope").code == 1


def test_every_view_has_an_order_of_columns_that_it_has():
    for name, _, columns in views():
        order = ORDERS[name]
        assert set(order.key) <= set(columns), name
        assert {order.at, order.on.partition("(")[0]} <= {*columns, "", "COALESCE"}, name


def test_pages_of_one_row_are_the_whole_list(on_database, samples, database_url):
    on_database("apply", "-f", "-", given=samples.all())
    on_database("apply", "-f", "-", given=samples.all().replace("shop", "store"))

    async def walked(view: str, size: int) -> list[str]:
        service, found, cursor = LocalQuestions(database_url), [], ""
        while cursor is not None:
            page = await service.ask(ListRows(view=view).after(cursor, size))
            found += [repr({name: value for name, value in row.items() if name != "age_seconds"}) for row in page.items]
            cursor = page.next_cursor
        await service.close()
        return found

    for view in ("fleet_declared", "fleet_declared_history", "fleet_changes", "fleet_references"):
        whole = asyncio.run(walked(view, 500))
        assert len(whole) > 1
        assert asyncio.run(walked(view, 1)) == whole, view
