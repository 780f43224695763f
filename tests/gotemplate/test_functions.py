"""Sveltos' own functions, and what a template may learn of the world: nothing that it was not given."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleetd.decide.gotemplate.template import (
    STANDARD,
    Surroundings,
    compile_template,
    deploy_functions,
    event_functions,
    standard_functions,
)
from fleetd.domain.errors import EvaluationFailed

SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "uid": "u-1", "resourceVersion": "7", "managedFields": [{}], "labels": {"app": "web"}},
    "spec": {"replicas": 3, "ports": [{"port": 80}]},
}
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

CLEAN = """apiVersion: v1
kind: Service
metadata:
  labels:
    app: web
  name: web
spec:
  ports:
  - port: 80
  replicas: 3
"""


def at_event(text: str) -> str:
    return compile_template(text, functions=event_functions()).render({"Resource": SERVICE})


def at_deploy(text: str) -> str:
    return compile_template(text, functions=deploy_functions({"svc": SERVICE})).render({"MgmtResources": {"svc": SERVICE}})


@pytest.mark.parametrize("both", [(at_event, ".Resource"), (at_deploy, '"svc"')])
def test_both_forms_of_sveltos_functions_do_the_same(both: tuple[Callable[[str], str], str]) -> None:
    rendered, named = both
    untouched = deepcopy(SERVICE)
    assert rendered(f"{{{{ copy {named} }}}}") == CLEAN
    assert rendered(f'{{{{ (getResource {named}).spec.replicas }}}} {{{{ getField {named} "metadata.labels.app" }}}}') == "3 web"
    assert "replicas: 5" in rendered(f'{{{{ setField {named} "spec.replicas" (int64 5) }}}}')
    assert "ports" not in rendered(f'{{{{ removeField {named} "spec.ports" }}}}')
    chained = (
        f'{{{{ $r := getResource {named} }}}}{{{{ $r := chainSetField $r "spec.a.b" "c" }}}}{{{{ $r := chainRemoveField $r "metadata" }}}}'
    )
    assert rendered(chained + "{{ toJson $r }}") == (
        '{"apiVersion":"v1","kind":"Service","spec":{"a":{"b":"c"},"ports":[{"port":80}],"replicas":3}}'
    )
    assert (
        rendered(f'{{{{ setField {named} "spec.replicas" 9 | len | print | trunc 0 }}}}{{{{ getField {named} "spec.replicas" }}}}') == "3"
    )
    assert rendered(f'{{{{ getField {named} "no.where" }}}}') == "<no value>"
    assert untouched == SERVICE


def test_the_wrong_form_is_an_error() -> None:
    with pytest.raises(EvaluationFailed, match=r"can't handle \"svc\" for arg of type map\[string\]interface \{\}"):
        at_event('{{ copy "svc" }}')
    with pytest.raises(EvaluationFailed, match=r"expected string; got map\[string\]interface \{\}"):
        at_deploy("{{ copy .MgmtResources.svc }}")


def test_an_unknown_identifier_is_nothing() -> None:
    assert at_deploy('{{ copy "other" }}|{{ getField "other" "a" }}|{{ getResource "other" }}') == "|<no value>|<no value>"


def test_a_template_never_changes_its_data() -> None:
    data = {"Resource": deepcopy(SERVICE)}
    text = '{{ $_ := set .Resource.metadata "name" "x" }}{{ $_ := unset .Resource "spec" }}{{ $_ := merge .Resource (dict "q" 1) }}'
    text += "{{ .Resource.metadata.name }} {{ .Resource.q }}"
    assert compile_template(text).render(data) == "x 1"
    assert data == {"Resource": SERVICE}


def test_time_and_chance_are_given_or_not_there() -> None:
    for text in (
        "{{ now }}",
        "{{ ago 0 }}",
        '{{ date "2006" nil }}',
        "{{ randAlphaNum 5 }}",
        "{{ uuidv4 }}",
        '{{ shuffle "abc" }}',
        "{{ randInt 1 9 }}",
    ):
        with pytest.raises(EvaluationFailed, match="not available"):
            compile_template(text).render({})
    functions = standard_functions(now=NOW, random=random.Random(1))
    text = '{{ now | date "2006-01-02 15:04:05" }} {{ len (randAlphaNum 12) }} {{ len uuidv4 }}'
    assert compile_template(text, functions=functions).render({}) == "2026-03-04 05:06:07 12 36"


def test_a_compiled_template_may_be_rendered_at_another_time() -> None:
    template = compile_template('{{ now | date "2006" }}', functions=event_functions(now=NOW))
    assert template.render({}) == "2026"
    assert template.render({}, surroundings=Surroundings(now=NOW.replace(year=2031))) == "2031"


@pytest.mark.parametrize(
    "call", ['env "HOME"', 'expandenv "$HOME"', 'getHostByName "localhost"', 'genCA "a" 1', 'htpasswd "a" "b"', 'genPrivateKey "rsa"']
)
def test_what_reaches_the_world_is_refused_with_a_reason(call: str) -> None:
    with pytest.raises(EvaluationFailed, match="is not available: "):
        compile_template(f"{{{{ {call} }}}}").render({})


def test_the_list_of_functions_is_explicit() -> None:
    """An addition must be looked at: is it pure, and bounded?"""
    known = (Path(__file__).parent / "functions.txt").read_text().split()
    assert sorted(STANDARD) == known
    sveltos = {"getResource", "copy", "getField", "setField", "removeField", "chainSetField", "chainRemoveField"}
    assert set(event_functions()) - set(STANDARD) == set(deploy_functions({})) - set(STANDARD) == sveltos


def test_toyaml_of_what_cannot_be_written_is_empty(render: Callable[..., str]) -> None:
    assert render("[{{ toYaml (mulf 1e308 10) }}] [{{ toJson (mulf 1e308 10) }}]") == "[] []"
    with pytest.raises(EvaluationFailed, match="unsupported value"):
        render("{{ mustToJson (mulf 1e308 10) }}")


def test_a_key_that_reads_as_a_merge_is_quoted(render: Callable[..., str]) -> None:
    assert render('{{ dict "<<" "a" | toYaml }}') == '"<<": a'


def test_broken_text_becomes_a_map_with_an_error(render: Callable[..., str]) -> None:
    for call in ('fromYaml "a: ["', 'fromJson "x"', 'fromToml "x"', 'fromYaml "- a"', 'fromYaml "a: *b"'):
        assert render(f'{{{{ hasKey ({call}) "Error" }}}}') == "true"
    for call in ('fromYamlArray "a: ["', 'fromJsonArray "{}"'):
        assert render(f"{{{{ len ({call}) }}}}") == "1"


def test_output_that_is_no_utf8_is_refused(render: Callable[..., str]) -> None:
    assert render('{{ b64dec "aMOp" }}{{ trunc 2 "aé" }}{{ substr 2 3 "aé" }}') == "héaé"
    with pytest.raises(EvaluationFailed, match="UTF-8"):
        render('{{ b64dec "/w==" }}')
    assert render('{{ b64dec "/w==" | b64enc }}') == "/w=="
