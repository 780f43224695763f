"""Runs a kubeconfig's exec plugin: bounded in time and output, and killed with its children afterwards.

kubernetes-asyncio's own runner has no time limit, writes client keys into temporary files, and puts what the program
says on its error output, where tokens may be, into the error.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from fleetd.cluster.kubeconfig import ExecPlugin
from fleetd.domain.errors import Unreachable

LONGEST_OUTPUT = 1024 * 1024
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "USER", "SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY")
KEPT_PREFIXES = ("AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "XDG_")


async def run_plugin(plugin: ExecPlugin, seconds: float) -> Mapping[str, Any]:
    """The `status` of the ExecCredential that the program prints.

    Raises:
        Unreachable: it failed, took too long, or printed something else. The text never repeats what it printed.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.args,
            env=_environment(plugin),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as problem:
        raise Unreachable(f"the program {plugin.command!r} cannot be started ({problem.strerror or type(problem).__name__})") from None
    try:
        async with asyncio.timeout(seconds):
            output = await _output(process, plugin.command)
            code = await process.wait()
    except TimeoutError:
        raise Unreachable(f"the program {plugin.command!r} gave no credentials within {seconds:g} s") from None
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if code != 0:
        raise Unreachable(f"the program {plugin.command!r} ended with {code}: run it by hand to see why")
    return _status(output, plugin)


def _environment(plugin: ExecPlugin) -> dict[str, str]:
    # Not the whole environment: fleetd's own secrets (the master key, database passwords) may be in it.
    kept = {name: value for name, value in os.environ.items() if name in KEPT_ENVIRONMENT or name.startswith(KEPT_PREFIXES)}
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
    return {**kept, **plugin.env, "KUBERNETES_EXEC_INFO": orjson.dumps(info).decode()}


async def _output(process: asyncio.subprocess.Process, command: str) -> bytes:
    if process.stdout is None:
        return b""
    pieces = bytearray()
    while piece := await process.stdout.read(65536):
        pieces += piece
        if len(pieces) > LONGEST_OUTPUT:
            raise Unreachable(f"the program {command!r} printed more than {LONGEST_OUTPUT} bytes")
    return bytes(pieces)


def _status(output: bytes, plugin: ExecPlugin) -> Mapping[str, Any]:
    try:
        document = orjson.loads(output)
    except orjson.JSONDecodeError:
        document = None
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(status, dict) or document.get("apiVersion") != plugin.api_version:
        raise Unreachable(f"the program {plugin.command!r} printed no ExecCredential of {plugin.api_version}")
    return status
