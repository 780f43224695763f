"""`fleetd test`."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from fleetd.cli.junit import Case, write_junit
from fleetd.service.manifests import ManifestFolder, Outcome
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database

ROOT = Path(__file__).parents[2]
FLEET = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: marked}
spec:
  collectResources: true
  resourceSelectors: [{group: "", version: v1, kind: ConfigMap, %s}]
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: copy}
spec:
  sourceClusterSelector: {matchLabels: {role: source}}
  eventSourceName: marked
  oneForEvent: true
  destinationClusterSelector: {matchLabels: {role: target}}
  policyRefs: [{kind: ConfigMap, namespace: default, name: copy}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: copy, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
data:
  a.yaml: |
    apiVersion: v1
    kind: %s
    metadata: {name: "{{ .Resource.metadata.name }}", namespace: made, labels: {mark: "no"}}
    stringData: {value: "{{ .Resource.data.value }}"}
"""
ONE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "default", "labels": {"mark": "yes"}}}
LABELLED = "labelFilters: [{key: mark, operation: Equal, value: 'yes'}]"
MADE = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": "made"}}
VERDICT = {"source": "marked", "object": "ConfigMap/default/one", "verdict": "match"}

Tried = Callable[..., Any]


@pytest.fixture
def tried(fleetd: Any, tmp_path: Path) -> Tried:
    """Runs a test on a small fleet; what is given replaces its parts."""

    def run(*options: str, condition: str = LABELLED, makes: str = "Secret", value: Any = "1", **parts: Any) -> Any:
        (tmp_path / "fleet.yaml").write_text(FLEET % (condition, makes))
        clusters = [{"name": "a", "labels": {"role": "source"}}, {"name": "b", "labels": {"role": "target"}}]
        given = {"files": ["fleet.yaml"], "clusters": clusters, "objects": {"a": [{**ONE, "data": {"value": value}}]}}
        test = {"apiVersion": "fleetd.io/v1alpha1", "kind": "Test", "name": "t", "given": given} | parts
        (tmp_path / "t.test.yaml").write_text(yaml.safe_dump(test, sort_keys=False))
        return fleetd("test", str(tmp_path), *options)

    return run


def test_what_is_as_expected_passes(tried: Tried) -> None:
    expect = {
        "verdicts": [VERDICT],
        "manifests": [{"cluster": "b", "only": [MADE | {"stringData": {"value": "1"}}]}, {"cluster": "a", "only": []}],
    }
    done = tried(expect=expect)
    assert (done.code, done.err) == (0, "1 passed, 0 failed\n"), done.out
    assert done.lines[0].startswith("ok ")


def test_a_verdict_that_is_another_is_told_with_what_decided(tried: Tried) -> None:
    done = tried("-o", "json", expect={"verdicts": [VERDICT | {"verdict": "no_match"}, VERDICT | {"reason": "magic"}]})
    assert done.code == 1
    first, second = done.json["tests"][0]["failures"]
    assert (first["wanted"], first["found"].partition(":")[0]) == ("no_match", "match")
    assert "magic" in second["wanted"]
    text = Path(first["file"]).read_text().splitlines()[first["line"] - 1]
    assert text.strip() == "verdict: no_match"


@pytest.mark.parametrize("condition", ["evaluateCEL: [{name: c, rule: \"resource.data.value == '1'\"}]",
                                       "evaluate: 'function evaluate() return {matching = obj.data.value == \"1\"} end'"])  # fmt: skip
def test_conditions_are_judged_by_the_engines_of_the_daemon(tried: Tried, condition: str) -> None:
    change = {"cluster": "a", "change": {**ONE, "data": {"value": "2"}}}
    steps = [{"when": [change], "expect": {"verdicts": [VERDICT | {"verdict": "no_match"}], "manifests": [{"cluster": "b", "only": []}]}}]
    done = tried(condition=condition, expect={"verdicts": [VERDICT], "manifests": [{"cluster": "b", "has": [MADE]}]}, steps=steps)
    assert (done.code, done.out.count("\n")) == (0, 1), done.out


def test_a_script_that_fails_is_a_verdict_error(tried: Tried) -> None:
    condition = "evaluate: 'function evaluate() return {matching = obj.nothing.x == 1} end'"
    done = tried(condition=condition, expect={"verdicts": [VERDICT | {"verdict": "error", "reason": "nothing"}]})
    assert done.code == 0, done.out


def test_the_life_of_an_object_can_be_played(tried: Tried) -> None:
    has, lacks = {"manifests": [{"cluster": "b", "has": [MADE]}]}, {"manifests": [{"cluster": "b", "lacks": ["Secret/made/one"]}]}
    changes = [
        ({"cluster": "a", "delete": "ConfigMap/default/one"}, lacks),
        ({"cluster": "a", "create": {**ONE, "data": {"value": "3"}}}, has),
        ({"cluster": "a", "change": {**ONE, "metadata": {**ONE["metadata"], "labels": {"mark": None}}}}, lacks),  # type: ignore[dict-item]
        ({"cluster": "a", "change": {**ONE}}, has),
        ({"cluster": "a", "label": {"role": None}}, lacks),
        ({"cluster": "default/a", "label": {"role": "source"}}, has),
        ({"undeclare": "EventTrigger.lib.projectsveltos.io//copy"}, lacks),
        ({"declare": list(yaml.safe_load_all(FLEET % (LABELLED, "Secret")))[1]}, has),
        ({"join": {"name": "c", "labels": {"role": "target"}}}, {"manifests": [{"cluster": ["b", "c"], "has": [MADE]}]}),
        ({"leave": "a"}, lacks),
    ]
    done = tried(
        expect=has, steps=[{"name": str(number), "when": [change], "expect": after} for number, (change, after) in enumerate(changes)]
    )
    assert done.code == 0, done.out


def test_a_problem_that_nobody_expected_is_a_failure_at_the_template(tried: Tried, tmp_path: Path) -> None:
    done = tried(given={**_given(), "objects": {"a": [ONE]}})
    assert done.code == 1
    line = 1 + next(number for number, text in enumerate((tmp_path / "fleet.yaml").read_text().splitlines()) if "stringData" in text)
    assert f"{tmp_path / 'fleet.yaml'}:{line}:" in done.out
    assert tried(given={**_given(), "objects": {"a": [ONE]}}, expect={"problems": ["no entry for key"]}).code == 0


def _given() -> dict[str, Any]:
    clusters = [{"name": "a", "labels": {"role": "source"}}, {"name": "b", "labels": {"role": "target"}}]
    return {"files": ["fleet.yaml"], "clusters": clusters}


def test_found_values_of_secrets_are_shown_nowhere(tried: Tried, tmp_path: Path) -> None:
    expect = {"manifests": [{"cluster": "b", "has": [MADE | {"stringData": {"value": "guess"}}]}]}
    for options in ((), ("-o", "json"), ("--junit", str(tmp_path / "j.xml"))):
        done = tried(*options, value="correct-horse", expect=expect)
        assert done.code == 1
        assert "guess" in done.out
        assert "correct-horse" not in done.out + done.err
    assert "correct-horse" not in (tmp_path / "j.xml").read_text()


def test_triggers_that_go_in_a_circle_come_to_an_end(fleetd: Any, tmp_path: Path) -> None:
    (tmp_path / "circle").mkdir()
    text = (
        (FLEET % (LABELLED, "ConfigMap"))
        .replace('labels: {mark: "no"}', 'labels: {mark: "yes"}')
        .replace("{{ .Resource.metadata.name }}", "{{ .Resource.metadata.name }}x")
    )
    text = text.replace('stringData: {value: "{{ .Resource.data.value }}"}', "data: {value: x}").replace("role: target", "role: source")
    (tmp_path / "circle" / "fleet.yaml").write_text(text)
    test = {"apiVersion": "fleetd.io/v1alpha1", "kind": "Test", "name": "t", "given": {**_given(), "objects": {"a": [ONE]}}}
    (tmp_path / "circle" / "t.test.yaml").write_text(yaml.safe_dump(test))
    done = fleetd("test", str(tmp_path / "circle"))
    assert done.code == 1
    assert "a problem that is not expected: " in done.out


@pytest.mark.parametrize(
    ("parts", "line", "said"),
    [
        ({"expct": {}}, "expct: {}", "did you mean 'expect'?"),
        ({"kind": "Tset"}, "kind: Tset", "did you mean 'Test'?"),
        ({"expect": {"verdicts": [VERDICT | {"verdict": "mach"}]}}, "verdict: mach", "did you mean 'match'?"),
        ({"expect": {"verdicts": [VERDICT | {"object": "web"}]}}, "object: web", "is no reference"),
        ({"expect": {"manifests": [{"cluster": "a"}]}}, "- cluster: a", "write has, only or lacks"),
        ({"steps": [{"when": [{"cluster": "a"}], "expect": {}}]}, "- cluster: a", "exactly one of create"),
        ({"steps": [{"when": [{"delete": "A/b/c"}], "expect": {}}]}, "- delete: A/b/c", "say which with cluster"),
        ({"steps": [{"when": [{"cluster": "a", "create": {"kind": "X"}}], "expect": {}}]}, "create:", "has no apiVersion"),
        (
            {"given": {"clusters": [{"name": "a"}], "objects": {"a": [{**ONE, "metadata": {"name": "x", "labels": {"n": 1}}}]}}},
            "n: 1",
            "quotes",
        ),
        ({"kind": "EventSource"}, "kind: EventSource", "manifests stand in other files"),
        ({"given": {"files": ["nope"], "clusters": [{"name": "a"}]}}, "- nope", "there is no file or folder"),
        ({"given": {"clusters": [{"name": "a"}], "objects": {"b": [ONE]}}}, "b:", "there is no cluster b"),
        ({"given": {"clusters": []}}, "given:", "there are no clusters"),
    ],
)
def test_what_is_wrong_with_a_test_is_told_at_its_place(tried: Tried, tmp_path: Path, parts: dict[str, Any], line: str, said: str) -> None:
    done = tried(**parts)
    assert done.code == 2
    [number] = [re.match(r".*t\.test\.yaml:(\d+):\d+: .*", one)[1] for one in (done.out + done.err).splitlines() if said in one]  # type: ignore[index]
    assert (tmp_path / "t.test.yaml").read_text().splitlines()[int(number) - 1].strip() == line


def test_what_cannot_be_declared_fails_with_what_is_wrong_with_it(tried: Tried) -> None:
    source = {
        "apiVersion": "lib.projectsveltos.io/v1beta1",
        "kind": "EventSource",
        "metadata": {"name": "x"},
        "spec": {"resourceSelector": []},
    }
    done = tried(steps=[{"name": "s", "when": [{"declare": source}], "expect": {}}])
    assert done.code == 1
    assert "did you mean 'resourceSelectors'?" in done.out


@pytest.mark.parametrize(
    "change",
    [
        {"cluster": "a", "delete": "A/b/c"},
        {"cluster": "aa", "delete": "A/b/c"},
        {"cluster": "a", "create": ONE},
        {"undeclare": "ConfigMap/default/none"},
        {"leave": "x"},
        {"cluster": "b", "change": MADE},
    ],
)
def test_what_cannot_happen_fails(tried: Tried, change: dict[str, Any]) -> None:
    done = tried(condition="labelFilters: [{key: other, operation: Has}]", steps=[{"name": "s", "when": [change], "expect": {}}])
    assert done.code == 1
    assert "after “s”: there is " in done.out or "nothing is declared" in done.out


AGGREGATED = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: marked}
spec:
  collectResources: true
  resourceSelectors: [{group: "", version: v1, kind: ConfigMap}]
  aggregatedSelection: |
    function evaluate()
      local chosen = {}
      for _, one in ipairs(resources) do
        if one.data.value == "1" then table.insert(chosen, one) end
      end
      return {resources = chosen}
    end
"""


def test_aggregated_selections_and_other_template_languages_are_played(tried: Tried) -> None:
    fields = {"projectsveltos.io/instantiate": "ok", "fleetd.io/template-engine": "jinja2"}
    text = yaml.safe_dump(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j-{{ Resource.data.value }}", "namespace": "made"}}
    )
    content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "copy", "namespace": "default", "annotations": fields}}
    when = [{"declare": yaml.safe_load(AGGREGATED)}, {"declare": {**content, "data": {"a.yaml": text}}}]
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j-1", "namespace": "made"}}
    other = {"cluster": "a", "create": {**ONE, "metadata": {"name": "two", "namespace": "default"}, "data": {"value": "2"}}}
    change = {"cluster": "a", "change": {**ONE, "data": {"value": "2"}}}
    steps = [
        {"when": when, "expect": {"verdicts": [VERDICT], "manifests": [{"cluster": "b", "only": [made]}]}},
        {"when": [other], "expect": {"manifests": [{"cluster": "b", "only": [made]}]}},
        {"when": [change], "expect": {"verdicts": [VERDICT | {"verdict": "no_match"}], "manifests": [{"cluster": "b", "only": []}]}},
    ]
    done = tried(steps=steps)
    assert done.code == 0, done.out


def test_a_loss_that_is_too_large_is_held_as_in_a_fleet(tried: Tried) -> None:
    objects = [{**ONE, "metadata": {**ONE["metadata"], "name": f"n{number}"}, "data": {"value": "1"}} for number in range(30)]  # type: ignore[dict-item]
    source = yaml.safe_load(AGGREGATED)
    source["spec"] = {"resourceSelectors": [{"group": "", "version": "v1", "kind": "ConfigMap", "namespace": "none"}]}
    standing = {"manifests": [{"cluster": "b", "has": [{**MADE, "metadata": {"name": "n7", "namespace": "made"}}]}]}
    steps = [{"name": "edited", "when": [{"declare": source}], "expect": standing | {"problems": ["held until somebody approves it"]}}]
    given = _given() | {"objects": {"a": objects}}
    assert tried(given=given, expect=standing, steps=steps).code == 0
    steps[0]["expect"] = standing
    done = tried(given=given, expect=standing, steps=steps)
    assert done.code == 1
    assert "a problem that is not expected: held" in done.out


def test_there_must_be_something_to_test(fleetd: Any, tmp_path: Path) -> None:
    assert fleetd("test").code == 2
    assert fleetd("test", str(tmp_path)).code == 2
    assert fleetd("test", str(tmp_path / "none")).code == 2
    (tmp_path / "a.test.yaml").write_text("a: [")
    (tmp_path / "b.test.yaml").write_text("# nothing\n")
    done = fleetd("test", str(tmp_path), "--junit", str(tmp_path / "j.xml"))
    assert done.code == 2
    assert "2 files with mistakes" in done.err
    assert ElementTree.parse(tmp_path / "j.xml").getroot().get("errors") == "2"


def test_a_report_is_well_formed_whatever_the_names(tmp_path: Path) -> None:
    hostile = "a\x00\x1b[31m]]> <b> & \" ' \ud800 \ufffe \u202e\r\nz"
    write_junit(str(tmp_path / "j.xml"), [Case(hostile, hostile, [hostile]), Case(hostile, "e", (), [hostile]), Case("other", "good")])
    root = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")
    assert [len(suite) for suite in root] == [2, 1]


def test_folders_of_manifests_may_hold_tests(fleetd: Any, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "service-discovery", tmp_path / "x")
    assert fleetd("lint", str(tmp_path / "x")).code == 0
    done = fleetd("apply", "-f", str(tmp_path / "x"))
    assert (done.code, len(done.lines)) == (0, 3)
    assert fleetd("apply", "-f", str(tmp_path / "x" / "tests" / "share.test.yaml")).code == 2


async def test_a_folder_that_the_daemon_follows_may_hold_tests(database_url: str, master_key: MasterKey, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "service-discovery", tmp_path / "x")
    database = await Database.open(database_url, key=master_key)
    folder = ManifestFolder(database, tmp_path / "x")
    looks = [await folder.look(datetime.now(UTC)) for _ in range(2)]
    await database.close()
    assert (looks[-1].outcome, len(looks[-1].changed), looks[-1].reasons) == (Outcome.DECLARED, 3, ())


def test_the_tests_of_the_examples_pass(fleetd: Any) -> None:
    done = fleetd("test", str(ROOT / "examples"))
    assert done.code == 0, done.out
    assert len(done.lines) >= 2


def test_the_tests_of_the_examples_fail_when_a_manifest_is_wrong(fleetd: Any, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "x")
    for name, right, wrong in (
        ("service-discovery/trigger.yaml", "role: apps", "role: app"),
        ("order-by-events/migration.yaml", "== resource.spec", "!= resource.spec"),
    ):
        path = tmp_path / "x" / name
        text = path.read_text()
        assert right in text
        path.write_text(text.replace(right, wrong))
    done = fleetd("test", str(tmp_path / "x"))
    assert done.code == 1
    assert done.out.count("FAILED") == 2


def test_the_page_on_testing_shows_what_comes_out(fleetd: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8").partition("## A test")[2].partition("\n## ")[0]
    blocks = re.findall(r"```(\w+)[^\n]*\n(.*?)```", page, re.DOTALL)
    for language, text in blocks:
        if language == "yaml":
            (tmp_path / text.split("\n")[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = fleetd(*shlex.split(next(text for language, text in blocks if language == "sh"))[1:])
    assert done.code == 1
    assert done.out == next(text for language, text in blocks if language == "text")
