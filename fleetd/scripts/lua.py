"""Lua 5.1 in this process: only ever used inside a child, which may be killed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import orjson
from lupa import lua51

from fleetd.domain.errors import EvaluationFailed
from fleetd.scripts.limits import ScriptLimits
from fleetd.scripts.places import Contract
from fleetd.scripts.shape import shaped

_LARGEST = 2**63 - 1


class Lua:
    """One interpreter: scripts are kept compiled, each run has globals of its own."""

    def __init__(self, limits: ScriptLimits) -> None:
        self._limits = limits
        self._begin()

    def _begin(self) -> None:
        self._runtime = lua51.LuaRuntime(
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_no_attribute,
            max_memory=self._limits.lua_bytes,
        )
        limits = self._runtime.table_from(
            {"text": self._limits.text_bytes, "result": self._limits.result_bytes, "depth": self._limits.result_depth}
        )
        everything = self._runtime.globals()
        load = everything.loadstring
        answers = load(_text("answers"), "=fleetd")(limits)
        environment = load(_text("environment"), "=fleetd")(limits, load(_text("modules"), "=fleetd")(limits))
        engine = load(_text("run"), "=fleetd")(environment, answers)
        self._keep, self._forget, self._run, self._new_list = engine.keep, engine.forget, engine.run, engine.new_list
        for name in list(everything.keys()):
            # No script is given this table: it is emptied in case one should come upon it.
            del everything[name]

    def keep(self, key: str, script: str) -> None:
        """Compiles a script that `run` will name by this key; an error in it is told by `run`."""
        self._keep(key, script)

    def forget(self) -> None:
        """Forgets all scripts."""
        self._forget()

    def run(self, key: str, contract: Contract, argument: bytes, begun: Callable[[], None]) -> Any:
        """Runs a kept script.

        Args:
            argument: JSON, see `Contract.given`.
            begun: called when the script itself begins.

        Raises:
            EvaluationFailed: what the script did wrong; with the line where it is known.
        """
        try:
            values = self._table(contract, argument)
            names = self._runtime.table_from(contract.given)
            begun()
            answer = self._run(key, contract.modules, names, values[contract.given[0]], values)
        except (lua51.LuaError, MemoryError, UnicodeDecodeError, RecursionError) as error:
            raise EvaluationFailed(_sentence(error)) from error
        if isinstance(answer, tuple):
            _, message, line = answer
            raise EvaluationFailed(message, line=int(line))
        return shaped(contract, _decoded(answer))

    def _table(self, contract: Contract, argument: bytes) -> Any:
        value = orjson.loads(argument)
        if b"null" in argument or b"[]" in argument:
            value = _fitted(value, self._new_list)
        try:
            return self._runtime.table_from(contract.globals(value), recursive=True)
        except OverflowError:
            return self._runtime.table_from(contract.globals(_fitted(value, self._new_list)), recursive=True)


def _no_attribute(_owner: object, _name: object, _setting: bool) -> object:
    raise AttributeError("not reachable")


def _text(name: str) -> str:
    return (files("fleetd.scripts") / "sandbox" / f"{name}.lua").read_text(encoding="utf-8")


def _sentence(error: BaseException) -> str:
    if isinstance(error, lua51.LuaMemoryError | MemoryError):
        return "it used more memory than it may"
    if isinstance(error, RecursionError):
        return "the object is nested too deeply"
    return str(error) or type(error).__name__


def _fitted(value: Any, new_list: Callable[[], Any]) -> Any:
    """Nulls are absent, empty lists marked as lists, numbers beyond 63 bits floats as all of Lua's numbers are."""
    if isinstance(value, dict):
        return {key: _fitted(element, new_list) for key, element in value.items() if element is not None}
    if isinstance(value, list):
        return [_fitted(element, new_list) for element in value if element is not None] or new_list()
    if isinstance(value, int) and abs(value) > _LARGEST:
        return float(value)
    return value


def _decoded(text: str) -> Any:
    value = orjson.loads(text)
    return _mended(value) if "\\u00" in text else value


def _mended(value: Any) -> Any:
    """Puts the bytes of texts together again, see `answers.lua`; what is no UTF-8 becomes U+FFFD."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("latin-1").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_mended(key): _mended(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_mended(element) for element in value]
    return value
