"""Start a command politely: with a lower priority, and never outliving the process that asked for it.

A program of its own, `python launch.py PARENT NICENESS COMMAND …`, since both are to be settled between fork and
exec, where a process with threads can't safely run Python. Nothing imports it.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent: int, niceness: int, command: list[str]) -> None:
    """Become `command`. On Linux the kernel kills it when `parent` dies; elsewhere only `parent` itself can."""
    os.nice(niceness)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
