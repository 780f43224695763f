"""What is decided by a command leaves a row, and `fleetd audit verify` says whether the record is whole."""

from __future__ import annotations

import getpass
import sqlite3

import pytest

SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: default}
data: {color: blue}
"""


@pytest.fixture
def decided(fleetd):
    """A database on which three commands changed something."""
    assert fleetd("apply", "-f", "-", given=SETTINGS).code == 0
    assert fleetd("label", "configmap", "settings", "team=shop").code == 0
    assert fleetd("delete", "configmap", "settings").code == 0
    return fleetd


def test_each_command_that_changes_something_leaves_a_row(decided):
    rows = decided("audit", "-o", "json").json
    assert [(row["action"], row["subject_ref"], row["outcome"]) for row in reversed(rows)] == [
        ("apply", "ConfigMap/default/settings", "created"),
        ("label", "ConfigMap/default/settings", "configured"),
        ("delete", "ConfigMap/default/settings", "deleted"),
    ]
    assert {(row["principal"], row["via"]) for row in rows} == {(getpass.getuser(), "cli")}


def test_a_command_of_a_group_is_called_by_its_own_word(fleetd):
    manifest = "apiVersion: lib.projectsveltos.io/v1beta1\nkind: SveltosCluster\nmetadata: {name: eu, namespace: default}\n"
    assert fleetd("apply", "-f", "-", given=manifest).code == 0
    assert fleetd("cluster", "pause", "eu").code == 0
    assert fleetd("cluster", "deregister", "eu").code == 0
    assert [row["action"] for row in fleetd("audit", "-o", "json").json] == ["deregister", "pause", "apply"]


def test_a_request_leaves_a_row_whether_a_daemon_answers_or_not(fleetd, monkeypatch, samples):
    monkeypatch.setattr("fleetd.cli.ask.ANSWER_SECONDS", 0.1)
    fleetd("apply", "-f", "-", given=samples.profile.partition("---")[0])
    assert fleetd("requeue", "ClusterProfile/web", "--reason", "again").code == 3
    [row, _] = fleetd("audit", "-o", "json").json
    [request] = fleetd("sql", "SELECT id FROM fleet_requests", "-o", "json").json
    assert (row["action"], row["subject_ref"], row["reference"]) == ("requeue", "ClusterProfile/web", request["id"])


def test_a_limit_says_that_there_are_more_and_none_shows_all(decided):
    some = decided("audit", "-o", "json", "--limit", "2")
    assert (len(some.json), "there are more; these are 2: --limit 0 shows all" in some.err) == (2, True)
    every = decided("audit", "-o", "json", "--limit", "0")
    assert (len(every.json), every.err) == (3, "")
    assert decided("audit", "--limit", "-1").code == 2


def test_what_changes_nothing_leaves_none(decided):
    decided("apply", "-f", "-", "--dry-run", given=SETTINGS)
    decided("get", "configmaps")
    assert len(decided("audit", "-o", "json").json) == 3


def test_a_table_shows_the_newest_first_and_since_cuts(decided):
    shown = decided("audit", "--limit", "2")
    assert [line.split()[0] for line in shown.lines] == ["SEQ", "3", "2"]
    later = decided("audit", "--since", "2099-01-01T00:00:00Z")
    assert later.code == 2
    assert decided("audit", "--since", "1h", "-o", "json").json


def test_verify_says_whole_and_gives_a_head_to_note(decided):
    found = decided("audit", "verify")
    assert found.code == 0
    assert "whole: 3 rows" in found.err
    [head] = found.lines
    word, seq, noted = head.split()
    assert (word, seq, len(noted)) == ("head", "3", 64)
    assert decided("audit", "verify", "--noted", noted).code == 0
    assert decided("audit", "verify", "--noted", "0" * 64).code == 1


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE audit SET principal = 'eve' WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit", 1),
    ],
)
def test_verify_names_the_first_row_that_is_broken(decided, environment, statement, seq):
    connection = sqlite3.connect(environment["FLEETD_DATABASE"])
    connection.executescript(f"DROP TRIGGER audit_not_changed; DROP TRIGGER audit_not_removed; {statement};")
    connection.close()
    found = decided("audit", "verify")
    assert found.code == 1
    assert found.lines[0].startswith(f"row {seq}: ")
    machine = decided("audit", "verify", "-o", "json")
    assert (machine.code, machine.json["whole"], machine.json["broken_seq"]) == (1, False, seq)


def test_an_empty_audit_is_whole(on_database):
    assert on_database("audit", "verify").code == 0
    shown = on_database("audit")
    assert (shown.code, shown.out, shown.err) == (0, "", "nothing is recorded\n")
