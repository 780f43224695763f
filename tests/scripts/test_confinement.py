"""What a process that runs scripts has been left with (SEC-16)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.syscalls import filter_calls, program

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc and seccomp are Linux'")
filtered = pytest.mark.skipif(sys.platform != "linux" or os.uname().machine not in ("x86_64", "aarch64"), reason="there is no filter here")
FINE = "function evaluate() return {matching = true} end"

HARMLESS = (
    "import time; time.time(); time.monotonic(); time.process_time(); time.localtime()",
    "x = [bytearray(1 << 20) for _ in range(50)]; del x",
    "import resource; resource.setrlimit(resource.RLIMIT_CPU, (100, resource.RLIM_INFINITY))",
    "os.getrandom(8)",
    "os.read(0, 1)",
    "os.write(1, b'x')",
)
REFUSED = (
    "open('/etc/passwd')",
    "os.listdir('/')",
    "os.stat('/')",
    "import socket; socket.socket()",
    "os.kill(1, 0)",
    "os.execv('/bin/true', ['true'])",
    "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)",
    "import resource; resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))",
)
DEADLY = (
    "os.setuid(0)",
    "os.chmod('/', 0o777)",
    "os.unlink('/x')",
    "os.mkdir('/x')",
    "os.pipe()",
    "os.dup2(1, 9)",
    "os.memfd_create('x')",
    "ctypes.CDLL(None).ptrace(0, 0, 0, 0)",
    "ctypes.CDLL(None).mount(0, 0, 0, 0, 0)",
    "ctypes.CDLL(None).unshare(0)",
    "ctypes.CDLL(None).setns(0, 0)",
    "ctypes.CDLL(None).prctl(4, 1)",
    "ctypes.CDLL(None).setsid()",
)


def tried(statement: str) -> int:
    """How a process ends that puts the filter on itself and then does something: 0, 7 for a refusal, or a signal below zero."""
    code = f"""
import ctypes, os, sys
import mmap, resource, socket, time
libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)
from fleetd.scripts.syscalls import filter_calls
why = filter_calls()
if why:
    os._exit(9)
try:
    {statement}
except OSError:
    os._exit(7)
os._exit(0)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], input=b"x", capture_output=True, cwd=root, timeout=60, check=False)
    return done.returncode


@filtered
@pytest.mark.parametrize("statement", HARMLESS)
def test_what_scripts_need_is_allowed(statement: str) -> None:
    assert tried(statement) == 0


@filtered
@pytest.mark.parametrize("statement", REFUSED)
def test_what_a_library_may_try_is_refused(statement: str) -> None:
    assert tried(statement) == 7


@filtered
@pytest.mark.parametrize("statement", DEADLY)
def test_whatever_else_ends_the_process(statement: str) -> None:
    assert tried(statement) == -31


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_no_call_is_both_allowed_and_refused_and_the_rest_is_deadly(machine: str) -> None:
    code = program(machine)
    numbers = [operand for instruction, _, _, operand in code[4:] if instruction == 0x15 and operand < 0x1000]
    assert len([number for number in numbers if number]) == len({number for number in numbers if number})
    assert code[-1] == (0x06, 0, 0, 0x80000000)
    assert len(code) < 4096
    for place, (instruction, when, otherwise, _) in enumerate(code):
        assert instruction not in (0x15, 0x35, 0x45) or place + 1 + max(when, otherwise) < len(code)


def test_where_there_is_no_filter_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "riscv64" in filter_calls()


@linux
async def test_a_child_has_no_environment_no_files_no_rights_and_few_calls(pool: ScriptPool) -> None:
    assert await pool.evaluate(FINE, {}) == (True, "")
    for pid in pool.pids:
        place = Path("/proc") / str(pid)
        status = dict(line.split(":\t", 1) for line in (place / "status").read_text().splitlines() if ":\t" in line)
        limits = {line[:26].strip(): line[26:].split()[:2] for line in (place / "limits").read_text().splitlines()[1:]}
        assert status["NoNewPrivs"] == "1"
        assert status["Threads"] == "1"
        assert int(status["CapEff"], 16) == 0
        assert limits["Max processes"] == ["0", "0"]
        assert limits["Max open files"] == ["3", "3"]
        assert limits["Max file size"] == ["0", "0"]
        if os.uname().machine in ("x86_64", "aarch64"):
            assert status["Seccomp"] == "2"


@linux
async def test_a_child_inherits_nothing_that_the_daemon_holds_open(tmp_path: Path) -> None:
    held = [os.open(tmp_path / "secret", os.O_CREAT | os.O_RDWR), *(os.open(os.devnull, os.O_RDONLY) for _ in range(5))]
    for descriptor in held:
        os.set_inheritable(descriptor, True)
    try:
        async with ScriptPool() as pool:
            assert await pool.evaluate(FINE, {}) == (True, "")
            for pid in pool.pids:
                names = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
                assert len(names) == 3
                assert not any("secret" in name for name in names)
    finally:
        for descriptor in held:
            os.close(descriptor)
