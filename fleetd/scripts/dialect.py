"""Which Lua: LuaJIT's interpreter, because it has `goto` as gopher-lua has; plain Lua 5.1 where it was not built.

Machine code is never made: it could not be interrupted, and memory would have to be executable.
"""

from __future__ import annotations

from typing import Any

try:
    from lupa import luajit21 as lua
except ImportError:
    from lupa import lua51 as lua

LuaError: type[Exception] = lua.LuaError
LuaMemoryError: type[Exception] = lua.LuaMemoryError


def new_runtime(memory: int = 0) -> Any:
    """An interpreter that knows nothing of Python; `memory` is what it may hold in bytes, 0 for any."""
    runtime = lua.LuaRuntime(
        register_eval=False,
        register_builtins=False,
        unpack_returned_tuples=True,
        attribute_filter=_no_attribute,
        max_memory=memory or None,
    )
    jit = runtime.globals().jit
    if jit is not None:
        jit.off()
    return runtime


def _no_attribute(_owner: object, _name: object, _setting: bool) -> object:
    raise AttributeError("not reachable")
