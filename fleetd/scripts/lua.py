"""Lua 5.1 in this process: only ever used inside a child, which may be killed."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import orjson

from fleetd.domain.errors import EvaluationFailed
from fleetd.scripts.dialect import LuaError, LuaMemoryError, new_runtime
from fleetd.scripts.library.calls import Failed, Table
from fleetd.scripts.library.offered import OFFERED
from fleetd.scripts.limits import ScriptLimits
from fleetd.scripts.places import CONTRACTS, Contract, Place, Result
from fleetd.scripts.shape import hint, shaped

_LARGEST = 2**63 - 1
_READS, _VISITS = 32, 20_000
"""How many fields read in vain are remembered of one run, and how many tables are looked through to name them."""
_BYTES_FOR_EACH = 10
"""Of Lua's memory, for each byte of JSON that it is given: the tables, and room to write as much."""
_COROUTINES = 100
"""How deep coroutines may be nested."""
_ABSENT = re.compile(
    r"global '(io|debug|package|load|loadstring|loadfile|dofile|getfenv|setfenv|module|newproxy|collectgarbage|python|ffi|jit|bit)'"
)
_ABSENT_IN_OS = re.compile(r"field '(exit|execute|remove|rename|tmpname|setlocale|setenv)'")
_TOO_EARLY = re.compile(r"global '(obj|resources|metrics)'")


class Lua:
    """One interpreter: scripts are kept compiled, each run has globals of its own."""

    def __init__(self, limits: ScriptLimits) -> None:
        self._limits = limits
        runtime = self._runtime = new_runtime(limits.lua_bytes)
        everything = runtime.globals()
        load = everything.loadstring
        bounds = runtime.table_from(
            {
                "text": limits.text_bytes, "result": limits.result_bytes, "values": limits.result_values,
                "depth": limits.result_depth, "reads": _READS, "visits": _VISITS, "coroutines": _COROUTINES,
            }
        )  # fmt: skip

        def loaded(name: str, *given: Any) -> Any:
            return load(_text(name), "=fleetd")(bounds, *given)

        marks = loaded("marks")
        self._new_list, self._with_nulls = marks.new_list, marks.with_nulls
        answers = loaded("answers", marks)
        modules = loaded("modules", answers, marks, runtime.table_from(sorted(OFFERED)), self._offered)
        environment = loaded("environment", modules, marks)
        engine = load(_text("run"), "=fleetd")(environment, answers, marks)
        self._keep, self._forget, self._run, self._watch = engine.keep, engine.forget, engine.run, engine.watch
        self._contracts = {place: self._table_of(contract) for place, contract in CONTRACTS.items()}
        for name in list(everything.keys()):
            # No script is given this table: it is emptied in case one should come upon it.
            del everything[name]

    def keep(self, key: str, script: str) -> None:
        """Compiles a script that `run` will name by this key; an error in it is told by `run`."""
        self._keep(key, script)

    def forget(self) -> None:
        """Forgets all scripts."""
        self._forget()

    def run(self, key: str, place: str, argument: bytes, begun: Callable[[], None]) -> Result:
        """Runs a kept script; whatever it does wrong is told by the result.

        Args:
            argument: JSON, see `Contract.given`.
            begun: called when the script itself begins.
        """
        where = Place(place)
        contract = CONTRACTS[where]
        if self._limits.lua_bytes:
            self._runtime.set_max_memory(self._limits.lua_bytes + _BYTES_FOR_EACH * len(argument))
        try:
            values = self._values(contract, argument)
            self._watch(values, len(argument))
            begun()
            answer = _decoded(self._run(key, self._contracts[where], values))
        except (LuaError, MemoryError, UnicodeError, RecursionError, orjson.JSONDecodeError) as error:
            return Result(error=_sentence(error))
        return self._result(contract, answer)

    def _result(self, contract: Contract, answer: dict[str, Any]) -> Result:
        missing = tuple(answer.get("missing", ()))
        if "error" in answer:
            return Result(error=_explained(answer["error"], contract, self._limits), line=answer["line"], missing=missing)
        value = answer["value"]
        try:
            shape = shaped(contract, value, self._limits.message_characters)
        except EvaluationFailed as error:
            return Result(error=str(error))
        names = list(value) if isinstance(value, dict) else []
        return Result(shape, missing=missing, hint=hint(contract, names, answer.get("others", ())))

    def _table_of(self, contract: Contract) -> Any:
        fields = {name.lower(): True for name in contract.result}
        what = {"names": fields, "first": contract.given[0], "verdict": contract.verdict, "listed": contract.listed}
        return self._runtime.table_from(what, recursive=True)

    def _values(self, contract: Contract, argument: bytes) -> Any:
        value = orjson.loads(argument)
        if b"null" in argument or b"[]" in argument:
            value = self._fitted(value)
        try:
            return self._runtime.table_from(contract.globals(value), recursive=True)
        except OverflowError:
            return self._runtime.table_from(contract.globals(self._fitted(value)), recursive=True)

    def _fitted(self, value: Any) -> Any:
        """Nulls are remembered beside the table, empty lists marked as lists, numbers beyond 63 bits floats as all of Lua's numbers are."""
        if isinstance(value, dict):
            mapping = {key: self._fitted(element) for key, element in value.items()}
            return self._remembering(mapping, [key for key, element in value.items() if element is None], is_list=False)
        if isinstance(value, list):
            elements = [self._fitted(element) for element in value] or self._new_list()
            return self._remembering(elements, [index for index, element in enumerate(value, 1) if element is None], is_list=True)
        if isinstance(value, int) and abs(value) > _LARGEST:
            return float(value)
        return value

    def _remembering(self, value: Any, nulls: list[Any], *, is_list: bool) -> Any:
        if not nulls:
            return value
        table_from = self._runtime.table_from
        return self._with_nulls(table_from(value, recursive=True), table_from(nulls), is_list)

    def _offered(self, name: str, arguments: str) -> tuple[Any, ...]:
        """Serves the modules of `modules.lua`: true and the values, or false and why not. Nothing may be raised into Lua."""
        try:
            values = OFFERED[name](_decoded(arguments, errors="surrogateescape"), self._limits.text_bytes)
            return (True, *(self._given(value) for value in values))
        except Failed as error:
            return False, _bytes(str(error))
        except Exception as error:  # noqa: BLE001  # what is raised would be an object of Python in a script's hands
            return False, type(error).__name__.encode()

    def _given(self, value: Any) -> Any:
        if isinstance(value, str):
            return _bytes(value)
        if isinstance(value, Table):
            fitted = self._fitted(value.content)
            return self._runtime.table_from(fitted, recursive=True) if isinstance(fitted, dict | list) else fitted
        return value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(name: str) -> str:
    return (files("fleetd.scripts") / "sandbox" / f"{name}.lua").read_text(encoding="utf-8")


def _sentence(error: BaseException) -> str:
    if isinstance(error, LuaMemoryError | MemoryError) or "not enough memory" in str(error):
        return "it used more memory than it may"
    if isinstance(error, RecursionError):
        return "the object is nested too deeply"
    return str(error) or type(error).__name__


def _explained(message: str, contract: Contract, limits: ScriptLimits) -> str:
    """The interpreter's message, and what the reader of it needs to know of this place."""
    message = message[: limits.message_characters]
    if message == "not enough memory":
        return f"it used more memory than it may ({limits.lua_bytes >> 20} MiB)"
    if message == "stack overflow":
        return "it calls itself too deeply (stack overflow)"
    if message.startswith("evaluate() returned"):
        return f"{message}; it must return {contract.example} here"
    if found := _ABSENT.search(message):
        return f"{message}: scripts have no {found[1]}"
    if found := _ABSENT_IN_OS.search(message):
        return f"{message}: of os, scripts have time, date, clock and difftime"
    if found := _TOO_EARLY.search(message):
        if found[1] in contract.given:
            return f"{message}: it is there when evaluate() runs, and not before"
        return f"{message}: here a script is given {' and '.join(contract.given)}"
    return message


def _decoded(text: str, errors: str = "replace") -> Any:
    value = orjson.loads(text)
    return _mended(value, errors) if "\\u00" in text else value


def _mended(value: Any, errors: str) -> Any:
    """Puts the bytes of texts together again, see `answers.lua`; what is no UTF-8 becomes U+FFFD."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("latin-1").decode("utf-8", errors)
    if isinstance(value, dict):
        return {_mended(key, errors): _mended(element, errors) for key, element in value.items()}
    if isinstance(value, list):
        return [_mended(element, errors) for element in value]
    return value
