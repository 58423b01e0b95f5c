"""How a training leaves the processor and the disk to the server: the priority of this process and its children.

`nice` alone does not do it. Where the kernel groups processes by session (``sched_autogroup_enabled``), it weighs
them within their own group only, and the engine runs in a session, and so a group, of its own.
"""

import contextlib
import os
import sys
from pathlib import Path

LEVELS = ("idle", "low", "normal")

_NICENESS = 19
_AUTOGROUP = Path("/proc/self/autogroup")


def step_aside(level: str) -> None:
    """Give this process, and what it starts from now on, one of `LEVELS`.

    ``idle`` takes the processor only where nobody else wants it, ``low`` takes little of it, ``normal`` its share.
    What the system does not offer, or does not allow, is left as it is: the training then only is less polite.
    """
    if level == "normal":
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE if level == "idle" else os.SCHED_BATCH, os.sched_param(0))


def lower_group() -> None:
    """Let the whole session of this process come after the others, where the kernel groups by session."""
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(_NICENESS), encoding="ascii")
