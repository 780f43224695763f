"""A filter on the system calls of this process (Linux, x86-64 and ARM64): what running scripts needs, and nothing else.

Classic BPF by hand, see seccomp(2). What is not listed ends the process, except for a few calls that a C library makes by the way
and does without: they are refused.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Mapping

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _THIRD_ARGUMENT = 0, 4, 16, 32
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_PROT_EXEC = 4
_X32 = 0x40000000

_X86: Mapping[str, int] = {
    "read": 0, "write": 1, "close": 3, "poll": 7, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13,
    "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25, "madvise": 28, "getpid": 39, "exit": 60,
    "gettimeofday": 96, "getrusage": 98, "times": 100, "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202,
    "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229, "exit_group": 231, "prlimit64": 302, "getrandom": 318,
    "rseq": 334,
}  # fmt: skip
_X86_REFUSED: Mapping[str, int] = {
    "open": 2, "stat": 4, "fstat": 5, "lstat": 6, "lseek": 8, "ioctl": 16, "access": 21, "pause": 34, "nanosleep": 35,
    "socket": 41, "fork": 57, "vfork": 58, "execve": 59, "kill": 62, "uname": 63, "fcntl": 72, "getcwd": 79, "readlink": 89,
    "sysinfo": 99, "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110, "sched_getaffinity": 204,
    "getdents64": 217, "tgkill": 234, "openat": 257, "newfstatat": 262, "statx": 332,
}  # fmt: skip
_ARM: Mapping[str, int] = {
    "close": 57, "read": 63, "write": 64, "ppoll": 73, "exit": 93, "exit_group": 94, "futex": 98, "clock_gettime": 113,
    "clock_getres": 114, "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134,
    "rt_sigprocmask": 135, "rt_sigreturn": 139, "times": 153, "getrusage": 165, "gettimeofday": 169, "getpid": 172, "gettid": 178,
    "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233, "prlimit64": 261, "getrandom": 278,
    "rseq": 293,
}  # fmt: skip
_ARM_REFUSED: Mapping[str, int] = {
    "getcwd": 17, "fcntl": 25, "ioctl": 29, "faccessat": 48, "openat": 56, "getdents64": 61, "lseek": 62, "readlinkat": 78,
    "newfstatat": 79, "fstat": 80, "nanosleep": 101, "sched_getaffinity": 123, "kill": 129, "tgkill": 131, "uname": 160,
    "getppid": 173, "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "sysinfo": 179, "socket": 198, "clone": 220,
    "execve": 221, "statx": 291,
}  # fmt: skip
_MACHINES: Mapping[str, tuple[int, Mapping[str, int], Mapping[str, int]]] = {
    "x86_64": (0xC000003E, _X86, _X86_REFUSED),
    "aarch64": (0xC00000B7, _ARM, _ARM_REFUSED),
}

Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def filter_calls() -> str:
    """Puts the filter on this thread, which must be the only one and may gain no privileges; why not, where it cannot be."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return f"there is no filter for {sys.platform} on {platform.machine()}"
    code = b"".join(struct.pack("<HBBI", *instruction) for instruction in program(platform.machine()))
    buffer = ctypes.create_string_buffer(code, len(code))
    given = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(given), 0, 0):
        return f"the kernel refuses it: {os.strerror(ctypes.get_errno())}"
    return ""


def program(machine: str) -> list[Instruction]:
    """The filter's instructions: code, jump if true, jump if false, operand."""
    architecture, allowed, refused = _MACHINES[machine]
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    # Memory may not be made executable.
    for name in ("mmap", "mprotect"):
        code += _examined(allowed[name], _THIRD_ARGUMENT, (_ANY_BIT, 0, 1, _PROT_EXEC))
    # Only this process' own limits.
    code += _examined(allowed["prlimit64"], _FIRST_ARGUMENT, (_EQUAL, 1, 0, 0))
    for name, number in allowed.items():
        if name not in ("mmap", "mprotect", "prlimit64"):
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for number in refused.values():
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    return [*code, (_RETURN, 0, 0, _KILL)]


def _examined(number: int, argument: int, refusing: Instruction) -> list[Instruction]:
    """A call that is refused where the test of its argument leads to the next instruction, and allowed where it skips one."""
    return [(_EQUAL, 0, 4, number), (_LOAD, 0, 0, argument), refusing, (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
