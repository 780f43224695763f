"""What scripts return: a function `evaluate`, a table, and the field that is read of it in this place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleetd.decide.lint.given import Given
from fleetd.decide.lint.lua_code import Token, finding_at, readable_scripts, tokens_of
from fleetd.domain.documents import Document
from fleetd.domain.findings import Finding
from fleetd.domain.kinds.mistakes import Path, dotted

_RESULT_OF = {
    "evaluate": "matching",
    "aggregatedSelection": "resources",
    "aggregatedClassification": "matching",
    "condition": "pass",
    "script": "healthy",
    "evaluateHealth": "status",
}
_SHAPE_OF = {
    "evaluate": "{matching = true}",
    "aggregatedSelection": "{resources = {…}}",
    "aggregatedClassification": "{matching = true}",
    "condition": "{pass = true}",
    "script": "{healthy = true}",
    "evaluateHealth": '{resources = {{resource = r, status = "Healthy"}}}',
    "classificationLua": '{{namespace = "…", name = "…", kind = "SveltosCluster"}}',
}
_CONFUSED = frozenset({"matching", "match", "matches", "pass", "passed", "healthy", "health", "healthstatus", "status", "result"})
_ENDS_A_RETURN = frozenset({"end", ";", "else", "elseif", "until"})

_END = Token("word", "end", 0)


def check_lua_results(given: Given) -> Iterator[Finding]:
    """Scripts that define no `evaluate`, return no table, or set a field that is read elsewhere."""
    for document, path, script in readable_scripts(given):
        tokens = tokens_of(script)
        if tokens and not _defines_evaluate(tokens):
            wanted = _SHAPE_OF.get(str(path[-1]), "{resources = text}")
            message = f"{dotted(path)}: the script defines no function evaluate(), which is what is called"
            fix = f"write function evaluate() … return {wanted} end"
            yield finding_at(document, path, script, tokens[0].offset, {"code": "FD208", "message": message, "fix": fix})
        elif tokens:
            yield from _no_table(document, path, script, tokens)
            yield from _wrong_result(document, path, script, tokens)


def _defines_evaluate(tokens: Sequence[Token]) -> bool:
    words = [token.text for token in tokens]
    for place, word in enumerate(words):
        if word == "evaluate" and (words[place - 1] == "function" if place else False):
            # A local function is none that could be called from outside.
            return words[place - 2] != "local" if place > 1 else True
        if word == "evaluate" and words[place + 1 : place + 2] == ["="]:
            return True
        if word.strip("\"'") == "evaluate" and tokens[place].kind == "text":
            return True
    return False


def _no_table(document: Document, path: Path, script: str, tokens: Sequence[Token]) -> Iterator[Finding]:
    """`return true` and its like in `evaluate` itself: functions within it may return what they like."""
    shape = _SHAPE_OF.get(str(path[-1]))
    for place in _returns_of_evaluate(tokens):
        value, after = (*tokens[place + 1 : place + 3], _END, _END)[:2]
        nothing = value.text in _ENDS_A_RETURN
        plain = value.text in ("true", "false", "nil") or value.kind in ("text", "number")
        if nothing or (plain and after.text in _ENDS_A_RETURN):
            said = "nothing" if nothing else value.text
            message = f"{dotted(path)}: evaluate() returns {said}, and a table is asked for"
            fix = f"return {shape}" if shape else "return a table"
            yield finding_at(document, path, script, tokens[place].offset, {"code": "FD207", "message": message, "fix": fix})


def _returns_of_evaluate(tokens: Sequence[Token]) -> Iterator[int]:
    """Places of `return` that stand in the function `evaluate`, in no function within it."""
    blocks: list[str] = []
    for place, token in enumerate(tokens):
        if token.kind != "word":
            continue
        if token.text == "function":
            named = tokens[place + 1 : place + 2]
            before = tokens[max(0, place - 2) : place]
            own = [one.text for one in named] == ["evaluate"] or [one.text for one in before] == ["evaluate", "="]
            blocks.append("evaluate" if own else "function")
        elif token.text in ("if", "do", "repeat"):
            blocks.append(token.text)
        elif token.text in ("end", "until") and blocks:
            blocks.pop()
        elif token.text == "return":
            functions = [block for block in blocks if block in ("evaluate", "function")]
            if functions and functions[-1] == "evaluate":
                yield place


def _wrong_result(document: Document, path: Path, script: str, tokens: Sequence[Token]) -> Iterator[Finding]:
    wanted = _RESULT_OF.get(str(path[-1]))
    if wanted is None:
        return
    fields = [tokens[place] for place in _fields_set(tokens)]
    # Field names of results are read without regard to case.
    if any(_name(field).lower() == wanted for field in fields):
        return
    for field in fields:
        if _name(field).lower() in _CONFUSED:
            message = f"{dotted(path)}: the result is read from {wanted!r}, and the script sets {_name(field)!r}"
            offset = field.offset + (1 if field.kind == "text" else 0)
            fix = f"write {wanted} for {_name(field)}"
            yield finding_at(document, path, script, offset, {"code": "FD206", "message": message, "fix": fix})
            return


def _name(token: Token) -> str:
    return token.text.strip("\"'")


def _fields_set(tokens: Sequence[Token]) -> Iterator[int]:
    """Places of the names that a table's fields are given: `{name = …}`, `t.name = …`, `["name"] = …`."""
    depth: list[str] = []
    for place, token in enumerate(tokens):
        if token.text in "{(" and token.kind == "sign":
            depth.append(token.text)
        elif token.text in "})" and token.kind == "sign" and depth:
            depth.pop()
        texts = [one.text for one in tokens[place + 1 : place + 3]]
        before = tokens[place - 1].text if place else ""
        keyed = token.kind == "text" and before == "[" and texts == ["]", "="]
        named = token.kind == "word" and texts[:1] == ["="]
        if keyed or (named and (before == "." or (before in "{,;" and depth[-1:] == ["{"]))):
            yield place
