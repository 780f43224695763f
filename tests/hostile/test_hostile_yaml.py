"""Files that mean harm, whatever way they come in: each is refused with its place, or taken for what it is (SEC-10, SEC-17, FT-17)."""

from __future__ import annotations

import json

FINE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n"
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
SOURCE = (
    "apiVersion: lib.projectsveltos.io/v1beta1\nkind: EventSource\nmetadata: {name: a}\nspec:\n"
    "  resourceSelectors:\n  - {group: '', version: v1, kind: Pod"
)
PROFILE = "apiVersion: config.projectsveltos.io/v1beta1\nkind: ClusterProfile\nmetadata: {name: a}\nspec: "


def laughs(levels: int, each: int, form: str = "[{}]") -> str:
    """Aliases of aliases."""
    lines = ["l0: &l0 " + form.format(", ".join("x" for _ in range(each)))]
    lines += [f"l{n}: &l{n} " + form.format(", ".join(f"*l{n - 1}" for _ in range(each))) for n in range(1, levels)]
    return HEAD + "\n".join(lines) + "\n"


def merges(levels: int) -> str:
    """Mappings that merge mappings that merge mappings."""
    lines = ["m0: &m0 {a: 1, b: 2}"]
    lines += [f"m{n}: &m{n} {{k{n}: 1, <<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, levels)]
    return HEAD + "\n".join(lines) + "\n"


def rule(text: str) -> str:
    """A source with this condition."""
    return f"{SOURCE}, evaluateCEL: [{{name: r, rule: {json.dumps(text)}}}]}}\n"


def script(text: str) -> str:
    """A source with this script."""
    return f"{SOURCE}, evaluate: {json.dumps(text)}}}\n"


ALIASES = (
    laughs(9, 9),
    laughs(9, 9, "{{a: [{}]}}"),
    laughs(6, 50),
    laughs(3, 3000),
    laughs(40, 2),
    merges(6),
    merges(30),
    HEAD + "a: &a [*a]\n",
    HEAD + "a: &a {b: *a}\n",
    HEAD + "a: &a\n  <<: *a\n",
    HEAD + "a: *nothing\n",
    HEAD + "? &k a\n: *k\n",
    HEAD + "&a {x: y}: *a\n",
    HEAD + "a: &a x\n*a : y\n*a : z\n",
    HEAD + "a: &a [1]\n*a : y\n",
    HEAD + "<<: [" + "{a: 1}, " * 5_000 + "{a: 2}]\n",
    HEAD + "<<: 5\n",
    HEAD + "<<: [[{a: 1}]]\n",
    HEAD + "".join(f"a{n}: &a{n} x\n" for n in range(2_000)),
    HEAD + "a: &" + "x" * 100_000 + " 1\n",
    "&a apiVersion: v1\nkind: *a\nmetadata: {name: a}\n",
)
DEPTH = (
    "[" * 100_000,
    "{a: " * 100_000,
    "- " * 100_000 + "x",
    "? " * 50_000 + "x",
    HEAD + "data: " + "[" * 5_000 + "]" * 5_000,
    HEAD + "data: " + "{a: " * 5_000 + "1" + "}" * 5_000,
    HEAD + "data: " + "{a: " * 190 + "1" + "}" * 190,
    HEAD + "data:\n" + "".join(" " * n + "a:\n" for n in range(1, 1_500)),
    json.dumps({"apiVersion": "v1"})[:-1] + ', "data": ' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"a": ' * 100_000,
    '{"a": ' * 50_000 + "1" + "}" * 50_000,
    "{" * 100_000,
    '{"apiVersion": "v1", "kind": "List", "items": ' * 1000 + "[]" + "}" * 1000,
    json.dumps({"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "List", "items": [1]}]}),
    "- " * 150 + "x\n" + FINE,
)
SIZES = (
    HEAD + "data: {a: '" + "x" * 2_000_000 + "'}\n",
    HEAD + "data:\n" + "".join(f"  k{n}: v\n" for n in range(20_000)),
    HEAD + "data: {" + "k" * 1_000_000 + ": v}\n",
    HEAD + "data: {a: |\n" + "\n" * 500_000 + "}",
    "---\n" * 100_000,
    "--- {}\n" * 2_000,
    "# " + "x" * 2_000_000,
    "%YAML 1.1\n" * 1000 + FINE,
    "\n" * 2_000_000 + FINE,
    " " * 2_000_000 + FINE,
    "x" * 2_000_000,
    HEAD.replace("name: a", "name: " + "a" * 500_000),
    HEAD.replace("ConfigMap", "K" * 500_000),
    HEAD.replace("v1", "v" * 500_000),
    HEAD + "f" * 500_000 + ": 1\n",
    HEAD.replace("}", ", labels: {" + ", ".join(f"l{n}: v" for n in range(20_000)) + "}}"),
    PROFILE + "{clusterSelector: {matchLabels: {" + ", ".join(f"l{n}: v" for n in range(5_000)) + "}}}\n",
    PROFILE + "{" + ", ".join(f"unknownField{n}: 1" for n in range(500)) + "}\n",
)
NUMBERS = (
    HEAD + "data: {a: " + "9" * 5_000 + "}\n",
    HEAD + "data: {a: 0x" + "f" * 5_000 + "}\n",
    HEAD + "data: {a: 0o" + "7" * 5_000 + "}\n",
    HEAD + "data: {a: 0b" + "1" * 5_000 + "}\n",
    HEAD + "data: {a: 1e" + "9" * 5_000 + "}\n",
    HEAD + "data: {a: ." + "9" * 5_000 + "}\n",
    HEAD + "data: {a: " + "1_" * 5_000 + "1}\n",
    HEAD + "data: {a: " + "1:" * 5_000 + "1}\n",
    HEAD + "data: {" + "9" * 5_000 + ": a}\n",
    HEAD + "data: {a: .nan}\n",
    HEAD + "data: {a: -.inf}\n",
    PROFILE + "{tier: " + "9" * 5_000 + "}\n",
    PROFILE + "{tier: 1e400}\n",
    PROFILE + "{tier: .nan}\n",
    PROFILE + "{tier: 99999999999999999999}\n",
    PROFILE + "{maxUpdate: -9223372036854775809}\n",
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": ' + "9" * 5_000 + "}}",
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": NaN}}',
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": 1e999}}',
)
LETTERS = (
    "\x00",
    FINE + "\x00",
    HEAD + "data: {a: \x07}\n",
    HEAD + 'data: {a: "\\0"}\n',
    HEAD + 'data: {a: "\\ud800"}\n',
    HEAD + 'data: {a: "\\ud83d\\ude00"}\n',
    HEAD + 'data: {a: "\\U00110000"}\n',
    HEAD + 'data: {a: "\\uFFFF"}\n',
    HEAD + "data: {a: \ud800}\n",
    HEAD + "data: {a: \ufffe}\n",
    HEAD + "data: {a: \u202egnp.exe}\n",
    HEAD + "data: {\u202ea: b}\n",
    HEAD.replace("name: a", "name: \u202ea"),
    HEAD.replace("name: a", "name: ../../etc/passwd"),
    HEAD.replace("name: a", "name: 'a\x1b[2J'"),
    HEAD.replace("name: a", 'name: "a\\e[2J"'),
    HEAD.replace("name: a", "name: 'a; DROP TABLE declared'"),
    HEAD.replace("name: a", "name: {a: b}"),
    HEAD.replace("{name: a}", "[name, a]"),
    HEAD.replace("v1", "[v1]"),
    HEAD.replace("ConfigMap", "{}"),
    "\ufeff\ufeff" + FINE,
    "\ufffe" + FINE,
    FINE.replace("\n", "\r"),
    FINE.replace("\n", "\u2028"),
    FINE.replace(" ", "\u00a0"),
    FINE.replace(" ", "\t"),
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "\\ud800"}}',
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"\\udc00": "x"}}',
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "\\ud800"}}',
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "\ud800"}}',
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "\\u0000"}}',
)
TAGS = (
    HEAD + "data: !!python/object/apply:os.system ['id']\n",
    HEAD + "data: {a: !!python/name:os.system }\n",
    HEAD + "data: {a: !!python/module:os }\n",
    HEAD + "data: {a: !!binary '////'}\n",
    HEAD + "data: {a: !!binary '" + "=" * 10_000 + "'}\n",
    HEAD + "data: {a: !!int abc}\n",
    HEAD + "data: {a: !!float abc}\n",
    HEAD + "data: {a: !!bool abc}\n",
    HEAD + "data: {a: !!null abc}\n",
    HEAD + "data: {a: !!timestamp 2026-99-99}\n",
    HEAD + "data: !!set {a, b}\n",
    HEAD + "data: !!omap [a: b, a: c]\n",
    HEAD + "data: !!map [a]\n",
    HEAD + "data: !!seq {a: b}\n",
    HEAD + "data: {a: !<tag:yaml.org,2002:js/function> 'x'}\n",
    HEAD + "data: {a: !" + "x" * 100_000 + " b}\n",
    "%TAG ! tag:example.org,2000:\n---\n" + FINE,
    "%YAML 9.9\n---\n" + FINE,
    HEAD + "data: {a: !!str &a *a}\n",
)
WITHIN = (
    rule("(" * 60_000),
    rule("resource.a" + " || resource.a" * 1000),
    rule("'" + "a" * 100_000 + "'"),
    rule("resource.a.matches('" + "(" * 1000 + "')"),
    rule("\x00"),
    script("while true do end"),
    script("x = " + "{" * 5000 + "}" * 5000),
    script("x = " + "-" * 100_000 + "1"),
    script("return " + "(" * 5000 + "1" + ")" * 5000),
    script("a" * 900_000),
    script("\x1bLua"),
    script("--[" + "=" * 100_000 + "["),
    script("local obj = " + "obj.a and " * 20_000 + "1"),
    script("function evaluate() " + "if obj.a then " * 5_000 + "end " * 5_000 + "end"),
    script("function evaluate() return {matching = " + "obj.metadata.labels.a and " * 3_000 + "true} end"),
    script("function evaluate() return " + "{matching = " * 150 + "true" + "}" * 150 + " end"),
    script("'" * 100_001),
    script("[[" * 50_000),
    HEAD.replace("}", ", annotations: {projectsveltos.io/instantiate: 'true'}}") + "data: {a: " + json.dumps("{{ if a }}" * 20_000) + "}\n",
    HEAD.replace("}", ", annotations: {projectsveltos.io/instantiate: 'true'}}") + "data: {a: " + json.dumps("{{" * 50_000) + "}\n",
    HEAD.replace("}", ", annotations: {projectsveltos.io/template: 'true'}}")
    + "data: {a: "
    + json.dumps("{{ " + "(" * 20_000 + " }}")
    + "}\n",
    PROFILE + "{clusterSelector: {matchExpressions: [" + "{key: a, operator: In, values: [b]}, " * 3_000 + "]}}\n",
    PROFILE + "{syncMode: " + "x" * 500_000 + "}\n",
    PROFILE + "{patches: [{patch: " + json.dumps("[" * 50_000) + "}]}\n",
)
CORPUS = (*ALIASES, *DEPTH, *SIZES, *NUMBERS, *LETTERS, *TAGS, *WITHIN)


def test_each_hostile_file_is_refused_with_its_place_or_taken_and_the_process_stays_small(in_a_process):
    assert len(set(CORPUS)) == len(CORPUS) >= 100
    said = in_a_process("text", CORPUS, first=[FINE], answer="value 1 documents")
    placed = [one for one in said if one.startswith("refused file.yaml:")]
    assert [one[:300] for one in said if one.startswith("refused") and one not in placed] == []
    assert len(placed) > 80
