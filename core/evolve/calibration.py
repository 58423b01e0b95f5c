"""Where a version's calibration comes from: fitted anew, or its parent's."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.evolve.plan import Plan

# As `core.reply` names it, which reads it; this package and that one know only files of each other.
CALIBRATION = "calibration.json"


def inherit_calibration(plan: Plan, directory: Path) -> bool:
    """Give the run in `directory` its parent's calibration, where training went on from it; whether there was one.

    A few corrections change little of how sure an engine is, and to ask it hundreds of questions takes seconds that
    whoever corrected something is waiting for.
    """
    if plan.init_from is None:
        return False
    source = plan.init_from.parent / CALIBRATION
    if not source.is_file():
        return False
    shutil.copyfile(source, directory / CALIBRATION)
    return True
