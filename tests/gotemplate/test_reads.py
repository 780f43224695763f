"""A template says what it reads before it is rendered."""

from __future__ import annotations

import pytest

from fleetd.decide.gotemplate.template import compile_template


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("plain", ()),
        ("{{ .Resource.spec.x }}{{ $.Cluster.metadata }}", (("Cluster", "metadata"), ("Resource", "spec", "x"))),
        ("{{ range .MatchingResources }}{{ .Name }}{{ end }}", (("MatchingResources",), ("MatchingResources", "*", "Name"))),
        ("{{ with .Resource }}{{ .spec }}{{ $.Cluster }}{{ end }}", (("Cluster",), ("Resource", "spec"))),
        ("{{ $r := .Resource }}{{ $r.spec }}", (("Resource", "spec"),)),
        ("{{ range $i, $r := .Resources }}{{ $i }}{{ $r.kind }}{{ end }}", (("Resources",), ("Resources", "*", "kind"))),
        ('{{ define "t" }}{{ .name }}{{ end }}{{ template "t" .Resource.metadata }}', (("Resource", "metadata", "name"),)),
        ("{{ .Resource | toYaml }}{{ toJson . }}", ((), ("Resource",))),
        ("{{ (index .Resources 0).kind }}", (("Resources",),)),
        ("{{ (.Resource).kind }}", (("Resource", "kind"),)),
        ('{{ if eq .Cluster.x "a" }}{{ else if .b }}{{ else }}{{ .c }}{{ end }}', (("Cluster", "x"), ("b",), ("c",))),
        ('{{ define "t" }}{{ template "t" .a }}{{ end }}{{ template "t" .x }}', (("x", "a"),)),
    ],
)
def test_reads_are_the_paths_that_a_template_names(text: str, reads: tuple[tuple[str, ...], ...]) -> None:
    assert compile_template(text).reads == reads


def test_calls_are_the_functions_that_a_template_names() -> None:
    assert compile_template('{{ define "x" }}{{ lower "A" }}{{ end }}{{ template "x" }}{{ .a | quote | indent (len "x") }}').calls == (
        "indent",
        "len",
        "lower",
        "quote",
    )
