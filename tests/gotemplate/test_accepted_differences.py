"""Where our engine does not say what Go says: the whole list, each with its reason. What is no difference any more must leave it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fleetd.decide.gotemplate.template import Missing, compile_template
from fleetd.domain.errors import EvaluationFailed

Ask = Callable[[Sequence[Any]], list[tuple[bool, str]]]

ACCEPTED = [
    ("keys and certificates are not made in templates", '{{ genPrivateKey "ecdsa" | len | lt 1 }}', None),
    ("chance is given or not there", "{{ len (randAlphaNum 4) }}", None),
    ("the present is given or not there", '{{ now | date "x" }}', None),
    ("where something lies in memory is nobody's business", '{{ printf "%p" (list 1) }}', None),
    ("half a character would be no YAML", '{{ trunc 1 "é" }}', None),
    ("what is no date is the present to Sprig", '{{ date "x" "2020-01-01" }}', None),
    ("a key `<<` is quoted, so that no value can become a merge", '{{ dict "<<" 1 | toYaml }}', '"<<": 1'),
    ("line separators and the byte order mark are escaped in YAML; they are read back the same", '{{ toYaml "\\u2028" }}', '"\\L"'),
    (
        "Python's dates begin with the year 1; a time without a date is in the year 0 for Go",
        '{{ toDate "15:04" "10:30" }}',
        "0001-01-01 10:30:00 +0000 UTC",
    ),
    (
        "a reader of YAML complains in its own words",
        '{{ fromYamlArray "- one\\n- {t\\n- 3" }}',
        "[error converting YAML to JSON: yaml: line 1: did not find expected ',' or '}']",
    ),
    ("where base64 in several lines ends too early", '{{ b64dec "a\\nb" }}', "illegal base64 data at input byte 0"),
    (
        "a reader of TOML complains in its own words",
        '{{ fromToml "a" | toJson }}',
        '{"Error":"Expected \'=\' after a key in a key/value pair (at end of document)"}',
    ),
    ("Go's syntax of a struct shows what is not exported", '{{ semver "1.2.3" | printf "%#v" }}', "1.2.3"),
    ("the flag # of floats is not followed", '{{ printf "%#g" 1.5 }}', "1.5"),
    ("a float's hexadecimal digits are not rounded", '{{ printf "%.1x" 1.2345 }}', "0x1.3c083126e978dp+00"),
    ("a rune below zero", '{{ printf "%U" -7 }}', "U+-007"),
    ("deepCopy of a version is a version", '{{ semver "1.2.3" | deepCopy }}', "1.2.3"),
]


@pytest.mark.parametrize(("reason", "text", "mine"), ACCEPTED)
def test_an_accepted_difference_is_one_still(reason: str, text: str, mine: str | None, go: Ask) -> None:
    assert reason
    ((rendered, theirs),) = go([text])
    template = compile_template(text, missing=Missing.ZERO)
    if mine is None:
        assert rendered
        with pytest.raises(EvaluationFailed, match=r"not available|not valid UTF-8"):
            template.render({})
    else:
        assert template.render({}) == mine
        assert (rendered, theirs) != (True, mine)
