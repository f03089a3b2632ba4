"""A disk that does not answer, for a server on a machine whose disk is fine."""
import contextlib
import ctypes
import os
import pathlib

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


def name_of(task: pathlib.Path) -> str:
    """Of a thread; empty for one that ended meanwhile."""
    try:
        return (task / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@contextlib.contextmanager
def frozen_disk(pid: int):
    """The thread that writes the log stands still as if its disk did not answer; all others go on."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    threads = [int(task.name) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() if name_of(task) == "raft-log"]
    for thread in threads:
        if libc.ptrace(PTRACE_SEIZE, thread, None, None) != 0 or libc.ptrace(PTRACE_INTERRUPT, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
        os.waitpid(thread, 0x40000000)  # __WALL
    try:
        yield
    finally:
        for thread in threads:
            libc.ptrace(PTRACE_DETACH, thread, None, None)
