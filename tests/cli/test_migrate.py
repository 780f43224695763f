"""`fleetd migrate` and `fleetd lint --fix`: files that are changed, and those that are not."""

from __future__ import annotations

import os

import pytest

OLD = """# ours
apiVersion: lib.projectsveltos.io/v1alpha1
kind: EventSource
metadata:
  name: services
spec:
  group: ""
  version: v1
  kind: Service   # all
"""
NEW = """# ours
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata:
  name: services
spec:
  resourceSelectors:
  - group: ""
    version: v1
    kind: Service   # all
"""


def test_the_new_text_goes_to_stdout_and_the_file_stays(fleetd, folder):
    file = folder / "a.yaml"
    file.write_text(OLD)
    assert fleetd("lint", str(file)).err.endswith("fleetd migrate rewrites what is written for v1alpha1\n")
    done = fleetd("migrate", str(file))
    assert (done.code, done.out) == (0, NEW)
    assert file.read_text() == OLD


def test_what_comes_out_can_be_applied(fleetd, folder):
    (folder / "a.yaml").write_text(OLD)
    (folder / "b.yaml").write_text(OLD.replace("services", "others").rstrip("\n"))
    done = fleetd("migrate", str(folder))
    applied = fleetd("apply", "-f", "-", given=done.out)
    assert applied.out.split() == [
        "eventsource.lib.projectsveltos.io/services",
        "created",
        "eventsource.lib.projectsveltos.io/others",
        "created",
    ]


def test_files_are_written_where_that_is_asked_for(fleetd, folder):
    old, new, other = folder / "old.yaml", folder / "new.yaml", folder / "page.md"
    old.write_bytes(("\ufeff" + OLD).replace("\n", "\r\n").encode())
    new.write_text(NEW)
    other.write_text(f"# A page\n\n```yaml\n{OLD.replace('services', 'c')}```\n")
    os.chmod(old, 0o600)
    done = fleetd("migrate", str(folder), "--write")
    assert done.code == 1  # the same object stands in old.yaml and in new.yaml
    assert "stands twice" in done.err
    assert old.read_bytes() == ("\ufeff" + NEW).replace("\n", "\r\n").encode()
    assert old.stat().st_mode & 0o777 == 0o600
    assert new.read_text() == NEW
    assert other.read_text() == f"# A page\n\n```yaml\n{NEW.replace('services', 'c')}```\n"
    assert sorted(path.name for path in folder.iterdir()) == ["new.yaml", "old.yaml", "page.md"]


def test_a_link_stays_a_link(fleetd, folder, tmp_path):
    (tmp_path / "real.yaml").write_text(OLD)
    (folder / "link.yaml").symlink_to(tmp_path / "real.yaml")
    assert fleetd("migrate", str(folder / "link.yaml"), "--write").code == 0
    assert (folder / "link.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_text() == NEW


def test_stdin_is_taken_and_not_written(fleetd):
    assert fleetd("migrate", "-", given=OLD).out == NEW
    assert fleetd("migrate", "-", "--write", given=OLD).code == 2
    assert fleetd("lint", "-", "--fix", given=OLD).code == 2


def test_what_cannot_be_rewritten_is_told_and_the_rest_is_rewritten(fleetd, folder):
    merged = "x: &x {clusterSelector: a=b}\napiVersion: config.projectsveltos.io/v1alpha1\nkind: ClusterProfile\n"
    merged += "metadata: {name: p}\nspec: {<<: *x}\n"
    (folder / "a.yaml").write_text(f"{merged}---\n{OLD}")
    done = fleetd("migrate", str(folder / "a.yaml"))
    assert done.code == 1
    assert "a.yaml:1: " in done.err
    assert "rewrite it by hand" in done.err
    assert done.out == f"{merged}---\n{NEW}"


@pytest.mark.parametrize("text", ["a: b: c\n", "\x00", "[1]\n"])
def test_a_file_that_cannot_be_read_changes_nothing(fleetd, folder, text):
    (folder / "a.yaml").write_text(OLD)
    (folder / "b.yaml").write_text(text)
    assert fleetd("migrate", str(folder), "--write").code == 2
    assert (folder / "a.yaml").read_text() == OLD


def test_fixes_are_written_and_the_rest_is_shown(fleetd, samples, folder):
    file = folder / "a.yaml"
    file.write_text(samples.source.lstrip().replace("collectResources: true", "colectResources: true  # all\n  xyzzy: 1"))
    done = fleetd("lint", str(folder), "--fix", "-o", "json")
    assert done.code == 1
    assert [one["message"] for one in done.json["findings"]] == ["spec.xyzzy is no field of EventSource"]
    assert "FD101" in done.err
    assert "collectResources: true  # all\n" in file.read_text()


def test_a_file_that_is_no_text_does_not_keep_the_others_from_being_checked(fleetd, samples, folder):
    (folder / "a.yaml").write_bytes(b"\xff\xfe\x00")
    (folder / "b.yaml").write_text(samples.source.lstrip().replace("collectResources", "colectResources"))
    done = fleetd("lint", str(folder), "--fix", "-o", "json")
    assert [(one["code"], one["message"]) for one in done.json["findings"]] == [("FD001", "the file is UTF-16: save it as UTF-8")]


def test_a_database_is_asked_for_what_is_not_in_the_files(fleetd, samples, environment):
    assert fleetd("lint", "-", given=samples.trigger).code == 0
    shown = fleetd("lint", "-", "--severity", "information", "-o", "json", given=samples.trigger)
    assert shown.code == 0
    assert {(one["code"], one["severity"]) for one in shown.json["findings"]} == {("FD407", "information")}
    fleetd("apply", "-f", "-", given=samples.source)
    asked = fleetd("lint", "-", "--database", environment["FLEETD_DATABASE"], "-o", "json", given=samples.trigger)
    assert asked.code == 1
    assert [one["severity"] for one in asked.json["findings"]] == ["warning"]
    assert "ConfigMap default/template" in asked.json["findings"][0]["message"]
    assert "ConfigMap default/template" in fleetd("apply", "-f", "-", given=samples.trigger).err
