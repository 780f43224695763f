"""No template runs on: steps, output and every single value are bounded, inside functions as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.gotemplate.template import Budget, compile_template
from fleetd.domain.errors import EvaluationFailed, OverBudget

DOUBLED = '{{ $x := dict "a" 1 }}{{ range until 60 }}{{ $x = dict "a" $x "b" $x }}{{ end }}'
CYCLE = '{{ $d := dict }}{{ $_ := set $d "d" $d }}'


@pytest.mark.parametrize(
    "text",
    [
        '{{ repeat 2000000000 "x" }}',
        "{{ until 200000000 }}",
        "{{ untilStep -9223372036854775808 9223372036854775807 1 }}",
        "{{ seq 1 1000000000 }}",
        '{{ indent 1000000000 "a" }}',
        '{{ nindent 1000000000 "a" }}',
        '{{ replace "" (repeat 1000 "a") (repeat 100000 "a") }}',
        '{{ join (repeat 10000 "a") (until 10000) }}',
        '{{ regexReplaceAll "" (repeat 100000 "a") (repeat 1000 "b") }}',
        '{{ range until 1000 }}{{ printf "%1000000d" 1 }}{{ end }}',
        "{{ range 1000000000000 }}{{ end }}",
        "{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}",
        "{{ range 1000000 }}{{ . }}{{ end }}",
        '{{ $x := "a" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}',
        '{{ $x := "ab" }}{{ range until 60 }}{{ $x = printf "%s%s" $x $x }}{{ end }}',
        '{{ $x := "ab" }}{{ range until 60 }}{{ $x = cat $x $x }}{{ end }}',
        "{{ $x := list 1 }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}",
        DOUBLED + "{{ $x }}",
        DOUBLED + "{{ toYaml $x }}",
        DOUBLED + "{{ toJson $x }}",
        DOUBLED + "{{ toToml $x }}",
        DOUBLED + "{{ deepCopy $x }}",
        DOUBLED + "{{ deepEqual $x (deepCopy $x) }}",
        DOUBLED + '{{ printf "%5v" $x }}',
        CYCLE + "{{ $d }}",
        CYCLE + "{{ toYaml $d }}",
        CYCLE + "{{ toJson $d }}",
        CYCLE + "{{ deepCopy $d }}",
        '{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}',
        '{{ define "r" }}{{ template "r" . }}{{ template "r" . }}{{ end }}{{ template "r" . }}',
        '{{ range until 10000 }}{{ regexMatch "(a?){100}a{100}b" (repeat 10000 "a") }}{{ end }}',
        '{{ $s := repeat 1000000 "a" }}{{ range until 10000 }}{{ $s | sha256sum }}{{ end }}',
        "{{ uniq (until 10000) }}",
    ],
)
def test_a_bomb_is_stopped(render: Callable[..., str], text: str) -> None:
    with pytest.raises(OverBudget):
        render(text)


@pytest.mark.parametrize(
    "text",
    [
        '{{ fromYaml (repeat 100000 "[") }}',
        '{{ fromJson (repeat 100000 "[") }}',
        '{{ fromYaml (repeat 20000 "- ") }}',
    ],
)
def test_deeply_nested_text_is_refused_by_the_readers(render: Callable[..., str], text: str) -> None:
    assert render(text).startswith("map[Error:")


def test_nested_parentheses_and_blocks_are_refused_beyond_a_depth() -> None:
    for text in ("{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}", "{{ if 1 }}" * 2000 + "{{ end }}" * 2000):
        with pytest.raises(EvaluationFailed, match="nested more than"):
            compile_template(text)


@given(
    st.recursive(
        st.sampled_from(["x", "{{ . }}", "{{ until 9 }}", '{{ repeat 99 "y" }}', "{{ $ }}", '{{ template "t" . }}', "{{ continue }}"]),
        lambda inner: st.builds(
            lambda parts, head: head + "".join(parts) + "{{ end }}",
            st.lists(inner, max_size=3),
            st.sampled_from(["{{ range 9 }}", "{{ range until 99 }}", "{{ with 1 }}", "{{ if 1 }}"]),
        ),
        max_leaves=12,
    )
)
def test_every_template_ends_within_its_budget(body: str) -> None:
    text = f'{{{{ define "t" }}}}{{{{ range 3 }}}}{body}{{{{ end }}}}{{{{ end }}}}{{{{ range 2 }}}}{body}{{{{ end }}}}'
    budget = Budget(steps=2_000, output_bytes=5_000, value_bytes=2_000)
    try:
        written = compile_template(text).render({}, budget=budget)
    except OverBudget:
        return
    assert len(written) <= 5_000


def test_the_output_is_bounded_to_the_character(render: Callable[..., str]) -> None:
    assert len(render("{{ range 10 }}abcde{{ end }}", budget=Budget(output_bytes=50))) == 50
    with pytest.raises(OverBudget, match="writes more than 49 bytes"):
        render("{{ range 10 }}abcde{{ end }}", budget=Budget(output_bytes=49))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a\n{{ range 10 }}\n  {{ range until 9000 }}{{ $_ := 1 }}{{ end }}{{ end }}", '3:27: executing "t": the template takes more than'),
        (
            "a\n{{ range 10 }}\n  {{ range 9000 }}{{ if false }}{{ end }}{{ end }}{{ end }}",
            '3:21: executing "t": the template takes more than',
        ),
        ('x {{ repeat 9999999 "x" }}', '1:5: executing "t": the template makes a text of 9999999 characters'),
        ('{{ define "q" }}{{ until 9999999 }}{{ end }}{{ template "q" }}', '1:19: executing "q": the template makes a list'),
        ("ab\n{{ range 500 }}{{ $ }}{{ end }}", '2:18: executing "t": the template writes more than'),
    ],
)
def test_the_end_of_a_budget_has_a_place(text: str, place: str) -> None:
    with pytest.raises(OverBudget) as over:
        compile_template(text, name="t").render({"k": "v" * 400}, budget=Budget(steps=20_000, output_bytes=5_000))
    assert str(over.value).startswith(f"template: t:{place}")
