"""`fleetd lint`."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_what_is_well_ends_with_0_and_makes_no_database(fleetd, samples, environment):
    done = fleetd("lint", "-", given=samples.source)
    assert (done.code, done.out) == (0, "")
    assert not Path(environment["FLEETD_DATABASE"]).exists()


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        (("collectResources", "collectResource"), "FD101", "7:3"),
        (("kind: Service", "kind: Service, evaluateCEL: [{name: a, rule: 'resource.('}]"), "FD201", "9:74"),
        (("kind: Service", "kind: Service, evaluate: 'function ('"), "FD202", "9:"),
    ],
)
def test_findings_name_file_line_and_column(fleetd, samples, folder, change, code, place):
    file = folder / "a.yaml"
    file.write_text(samples.source.lstrip().replace(*change))
    done = fleetd("lint", str(folder), "-o", "json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert list(finding) == ["file", "line", "column", "code", "severity", "message", "fix"]
    assert (finding["file"], finding["code"], finding["severity"]) == (str(file), code, "error")
    assert f"{finding['line']}:{finding['column']}".startswith(place[:2])
    assert f"{file}:{finding['line']}:{finding['column']}: error {code}" in fleetd("lint", str(file)).out


def test_unreadable_files_are_findings_too(fleetd, folder):
    (folder / "a.yaml").write_text("a: b: c\n")
    assert [finding["code"] for finding in fleetd("lint", str(folder), "-o", "json").json["findings"]] == ["FD001"]


def test_warnings_count_unless_they_are_not_asked_for(fleetd, samples):
    doubtful = samples.trigger.replace("{matchLabels: {env: prod}}", "{}")
    assert fleetd("lint", "-", given=doubtful).code == 1
    assert fleetd("lint", "-", "--severity", "error", given=doubtful).code == 0


def test_yaml_in_a_page_is_checked(fleetd, samples, folder):
    (folder / "page.md").write_text(f"# A page\n\n```yaml\n{samples.source.lstrip().replace('kind: EventSource', 'kind: EventSorce')}```\n")
    (finding,) = fleetd("lint", str(folder), "-o", "json").json["findings"]
    assert (finding["line"], finding["code"]) == (5, "FD003")


def test_a_block_that_cannot_be_read_does_not_hide_the_others(fleetd, samples, folder):
    wrong = samples.source.lstrip().replace("kind: EventSource", "kind: EventSorce")
    (folder / "page.md").write_text(f"```yaml\ncat > a.yaml <<EOF\na: b\n```\n\n```yaml\n{wrong}```\n")
    found = fleetd("lint", str(folder), "-o", "json").json["findings"]
    assert [(one["line"], one["code"]) for one in found] == [(3, "FD001"), (8, "FD003")]


def test_the_examples_of_this_project_are_well(fleetd):
    assert fleetd("lint", str(Path(__file__).parents[2] / "examples")).code == 0


def test_nothing_to_check_is_bad_input(fleetd):
    assert fleetd("lint").code == 2
    assert fleetd("lint", "nowhere").code == 2
