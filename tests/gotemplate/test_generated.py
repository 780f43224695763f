"""Templates that nobody wrote, and damaged ones: our engine and the real one accept and refuse the same, and give the same text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetd.decide.gotemplate.template import Missing, compile_template
from fleetd.domain.errors import EvaluationFailed

HERE = Path(__file__).parent
DATA: dict[str, Any] = json.loads((HERE / "corpus" / "data.json").read_text())[0]
SEEDS = [
    part.partition("\n")[2] for name in ("idioms.tpl", "documents.tpl") for part in (HERE / "corpus" / name).read_text().split("#--- ")[1:]
]
BATCH = 60

Ask = Callable[[Sequence[Any]], list[tuple[bool, str]]]

OPERANDS = [
    ".", "$", "$x", "$y", "$i", "$e", "$e.name", ".name", ".port", ".Cluster.metadata.labels", ".Cluster.metadata.labels.env",
    ".Release.Name", "$.Cluster.metadata.name", ".Resource.spec.ports", "$.Resource.spec.replicas", ".Values.config",
    ".Values.resources", "$.Values.ratio", "(index $.Resource.spec.ports 0)", "(index $.Resource.spec.ports 0).name",
    '(dict "a" 1 "b" (list 1 2)).b', '(list 1 "b" nil)', '"str"', '`raw "x"`', "42", "-7", "1.5", "true", "nil", "'x'", "0x1f", "1e3",
    "(print 1 2)", "(len .)", "((1))", "$.Values.nodeSelector", "(nil)",
]  # fmt: skip
STAGES = [
    "quote", "upper", "toYaml", "nindent 2", 'default "d"', 'printf "%v"', 'printf "%s-%d" "a"', "len", "toJson", "trim", "first",
    "last", "empty", "not", 'eq "prod"', "ne 3", "gt 2", "and true", 'or ""', "add 1", "int", 'join ","', "keys | sortAlpha",
    'hasKey $ "a"', 'dig "a" "b" "c"', "b64enc", "sha256sum | trunc 5", 'replace "e" "X"', 'contains "a"', 'ternary "a" "b"', "index 0",
    "typeOf", "kindOf", "println", "html", "list", 'dict "k"', "without 1", "toString", "squote", "lower", "coalesce nil", 'get "a"',
    'omit "name"', "merge (dict)", "has 1", "slice 1", "indent 2",
]  # fmt: skip
SOURCES = ["$.Resource.spec.ports", "$.Cluster.metadata.labels", "3", "(until 2)", "list", "dict", "$.Resources", "$.Values.env"]
DAMAGE = [*list("{}()|.$\"`' -=:,x1\n"), "{{", "}}", "{{-", "-}}", "end", "else", "{{end}}", "{{else}}", ":=", "/*", "*/", "range ", "nil"]


class Writer:
    """Writes templates; what it may name is not always there."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.pick = chance.choice

    def action(self, body: str) -> str:
        return self.pick(["{{", "{{ ", "{{- "]) + body + self.pick(["}}", " }}", " -}}"])

    def expression(self, depth: int = 0) -> str:
        if depth < 2 and self.chance.random() < 0.15:
            head = self.pick(["eq ", "and ", "or ", "print ", "list ", 'dict "a" ', "lt "]) + f"{self.inner(depth)} {self.inner(depth)}"
        else:
            head = self.pick(OPERANDS)
        return " | ".join([head, *(self.pick(STAGES) for _ in range(self.pick([0, 0, 0, 1, 1, 2])))])

    def inner(self, depth: int) -> str:
        return self.pick(OPERANDS) if self.chance.random() < 0.7 else f"({self.expression(depth + 1)})"

    def block(self, depth: int) -> str:
        return "".join(self.statement(depth) for _ in range(self.chance.randint(0, 3)))

    def statement(self, depth: int) -> str:
        kind = self.pick(["text", "text", "write", "write", "write", "assign", "if", "with", "range", "range", "call", "comment"])
        if depth > 3:
            kind = "text"
        end = self.action("end")
        match kind:
            case "text":
                return self.pick(["text ", "\n", "  a: b\n", " ", "-", "é", "x}}"])
            case "write":
                return self.action(self.expression())
            case "assign":
                return self.action(self.pick(["$x", "$y"]) + self.pick([" := ", " = "]) + self.expression())
            case "if" | "with":
                orelse = self.action(self.pick(["else", f"else {kind} {self.expression()}"])) + self.block(depth + 1)
                return self.action(f"{kind} {self.expression()}") + self.block(depth + 1) + self.pick(["", orelse]) + end
            case "range":
                names = self.pick(["", "$e := ", "$i, $e := ", "$x = "])
                jump = self.pick(["", "", "", self.action("break"), self.action("continue")])
                orelse = self.pick(["", self.action("else") + self.block(depth + 1)])
                return self.action(f"range {names}{self.pick(SOURCES)}") + self.block(depth + 1) + jump + orelse + end
            case "call":
                return self.action(f'template "t{self.chance.randint(0, 2)}" {self.pick(["$", "(dict)", "$.Resource"])}')
        return self.pick(["{{/* c */}}", "{{- /* c */ -}}", "{{/*c*/ -}}"])

    def template(self) -> str:
        text = self.action("$x := 1") + self.action("$y := $.Resource") + self.block(0) + self.block(0)
        for name in ("t0", "t1"):
            body = "" if self.chance.random() < 0.5 else self.action(self.expression()).replace("$x", "$").replace("$y", "$")
            text += self.action(f'define "{name}"') + body + self.action("end")
        return text

    def damaged(self, text: str) -> str:
        for _ in range(self.chance.randint(1, 3)):
            at = self.chance.randrange(len(text) + 1)
            match self.chance.randrange(3):
                case 0:
                    text = text[:at] + text[at + self.chance.randint(1, 6) :]
                case 1:
                    text = text[:at] + self.pick(DAMAGE) + text[at:]
                case 2:
                    start = self.chance.randrange(len(text) + 1)
                    text = text[:at] + text[start : start + self.chance.randint(1, 40)] + text[at:]
        return text


COMPLAINT = re.compile(r"yaml: [^\n]*")
"""What a YAML reader says of a text that is none: the words and lines are its own."""


NIL = "nil pointer evaluating interface {}"
"""With Helm's option for missing keys, a template that was given nil may ask it for fields; with ours it is an error, as in Sveltos."""


def ours(text: str) -> tuple[bool, str]:
    try:
        return True, compile_template(text, missing=Missing.ZERO).render(DATA).replace("<no value>", "")
    except EvaluationFailed as refused:
        return False, str(refused) if refused.line >= 1 else f"without a place: {refused}"


def compare(texts: list[str], go: Ask) -> int:
    """How many rendered."""
    rendered = 0
    for text, (done, expected) in zip(texts, go([(text, DATA) for text in texts]), strict=True):
        found, mine = ours(text)
        assert not mine.startswith("without a place")
        if done and NIL in mine:
            continue
        seen = (found, COMPLAINT.sub("", mine) if done else "")
        assert seen == (done, COMPLAINT.sub("", expected) if done else ""), f"{text!r}\nours: {mine}\nGo: {expected}"
        rendered += done
    return rendered


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=True))
def test_generated_templates_render_or_are_refused_as_in_go(chance: Random, go: Ask) -> None:
    writer = Writer(chance)
    compare([writer.template() for _ in range(BATCH)], go)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=True))
def test_damaged_templates_are_refused_or_rendered_as_in_go(chance: Random, go: Ask) -> None:
    writer = Writer(chance)
    compare([writer.damaged(writer.pick(SEEDS)) for _ in range(BATCH)], go)
