"""A content that names no language is checked in that of who refers to it."""

from __future__ import annotations

import pytest

from fleetd.decide.lint.check import check
from fleetd.domain.documents import read_documents
from fleetd.domain.findings import Finding
from fleetd.service.checking import judged_alone
from fleetd.service.compilers import Engines

PROFILE = """apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: %s, annotations: {%s}}
spec:
  clusterSelector: {matchLabels: {env: prod}}
  policyRefs: [{kind: ConfigMap, namespace: default, name: shop}]
"""
CONTENT = """apiVersion: v1
kind: ConfigMap
metadata: {name: shop, namespace: default, annotations: {projectsveltos.io/template: ok}}
data:
  a.yaml: "{{ %s }}"
"""
JINJA = "fleetd.io/template-engine: jinja2"


def checked(*texts: str) -> list[Finding]:
    return check([one for number, text in enumerate(texts, 1) for one in read_documents(text, source=f"{number}.yaml")], Engines())


def test_a_template_is_that_of_the_profile_that_refers_to_it() -> None:
    assert checked(PROFILE % ("a", JINJA), CONTENT % "ClusterName | upper") == []
    (wrong,) = checked(PROFILE % ("a", JINJA), CONTENT % ".ClusterName | upper")
    assert (wrong.file, wrong.code) == ("2.yaml", "FD203")
    assert checked(PROFILE % ("a", ""), CONTENT % ".ClusterName | upper") == []


def test_of_two_that_refer_to_it_each_has_its_say() -> None:
    both = checked(PROFILE % ("a", ""), PROFILE % ("b", JINJA), CONTENT % "ClusterName")
    assert [(one.file, one.code) for one in both] == [("3.yaml", "FD203")]


def test_alone_a_template_may_be_of_either_language() -> None:
    def content(expression: str, **annotations: str) -> dict[str, object]:
        named = {"projectsveltos.io/template": "ok", **{f"fleetd.io/{key.replace('_', '-')}": value for key, value in annotations.items()}}
        metadata = {"name": "shop", "namespace": "default", "annotations": named}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a.yaml": f"{{{{ {expression} }}}}"}}

    assert judged_alone(content("ClusterName | upper")) == ()
    assert judged_alone(content(".ClusterName | upper")) == ()
    for wrong in (content(". | |"), content("ClusterName", template_engine="go"), content(".ClusterName", template_engine="jinja2")):
        with pytest.raises(Exception, match="FD203"):
            judged_alone(wrong)
