"""Templates that nobody wrote, and damaged ones: our engine and the real one accept and refuse the same, and give the same text."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from fleetd.decide.gotemplate.template import STANDARD, Missing, compile_template
from fleetd.domain.errors import EvaluationFailed, OverBudget

HERE = Path(__file__).parent
DATA: dict[str, Any] = json.loads((HERE / "corpus" / "data.json").read_text())[0]
SEEDS = [
    part.partition("\n")[2] for name in ("idioms.tpl", "documents.tpl") for part in (HERE / "corpus" / name).read_text().split("#--- ")[1:]
]
BATCH = 60
ROUNDS = 12

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


UNORDERED = re.compile(r"\b(keys|values)\b")
"""Go gives a map's keys in another order each time."""
ARGUMENTS: dict[str, list[str]] = {
    "string": [
        '""', '"a"', '"abc def"', '"1"', '"1.5"', '"-3"', '"0x1f"', '"007"', '"true"', '"yes"', '"null"', '"a,b,,c"', '"é ß Ü"', '"\\n"',
        '"a\\nb\\n"', '"  x  "', '"a: 1\\nb: [1, 2]"', '`{"a": [1, 2.5, null]}`', '`[1, {"x": "y"}]`', '"- 1\\n- a"', '"1.2.3"',
        '"v1.29.3-rc.1+b"', '"^1.2"', '">=1.0 <2"', '"http://u:p@h:8/p?q=1#f"', '"/a/b/../c.txt"', '"YWJj"', '"a*"',
        '"(b)(c)?"', '"[a-c]+"',
        '"$1x"', '"%d"', '"%5.2f|%-5s|"', '"camelCaseText HTTP"', '"2h45m"', '"3600"', "`<a x='1'>&`", '"😀"', '" "', '"a.b.c"',
    ],
    "int": ["1", "0", "-1", "3", "7", "100", '(len "abc")'],
    "int64": ["1", "5", "-9", "9223372036854775807", "(int64 5)", "(add 1 2)"],
    "float64": ["1.5", "2", "0.1", "-0.5", "1e21"],
    "bool": ["true", "false"],
    "map": ["(dict)", '(dict "a" 1)', '(dict "a" "x" "b" (dict "c" nil))', '(fromYaml "a: 1\\nb: {c: [x, 1.5]}")', '(split "," "x,y")'],
    "list": ["(list)", "(list 1 2 3)", '(list "b" "a" "c")', '(list 1 "a" nil 2.5 true)', '(list (list 1) (dict "a" 1))', "(list nil)"],
    "any": ["nil", "1e-7", "-9223372036854775808", "(until 4)", '(splitList "," "x,y,z")', "(float64 2)", '(index "abc" 0)'],
}  # fmt: skip
TAILS = ["", "", "", " | toJson", " | toYaml", ' | printf "%T %v"', " | quote", " | len", " | typeOf"]
NOT_CALLED = re.compile(r"fromToml|deepCopy|.*[dD]ate|ago|now|duration")
"""What says things in its own words, and what is about time."""
CALLED = sorted(name for name in STANDARD if NOT_CALLED.match(name) is None and UNORDERED.match(name) is None)


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

    def mixed(self, text: str) -> str:
        """One action gives place to one of another template, or goes through one more stage."""
        actions = list(re.finditer(r"\{\{-?(.*?)-?\}\}", text, re.DOTALL))
        if not actions:
            return text
        found = self.pick(actions)
        others = re.findall(r"\{\{.*?\}\}", self.pick(SEEDS), re.DOTALL) or [""]
        stage = self.action(f"{found[1].strip()} | {self.pick(STAGES)}")
        new: str = self.pick([self.pick(others), stage, self.action(self.expression())])
        return text[: found.start()] + new + text[found.end() :]

    def call(self) -> str:
        name = self.pick(CALLED)
        function = STANDARD[name]
        words = [*function.params, *[function.more or ""] * (self.chance.randrange(4) if function.more else 0)]
        return "{{ " + " ".join([name, *map(self.argument, words)]) + self.pick(TAILS) + " }}"

    def argument(self, word: str) -> str:
        every = [one for some in ARGUMENTS.values() for one in some]
        return self.chance.choice(ARGUMENTS[word] if word != "any" and word in ARGUMENTS and self.chance.random() < 0.85 else every)

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


COMPLAINT = re.compile(r"yaml: [^\n]*|at input byte \d+")
"""What a reader of YAML says of a text that is none: the words and lines are its own; and where base64 with line breaks ends."""


NIL = "nil pointer evaluating interface {}"
"""With Helm's option for missing keys, a template that was given nil may ask it for fields; with ours it is an error, as in Sveltos."""
MEANT = re.compile("not available|not valid UTF-8")
"""The present, chance, addresses of memory and halves of characters are not there for ours; damage that asks for one is no difference."""
OVER = "over its budget"


def ours(text: str) -> tuple[bool, str]:
    try:
        return True, compile_template(text, missing=Missing.ZERO).render(DATA).replace("<no value>", "")
    except EvaluationFailed as refused:
        return False, str(refused) if refused.line >= 1 else f"without a place: {refused}"
    except OverBudget:
        return False, OVER


def beyond_comparing(text: str, mine: str, *, rendered: bool) -> bool:
    """Whether a difference is one that is meant, or chance's."""
    return MEANT.search(mine) is not None or (rendered and NIL in mine) or UNORDERED.search(text) is not None


def compare(texts: list[str], go: Ask, seed: int) -> int:
    """How many rendered; the seed is told where something differs. Go has no budget, so what is over ours it is not asked."""
    mine = {text: ours(text) for text in texts}
    asked = [text for text in texts if mine[text] != (False, OVER)]
    rendered = 0
    for text, (done, expected) in zip(asked, go([(text, DATA) for text in asked]), strict=True):
        found, said = mine[text]
        assert not said.startswith("without a place"), f"seed {seed}: {text!r}"
        seen = (found, COMPLAINT.sub("", said) if done else "")
        same = seen == (done, COMPLAINT.sub("", expected) if done else "")
        assert same or beyond_comparing(text, said, rendered=done), f"seed {seed}: {text!r}\nours: {said}\nGo: {expected}"
        rendered += done
    return rendered


def seeds(kind: str) -> list[int]:
    """The same at each run; FLEETD_SOAK=n asks for n that nobody has tried."""
    rounds = int(os.environ.get("FLEETD_SOAK") or 0)
    chance: Random = SystemRandom() if rounds else Random(kind)
    return [chance.randrange(1 << 40) for _ in range(rounds or ROUNDS)]


def test_generated_templates_render_or_are_refused_as_in_go(go: Ask) -> None:
    rendered = 0
    for seed in seeds("generated"):
        writer = Writer(Random(seed))
        rendered += compare([writer.template() for _ in range(BATCH)], go, seed)
    assert rendered > BATCH


def test_damaged_templates_are_refused_or_rendered_as_in_go(go: Ask) -> None:
    for seed in seeds("damaged"):
        writer = Writer(Random(seed))
        compare([writer.damaged(writer.pick(SEEDS)) for _ in range(BATCH)], go, seed)


def test_damaged_generated_templates_are_refused_or_rendered_as_in_go(go: Ask) -> None:
    for seed in seeds("both"):
        writer = Writer(Random(seed))
        compare([writer.damaged(writer.template()) for _ in range(BATCH)], go, seed)


def test_templates_with_actions_of_others_are_refused_or_rendered_as_in_go(go: Ask) -> None:
    for seed in seeds("mixed"):
        writer = Writer(Random(seed))
        compare([writer.mixed(writer.pick(SEEDS)) for _ in range(BATCH)], go, seed)


def test_calls_with_odd_arguments_are_refused_or_give_the_same_as_in_go(go: Ask) -> None:
    for seed in seeds("calls"):
        writer = Writer(Random(seed))
        compare([writer.call() for _ in range(BATCH)], go, seed)
