"""Fixes that are written into files: what is meant is there, and every other character is where it was."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.lint.check import check
from fleetd.decide.lint.edits import Edit, Lines
from fleetd.decide.lint.mending import mended
from fleetd.domain.documents import read_documents
from fleetd.service.compilers import Engines

_SOURCE = "apiVersion: lib.projectsveltos.io/v1beta1\nkind: EventSource\nmetadata: {name: a}\nspec:\n"


def _mended(text: str) -> str:
    return mended({"a.yaml": text}, Engines()).texts["a.yaml"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: EventSource # what\napiVersion: lib.projectsveltos.io/v1beta11\nmetadata: {name: a}\n",
         "kind: EventSource # what\napiVersion: lib.projectsveltos.io/v1beta1\nmetadata: {name: a}\n"),
        (_SOURCE.replace("EventSource", "eventsource") + "  resourceSelectors: []\n", _SOURCE + "  resourceSelectors: []\n"),
        (_SOURCE + "  colectResources: true  # all\n", _SOURCE + "  collectResources: true  # all\n"),
        (_SOURCE + '  "colectResources": true\n', _SOURCE + '  "collectResources": true\n'),
        (_SOURCE + "  colectResources: 'true'  # all\n", _SOURCE + "  collectResources: true  # all\n"),
        (_SOURCE.replace("{name: a}", "{name: a, namespace: b}") + "  resourceSelectors: []\n", _SOURCE + "  resourceSelectors: []\n"),
        (_SOURCE.replace("{name: a}", "\n  namespace: b # no\n  name: a # the name"),
         _SOURCE.replace("{name: a}", "\n  name: a # the name")),
        (_SOURCE.replace("metadata: {name: a}", "name: a"), _SOURCE.replace("metadata: {name: a}", "metadata:\n  name: a")),
    ],
)  # fmt: skip
def test_one_thing_is_mended_and_nothing_else_changes(before: str, after: str) -> None:
    assert _mended(before) == after
    assert _mended(after) == after


def test_a_condition_moves_to_where_it_belongs_with_its_comments() -> None:
    spec = """
        # what to watch
        resourceSelectors:
        - group: ""   # core
          version: v1
          kind: Service
        # only those
        evaluateCEL:
        # by type
        - name: balancer   # its name
          rule: |
            self.spec.type == 'LoadBalancer' &&
            self.metadata.name != 'a'
        collectResources: true
        """
    before = _SOURCE + indent(dedent(spec.lstrip("\n")), "  ").rstrip(" ")
    after = _mended(before)
    assert after.splitlines()[4:] == [
        "  # what to watch",
        "  resourceSelectors:",
        '  - group: ""   # core',
        "    version: v1",
        "    kind: Service",
        "    evaluateCEL:",
        "    # by type",
        "    - name: balancer   # its name",
        "      rule: |",
        "        resource.spec.type == 'LoadBalancer' &&",
        "        resource.metadata.name != 'a'",
        "  # only those",
        "  collectResources: true",
    ]
    assert check(read_documents(after, source="a.yaml"), Engines()) == []


def test_where_two_places_are_meant_nothing_is_written() -> None:
    entry = "  - {group: '', version: v1, kind: Pod}\n"
    text = _SOURCE + f"  resourceSelectors:\n{entry}{entry}  evaluate: 'function evaluate() return {{matching = true}} end'\n"
    assert _mended(text) == text


def test_ends_of_lines_and_the_mark_before_the_text_stay() -> None:
    text = "\ufeff" + (_SOURCE + "  # café\n  colectResources: true\n").replace("\n", "\r\n")
    assert _mended(text) == text.replace("colect", "collect")


def test_json_stays_json() -> None:
    text = '{"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "EventSource",\n "metadata": {"name": "a"},\n "spec": {%s}}\n'
    assert _mended(text % '"collectResource": true') == text % '"collectResources": true'


def test_a_block_of_a_page_is_mended_in_its_place() -> None:
    page = f"# A page\n\n```yaml\n{_SOURCE}  colectResources: true\n```\n\nThe end.\n"
    done = mended({"page.md": page}, Engines())
    assert done.texts["page.md"] == page.replace("colect", "collect")
    assert [one.code for one in done.done] == ["FD101"]


def test_values_and_marks_are_mended() -> None:
    text = dedent("""\
        apiVersion: config.projectsveltos.io/v1beta1
        kind: ClusterProfile
        metadata:
          name: web
        spec:
          clusterSelector: {matchLabels: {env: prod}}
          syncMode: continuous   # always
          tier: "5"
          policyRefs:
          - {kind: Secret, name: s, namespace: default}
          helmCharts:
          - repositoryURL: https://example.com
            repositoryName: x
            chartName: x/x
            chartVersion: 1.2.3
            releaseName: x
            releaseNamespace: x
            options:
              skipCRDs: true
              createNamespace: true
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: s}
        type: Opaque # for now
        stringData: {a: b}
        """)
    after = _mended(text)
    assert "syncMode: Continuous   # always\n  tier: 5\n" in after
    assert "    options:\n      skipCRDs: true\n      installOptions:\n        createNamespace: true\n" in after
    assert "type: addons.projectsveltos.io/cluster-profile # for now\n" in after
    assert check(read_documents(after, source="a.yaml"), Engines()) == []


def test_content_that_uses_the_event_gets_its_mark() -> None:
    trigger = (
        "apiVersion: lib.projectsveltos.io/v1beta1\nkind: EventTrigger\nmetadata: {name: t}\nspec:\n"
        "  sourceClusterSelector: {matchLabels: {a: b}}\n  eventSourceName: s\n  oneForEvent: true\n"
        "  policyRefs: [{kind: ConfigMap, name: c, namespace: d}]\n"
    )
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\ndata: {a: b}\n"
    content = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: d\ndata:\n  a: |\n    name: {{ .MatchingResource.Name }}\n"
    )
    done = mended({"t.yaml": trigger, "c.yaml": f"{other}---\n{content}"}, Engines())
    assert done.texts["t.yaml"] == trigger
    marked = content.replace("  namespace: d\n", "  namespace: d\n  annotations:\n    projectsveltos.io/instantiate: 'true'\n")
    assert done.texts["c.yaml"] == f"{other}---\n{marked}"


def test_what_stands_behind_an_anchor_is_left_alone() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"- apiVersion: lib.projectsveltos.io/v1beta1\n  kind: EventSource\n  metadata: {{name: {name}}}\n  spec: {spec}\n"
        for name, spec in (("a", "&s\n    colectResources: true"), ("b", "*s"))
    )
    assert _mended(text) == text


@given(st.text("ab\r\n\x85\u2028", max_size=30), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=3))
def test_edits_that_change_nothing_change_nothing(text: str, spots: list[tuple[int, int]]) -> None:
    lines = Lines(text)
    assert lines.edited(Edit(spot, spot, "") for spot in spots if spot[1] <= len(lines.line(spot[0]))) == text
