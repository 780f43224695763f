"""Every code has a file that is wrong in this one way, and a twin that says the same rightly, of which nothing is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetd.decide.lint.check import check, unreadable
from fleetd.decide.lint.elsewhere import check_elsewhere
from fleetd.decide.lint.given import Given
from fleetd.domain.documents import UnreadableText, read_documents
from fleetd.domain.findings import CODES, Finding

LIB, CONFIG = "lib.projectsveltos.io/v1beta1", "config.projectsveltos.io/v1beta1"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n"
SOURCE = f"""apiVersion: {LIB}
kind: EventSource
metadata: {{name: s}}
spec:
  resourceSelectors: [{{group: "", version: v1, kind: Service}}]
"""
TRIGGER = f"""apiVersion: {LIB}
kind: EventTrigger
metadata: {{name: t}}
spec:
  sourceClusterSelector: {{matchLabels: {{role: edge}}}}
  eventSourceName: s
  oneForEvent: true
  policyRefs: [{{kind: ConfigMap, namespace: default, name: c}}]
"""


def rules(*texts: str) -> str:
    """A source with these conditions."""
    entries = "".join(f"\n    - name: r{number}\n      rule: {text}" for number, text in enumerate(texts))
    return (
        SOURCE.split("  resource", maxsplit=1)[0]
        + f'  resourceSelectors:\n  - group: ""\n    version: v1\n    kind: Service\n    evaluateCEL:{entries}\n'
    )


def script(text: str) -> str:
    """A source with this script."""
    return (
        SOURCE.split("  resource", maxsplit=1)[0]
        + f'  resourceSelectors:\n  - group: ""\n    version: v1\n    kind: Service\n    evaluate: |\n      {text}\n'
    )


def profile(spec: str, *, kind: str = "ClusterProfile", metadata: str = "name: p") -> str:
    """A profile with this besides its selector."""
    return f"apiVersion: {CONFIG}\nkind: {kind}\nmetadata: {{{metadata}}}\nspec:\n  clusterSelector: {{matchLabels: {{a: b}}}}\n  {spec}\n"


def triggered(template: str, *, annotation: str = "projectsveltos.io/instantiate: ok", source: str = SOURCE, trigger: str = TRIGGER) -> str:
    """A trigger with its source, and what it makes."""
    content = f"""apiVersion: v1
kind: ConfigMap
metadata: {{name: c, namespace: default, annotations: {{{annotation}}}}}
data:
  a.yaml: |
    {template}
"""
    return "---\n".join((source, trigger, content))


COLLECTING = SOURCE + "  collectResources: true\n"
COPY = (
    "apiVersion: v1\n    kind: Service\n    metadata: {name: 'x{{ .MatchingResource.Name }}', namespace: shop}\n"
    "    spec: {selector: {a: b}, ports: [{port: 80}]}"
)
EVERYWHERE = TRIGGER.replace("spec:\n", "spec:\n  destinationClusterSelector: {matchLabels: {role: edge}}\n")
TWINS: dict[str, tuple[str, str]] = {
    "FD001": ("a: 1\na: 2\n", CONFIG_MAP),
    "FD002": ("metadata: {name: a}\n", CONFIG_MAP),
    "FD003": (SOURCE.replace("v1beta1", "v1beta11"), SOURCE),
    "FD004": (SOURCE.replace("v1beta1", "v1alpha1"), SOURCE),
    "FD005": (TRIGGER.replace("EventTrigger", "EventBasedAddOn"), TRIGGER),
    "FD101": (profile("syncMod: Continuous"), profile("syncMode: Continuous")),
    "FD102": (
        SOURCE + "  evaluateCEL: [{name: r, rule: resource.spec.type == 'LoadBalancer'}]\n",
        rules("resource.spec.type == 'LoadBalancer'"),
    ),
    "FD103": (TRIGGER.replace("  sourceClusterSelector: {matchLabels: {role: edge}}\n", ""), TRIGGER),
    "FD104": (profile("tier: 'x'"), profile("tier: 10")),
    "FD105": (profile("syncMode: continuous"), profile("syncMode: Continuous")),
    "FD106": (CONFIG_MAP.replace("name: a", "name: A_b"), CONFIG_MAP),
    "FD107": (
        profile("templateResourceRefs:\n  - &ref {identifier: a, resource: {apiVersion: v1, kind: Secret, name: s}}\n  - *ref"),
        profile("templateResourceRefs:\n  - {identifier: a, resource: {apiVersion: v1, kind: Secret, name: s}}"),
    ),
    "FD108": (profile("tier: 10", metadata="name: p, namespace: shop"), profile("tier: 10")),
    "FD109": (CONFIG_MAP + "---\n" + CONFIG_MAP, CONFIG_MAP + "---\n" + CONFIG_MAP.replace("name: a", "name: b")),
    "FD201": (rules("resource.spec.type.startswith('a')"), rules("resource.spec.externalName.startsWith('a')")),
    "FD202": (script("function evaluate() return {matching = true}"), script("function evaluate() return {matching = true} end")),
    "FD203": (triggered("{{ if .MatchingResource.Name }}"), triggered("{{ if .MatchingResource.Name }}{{ end }}")),
    "FD204": (rules("self.spec.type == 'LoadBalancer'"), rules("resource.spec.type == 'LoadBalancer'")),
    "FD205": (
        rules("resource.spec.type == 'LoadBalancer'", "resource.metadata.namespace == 'a'"),
        rules("resource.spec.type == 'LoadBalancer' && resource.metadata.namespace == 'a'"),
    ),
    "FD206": (script("function evaluate() return {healthy = true} end"), script("function evaluate() return {matching = true} end")),
    "FD207": (script("function evaluate() return true end"), script("function evaluate() return {matching = true} end")),
    "FD208": (script("function check() return {matching = true} end"), script("function evaluate() return {matching = true} end")),
    "FD209": (
        script("function evaluate() return {matching = obj.metadata.labels.app == 'a'} end"),
        script("function evaluate() return {matching = (obj.metadata.labels or {}).app == 'a'} end"),
    ),
    "FD210": (
        rules("resource.spec.type == 'LoadBalancer' && resource.spec.type == 'NodePort'"),
        rules("resource.spec.type == 'LoadBalancer' || resource.spec.type == 'NodePort'"),
    ),
    "FD211": (
        script("function evaluate() return {matching = #resources > 0} end"),
        script("function evaluate() return {matching = obj.kind ~= nil} end"),
    ),
    "FD212": (rules("resource.spec.sessionAffinity > 3"), rules("resource.spec.sessionAffinity == 'ClientIP'")),
    "FD213": (rules("proto.hasExt(resource, a.b)"), rules("has(resource.spec)")),
    "FD301": (triggered("{{ .MatchingResources }}"), triggered("{{ .MatchingResource.Name }}")),
    "FD302": (triggered("{{ .Resource.kind }}"), triggered("{{ .Resource.kind }}", source=COLLECTING)),
    "FD303": (triggered("{{ .MatchingResource.Name }}", annotation="a: b"), triggered("{{ .MatchingResource.Name }}")),
    "FD304": (
        triggered('{{ getField "Res" "a" }}', source=COLLECTING),
        triggered('{{ getField .Resource "a" }}', source=COLLECTING),
    ),
    "FD401": (
        f"apiVersion: {CONFIG}\nkind: ClusterProfile\nmetadata: {{name: p}}\nspec: {{clusterSelector: {{}}}}\n",
        f"apiVersion: {CONFIG}\nkind: ClusterProfile\nmetadata: {{name: p}}\nspec: {{clusterSelector: {{matchLabels: {{a: b}}}}}}\n",
    ),
    "FD402": (
        profile("policyRefs: [{kind: ConfigMap, namespace: m, name: c}]", kind="Profile", metadata="name: p, namespace: shop"),
        profile("policyRefs: [{kind: ConfigMap, namespace: shop, name: c}]", kind="Profile", metadata="name: p, namespace: shop"),
    ),
    "FD403": tuple(  # type: ignore[dict-item]  # two of them
        profile("policyRefs: [{kind: Secret, namespace: shop, name: s}]")
        + f"---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: shop}}\ntype: {kind}\nstringData: {{a: b}}\n"
        for kind in ("Opaque", "addons.projectsveltos.io/cluster-profile")
    ),
    "FD404": (profile("maxUpdate: '5'"), profile("maxUpdate: 5")),
    "FD405": tuple(  # type: ignore[dict-item]  # two of them
        f"apiVersion: {LIB}\nkind: ClusterSet\nmetadata: {{name: c}}\nspec:\n  clusterSelector: {{matchLabels: {{a: b}}}}\n{more}"
        for more in ("", "  maxReplicas: 2\n")
    ),
    "FD406": (
        triggered(COPY, trigger=EVERYWHERE),
        triggered(COPY, trigger=EVERYWHERE, source=SOURCE.replace("kind: Service", "kind: Service, namespace: others")),
    ),
    "FD407": (
        profile("policyRefs: [{kind: ConfigMap, namespace: default, name: other}]"),
        profile("policyRefs: [{kind: ConfigMap, namespace: default, name: a}]")
        + "---\n"
        + CONFIG_MAP.replace("name: a", "name: a, namespace: default"),
    ),
}


def findings(text: str, engines: object) -> list[Finding]:
    """Everything that is said of a file, with nothing declared elsewhere where a code is about that."""
    try:
        documents = read_documents(text, source="a.yaml")
    except UnreadableText as error:
        return [unreadable(error)]
    return check(documents, engines)  # type: ignore[arg-type]


def test_no_code_lacks_its_twins() -> None:
    assert list(TWINS) == list(CODES)


@pytest.mark.parametrize("code", TWINS)
def test_the_wrong_file_has_this_finding_with_its_place_and_the_twin_none(code: str, engines: object) -> None:
    wrong, right = TWINS[code]
    said: Callable[[str], list[Finding]] = lambda text: findings(text, engines)  # noqa: E731 - one line
    if code == "FD407":
        said = lambda text: list(check_elsewhere(Given(tuple(read_documents(text, source="a.yaml"))), lambda *_: False))  # noqa: E731
    found = [one for one in said(wrong) if one.code == code]
    assert len(found) >= 1
    assert all(one.severity is CODES[code].severity and one.line >= 1 and one.column >= 1 for one in found)
    assert said(right) == []
