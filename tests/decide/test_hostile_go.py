"""Go templates that mean harm, as text and in a structure: each ends with one sentence, within its budget (SEC-12, SEC-17)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fleetd.decide.engines.go_structure import compile_go
from fleetd.decide.gotemplate.functions.library import event_functions
from fleetd.decide.gotemplate.run import Budget, Surroundings
from fleetd.decide.gotemplate.template import compile_template
from fleetd.domain.errors import EvaluationFailed, OverBudget

FUNCTIONS = event_functions()
SURROUNDINGS = Surroundings(datetime(2026, 1, 1, tzinfo=UTC))
DATA: dict[str, Any] = {"Cluster": {"metadata": {"name": "east"}}, "text": "abc", "list": [1, 2], "nothing": None, "number": 3}

GROWING = "{{ $x := `ab` }}{{ range until 60 }}{{ $x = %s }}{{ end }}{{ $x }}"
ENDLESS = (
    "{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}",
    "{{ range 1000000000000 }}{{ end }}",
    "{{ range until 1000 }}{{ range until 1000 }}x{{ end }}{{ end }}",
    "{{ range until 9999 }}{{ range $.list }}{{ range until 9999 }}{{ end }}{{ end }}{{ end }}",
    "{{ range until 9999 }}{{ until 9999 | toJson | len }}{{ end }}",
    "{{ range until 9999 }}{{ until 9999 | toYaml | sha256sum }}{{ end }}",
    "{{ range until 9999 }}{{ repeat 9999 `a` | upper | lower }}{{ end }}",
    "{{ range until 9999 }}{{ sortAlpha (splitList `` (repeat 9999 `ba`)) }}{{ end }}",
    "{{ define `a` }}{{ template `a` }}{{ end }}{{ template `a` }}",
    "{{ define `a` }}{{ template `b` }}{{ end }}{{ define `b` }}{{ template `a` }}{{ end }}{{ template `a` }}",
    "{{ define `a` }}{{ range until 99 }}{{ template `a` }}{{ end }}{{ end }}{{ template `a` }}",
    "{{ range until 9999 }}{{ regexFind `(a*)*b` (repeat 9999 `a`) }}{{ end }}",
    "{{ range until 9999 }}{{ regexMatch `^(a|a)*$` (repeat 9999 `a`) }}{{ end }}",
    "{{ range until 9999 }}{{ uniq (until 9999) }}{{ end }}",
    "{{ range until 9999 }}{{ splitList `,` (repeat 9999 `,`) }}{{ end }}",
    "{{ range until 9999 }}{{ trim (repeat 99999 ` `) }}{{ end }}",
    "{{ range until 9999 }}{{ b64enc (repeat 9999 `a`) }}{{ end }}",
    "{{ range until 9999 }}{{ wrap 1 (repeat 9999 `a `) }}{{ end }}",
    "{{ range until 9999 }}{{ deepCopy (until 9999) }}{{ end }}",
    "{{ range until 9999 }}{{ reverse (until 9999) }}{{ end }}",
)
MEMORY = (
    "{{ repeat 2000000000 `x` }}",
    "{{ repeat 9223372036854775807 `x` }}",
    "{{ until 200000000 }}",
    "{{ untilStep 0 2000000000 1 }}",
    "{{ untilStep -9223372036854775808 9223372036854775807 1 }}",
    "{{ seq 1 1000000000 }}",
    "{{ indent 1000000000 `a` }}",
    "{{ nindent 1000000000 `a` }}",
    "{{ indent 9999 (repeat 9999 `a\n`) }}",
    "{{ replace `` (repeat 1000 `a`) (repeat 100000 `a`) }}",
    "{{ join (repeat 10000 `a`) (until 10000) }}",
    "{{ regexReplaceAll `` (repeat 100000 `a`) (repeat 1000 `b`) }}",
    "{{ regexReplaceAllLiteral `a` (repeat 100000 `a`) (repeat 1000 `b`) }}",
    "{{ range until 1000 }}{{ printf `%1000000d` 1 }}{{ end }}",
    "{{ range until 10000 }}{{ printf `%10000s` `a` }}{{ end }}",
    GROWING % "print $x $x",
    GROWING % "printf `%s%s` $x $x",
    GROWING % "cat $x $x",
    GROWING % "replace `a` `aa` $x",
    GROWING % "join $x (list $x $x)",
    GROWING % "quote $x $x",
    GROWING % "list $x $x",
    GROWING % "dict `a` $x `b` $x",
    GROWING % "toJson $x | quote",
    GROWING % "b64enc (print $x $x)",
    "{{ $x := list 1 }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}{{ $x }}",
    "{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}{{ toYaml $x }}",
    "{{ $d := dict }}{{ range until 60 }}{{ $d = dict `a` $d `b` $d }}{{ end }}{{ toJson $d }}",
    "{{ $d := dict }}{{ range until 60 }}{{ $d = dict `a` $d `b` $d }}{{ end }}{{ toYaml $d }}",
    "{{ $d := dict }}{{ range until 60 }}{{ $d = dict `a` $d `b` $d }}{{ end }}{{ deepCopy $d }}",
    "{{ $d := dict }}{{ range until 60 }}{{ $d = dict `a` $d `b` $d }}{{ end }}{{ deepEqual $d (deepCopy $d) }}",
    "{{ $d := dict }}{{ $_ := set $d `d` $d }}{{ toJson $d }}{{ $d }}{{ .nope }}",
    "{{ $d := dict }}{{ $_ := set $d `d` $d }}{{ toYaml $d }}{{ .nope }}",
    "{{ $d := dict }}{{ $_ := set $d `d` $d }}{{ print $d }}",
    "{{ range until 2000 }}{{ repeat 1000 `x` }}{{ end }}",
    "{{ fromYaml (printf `a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
    "d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]`) | toJson }}{{ .nope }}",
    "{{ fromJson (repeat 99999 `[`) }}{{ .nope }}",
    "{{ fromYaml (repeat 99999 `[`) }}{{ .nope }}",
    "{{ fromToml (repeat 99999 `[`) }}{{ .nope }}",
)
DEPTH = (
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ if true }}" * 5000 + "{{ end }}" * 5000,
    "{{ range .list }}" * 500 + "{{ end }}" * 500,
    "{{ with .text }}" * 5000 + "{{ end }}" * 5000,
    "{{ .Cluster" + ".a" * 20_000 + " }}",
    "{{ .text" + " | upper" * 20_000 + " | nope }}",
    "{{ define `a` }}" * 500 + "{{ end }}" * 500,
    "{{ $x := list }}{{ range until 5000 }}{{ $x = list $x }}{{ end }}{{ toJson $x }}{{ toYaml $x }}{{ $x }}",
    "{{ $x := list }}{{ range until 5000 }}{{ $x = list $x }}{{ end }}{{ print $x }}",
    "{{ $x := dict }}{{ range until 5000 }}{{ $x = dict `a` $x }}{{ end }}{{ deepCopy $x }}",
)
CALLS = (
    "env `PATH`", "expandenv `$PATH`", "getHostByName `localhost`", "genPrivateKey `rsa`", "genCA `a` 1",
    "genSelfSignedCert `a` nil nil 1", "htpasswd `a` `b`", "bcrypt `a`", "derivePassword 1 `long` `a` `b` `c`",
    "encryptAES `a` `b`", "decryptAES `a` `b`", "uuidv4", "randAlpha 3", "randAlphaNum 3", "randNumeric 3", "randAscii 3",
    "randInt 1 2", "randBytes 3", "shuffle `abc`", "genSignedCert `a`", "buildCustomCert `a` `b`", "readFile `/etc/passwd`",
    "exec `id`", "include `a` .", "lookup `v1` `Secret` `a` `b`", "tpl `a` .", "call .text", "html5 `x`", "os.Exit 1",
    "fail `no`", "required `no` nil", "mustFromJson `{`", "index .list 9", "index .list -1", "index .nothing 1",
    "slice .list 3 1", "div 1 0", "mod 1 0", "upper 1", "trunc `a` `b`", "nope", "nope .text", ".nope", ".Cluster.nope",
    ".Cluster.metadata.name.nope", ".text.x", "$nope", ". | nope", "len 1", "substr 3 1 .text", "semver `x`",
    "mustRegexMatch `(` `x`", "mustToDate `x` `y`", "toDecimal `x` | nope", "dig `a` .list", "merge 1 2",
    "set .list 1 2", "unset .text `a`", "keys .list", "pluck `a` .text", "must nil", "chunk 0 .list", "b64dec `/w==`",
    "int64 .text | div 1",
)  # fmt: skip
WORLD = tuple(f"{{{{ {call} }}}}" for call in CALLS)
SYNTAX = (
    "{{",
    "{{ }}",
    "{{ if }}{{ end }}",
    "{{ if true }}",
    "{{ end }}",
    "{{ else }}",
    "{{ range }}{{ end }}",
    "{{ break }}",
    "{{ template }}",
    "{{ template `nope` }}",
    "{{ define }}{{ end }}",
    "{{ `never",
    "{{ /* never",
    "{{ 'ab' }}",
    "{{ 1e99999 }}",
    "{{ 99999999999999999999 }}",
    "{{ .a.b.| }}",
    "{{ $x }}",
    "{{ \x00 }}",
)
CORPUS = (*ENDLESS, *MEMORY, *DEPTH, *WORLD, *SYNTAX)


def as_text(text: str) -> str:
    return compile_template(text, functions=FUNCTIONS).render(DATA, budget=Budget(), surroundings=SURROUNDINGS)


def as_structure(text: str) -> str:
    return compile_go(json.dumps({"a": text}), FUNCTIONS).render(DATA, Budget(), SURROUNDINGS)


def test_the_corpus_is_large() -> None:
    assert len(set(CORPUS)) == len(CORPUS)
    assert len(CORPUS) >= 140


@pytest.mark.parametrize("render", [as_text, as_structure])
def test_each_hostile_template_ends_with_a_sentence(render: Any) -> None:
    unharmed = []
    for text in CORPUS:
        try:
            render(text)
        except (EvaluationFailed, OverBudget) as error:
            assert len(str(error)) < 50_000  # noqa: PT017 - each error of many
        else:
            unharmed.append(text[:200])
    assert unharmed == []
