"""Ties a child process to its supervisor: ``python leash.py <how> <number> <program> [arguments]``.

The supervisor starts this small script instead of the program; it arranges that the program dies when the supervisor
does, even by SIGKILL, and becomes the program (exec, same process id). It runs before the exec in a fresh
interpreter, where ctypes and fork are safe; the same calls between fork and exec in the supervisor (``preexec_fn``)
could deadlock, because the supervisor has threads. Only the standard library, and little of it: it costs some 10 ms.

- ``prctl <pid of the supervisor>``, Linux: the kernel sends SIGKILL when the *thread* that started the child ends.
- ``pipe <descriptor>``, elsewhere: a watcher process reads a pipe whose other end only the supervisor holds, and sends
  SIGKILL when that closes. It stays in the child's process group, which the supervisor clears when the child ends.
"""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tie_by_prctl(supervisor: int) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != supervisor:  # it died before the line above
        os._exit(1)


def tie_by_pipe(descriptor: int) -> None:
    program = os.getpid()
    if os.fork() != 0:
        os.close(descriptor)
        os.wait()  # for the process in between, so that the program starts without children
        return
    if os.fork() != 0:
        os._exit(0)
    # Do not hold the program's output open: its reader must see the end when the program ends.
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.read(descriptor, 1)
    os.kill(program, signal.SIGKILL)
    os._exit(0)


def main() -> None:
    how, number, *argv = sys.argv[1:]
    if how == "prctl":
        tie_by_prctl(int(number))
    else:
        tie_by_pipe(int(number))
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.exit(f"cannot start {argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
