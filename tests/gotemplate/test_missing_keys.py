"""What is not there is an error, with the place where it was asked for; the texts are those of Go 1.26, and then say what is there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetd.decide.gotemplate.template import Missing, Struct, compile_template
from fleetd.domain.errors import EvaluationFailed

DATA = {
    "s": "str",
    "i": 3,
    "n": None,
    "m": {"k": "v", "n": None},
    "l": ["a", None],
    "st": Struct({"Name": "x", "Kind": "Pod"}),
}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{.a.b}}", '1:4: executing "t" at <.a.b>: map has no entry for key "a"; there are i, l, m, n, s, st'),
        ("{{.a}}", '1:2: executing "t" at <.a>: map has no entry for key "a"; there are i, l, m, n, s, st'),
        ("\n  {{ .m.x }}", '2:7: executing "t" at <.m.x>: map has no entry for key "x"; there are k, n'),
        ("{{.n.b}}", '1:4: executing "t" at <.n.b>: nil pointer evaluating interface {}.b'),
        ("{{$x := .n}}{{$x.b}}", '1:16: executing "t" at <$x.b>: nil data; no entry for key "b"'),
        ("{{upper .i}}", '1:8: executing "t" at <.i>: wrong type for value; expected string; got int64'),
        ("{{upper .n}}", '1:8: executing "t" at <.n>: wrong type for value; expected string; got interface {}'),
        ("{{upper 3}}", '1:8: executing "t" at <3>: expected string; found 3'),
        ("{{upper}}", '1:2: executing "t" at <upper>: wrong number of args for upper: want 1 got 0'),
        ('{{eq 1 "a"}}', '1:2: executing "t" at <eq 1 "a">: error calling eq: incompatible types for comparison: int and string'),
        ("{{index .l 5}}", '1:2: executing "t" at <index .l 5>: error calling index: index out of range: 5'),
        ("{{range .s}}{{end}}", '1:8: executing "t" at <.s>: range can\'t iterate over str'),
        ("{{.s 1}}", '1:2: executing "t" at <.s>: s is not a method but has arguments'),
        ('{{template "q"}}', '1:11: executing "t" at <{{template "q"}}>: template "q" not defined'),
        (
            '{{define "q"}}{{.zz}}{{end}}{{template "q" .}}',
            '1:16: executing "q" at <.zz>: map has no entry for key "zz"; there are i, l, m, n, s, st',
        ),
        ("{{default 1 .zz}}", '1:12: executing "t" at <.zz>: map has no entry for key "zz"; there are i, l, m, n, s, st'),
        ("{{if .zz}}{{end}}", '1:5: executing "t" at <.zz>: map has no entry for key "zz"; there are i, l, m, n, s, st'),
        ("{{.st.Foo}}", '1:5: executing "t" at <.st.Foo>: can\'t evaluate field Foo in type v1.ObjectReference; there are Kind, Name'),
        (
            "{{.st.name}}",
            '1:5: executing "t" at <.st.name>: can\'t evaluate field name in type v1.ObjectReference;'
            ' did you mean "Name"? There are Kind, Name',
        ),
    ],
)
def test_an_error_says_where_and_what(text: str, message: str) -> None:
    with pytest.raises(EvaluationFailed) as failure:
        compile_template(text, name="t").render(DATA)
    assert str(failure.value) == f"template: t:{message}"
    line, column, _ = message.split(":", 2)
    assert (failure.value.line, failure.value.column) == (int(line), int(column) + 1)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a\n{{ foo }}", 2, 'function "foo" not defined'),
        ("{{ if .x }}", 1, "unexpected EOF"),
        ("{{ $y }}", 1, 'undefined variable "$y"'),
        ("{{ 'name' }}", 1, "bad number syntax"),
        ("{{ .a", 1, "unclosed action"),
        ("{{ ( 1 }}", 1, "unclosed left paren"),
    ],
)
def test_a_text_that_is_no_template_is_refused_while_compiling(text: str, line: int, message: str) -> None:
    with pytest.raises(EvaluationFailed) as failure:
        compile_template(text)
    assert message in str(failure.value)
    assert failure.value.line == line
    assert failure.value.column > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ toYml . }}", 'function "toYml" not defined; did you mean "toYaml"?'),
        ("{{ nidnent 2 . }}", 'function "nidnent" not defined; did you mean "nindent"?'),
        ('{{ include "x" . }}', 'function "include" not defined; it is Helm\'s own, use {{ template }} here'),
        ('{{ (dict "labels" 1 "name" 2).label }}', 'map has no entry for key "label"; did you mean "labels"? There are labels, name'),
        ("{{ (dict).x }}", 'map has no entry for key "x"; it is empty'),
        ('{{ (dict "a" 1).x }}', 'map has no entry for key "x"; there is only a'),
    ],
)
def test_an_error_says_what_is_there_instead(text: str, message: str, render: Callable[..., str]) -> None:
    with pytest.raises(EvaluationFailed) as failure:
        render(text, DATA)
    assert str(failure.value).endswith(message)


def test_an_error_names_a_dozen_keys_and_counts_the_others(render: Callable[..., str]) -> None:
    with pytest.raises(EvaluationFailed, match=r"there are 00, 01, .*, 11 and 28 more$"):
        render("{{ .x }}", {f"{number:02d}": number for number in range(40)})


def test_asking_for_a_key_without_reading_it_is_no_error(render: Callable[..., str]) -> None:
    assert render('{{ hasKey .m "zz" }} {{ index .m "zz" }} {{ dig "a" "b" "-" .m }} {{ .n }}', DATA) == "false <no value> - <no value>"


def test_a_branch_that_is_not_taken_is_not_looked_at(render: Callable[..., str]) -> None:
    assert render('{{ if false }}{{ .zz }}{{ template "none" }}{{ upper }}{{ end }}{{ or .s .zz }}', DATA) == "str"


def test_other_modes_are_there_for_texts_that_were_not_written_for_sveltos() -> None:
    assert compile_template("{{ .a.b }}|{{ $x := .a }}{{ $x.c }}", missing=Missing.DEFAULT).render({}) == "<no value>|<no value>"
    with pytest.raises(EvaluationFailed, match="nil pointer evaluating"):
        compile_template("{{ .a.b }}", missing=Missing.ZERO).render({})


def test_a_typed_reference_is_read_by_its_go_names(render: Callable[..., str]) -> None:
    reference = Struct({"APIVersion": "v1", "Kind": "Service", "Namespace": "shop", "Name": "web"})
    data = {"MatchingResources": [reference]}
    assert (
        render("{{ range .MatchingResources }}{{ .Kind }}/{{ .Namespace }}/{{ .Name }} {{ .APIVersion }}{{ end }}", data)
        == "Service/shop/web v1"
    )
    assert render("{{ toJson .MatchingResources }}", data) == '[{"apiVersion":"v1","kind":"Service","name":"web","namespace":"shop"}]'


def test_whole_numbers_of_data_are_int64_and_literals_are_int(render: Callable[..., str]) -> None:
    assert render(
        "{{ typeOf .i }} {{ typeOf 3 }} {{ typeOf (int .i) }} {{ eq .i 3 }} {{ .big }} {{ .f }}", {"i": 3, "big": 1000000, "f": 1e6}
    ) == ("int64 int int true 1000000 1e+06")
    with pytest.raises(EvaluationFailed, match="expected int; got int64"):
        render('{{ repeat .i "x" }}', {"i": 3})
