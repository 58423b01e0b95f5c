"""Where a version's calibration comes from: fitted anew, or its parent's."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.evolve.plan import Plan
from core.nmt.hparams import flag_fields
from core.nmt.hparams_file import load_hparams
from core.nmt.hyperparameter import Role

# As `core.reply` names it, which reads it; this package and that one know only files of each other.
CALIBRATION = "calibration.json"

# These follow the corpus, and change no answer that is known.
_BOUNDS = {"src_max_len_infer", "tgt_max_len_infer", "infer_batch_size"}


def inherit_calibration(plan: Plan, directory: Path) -> bool:
    """Give the run in `directory` its parent's calibration, where training went on from it; whether there was one.

    A few corrections change little of how sure an engine is, and to ask it hundreds of questions takes seconds that
    whoever corrected something is waiting for. Another search than the parent's finds other scores: it has none of it.
    """
    if plan.init_from is None:
        return False
    source = plan.init_from.parent / CALIBRATION
    if not source.is_file() or _search(plan.init_from) != _search(directory / "model"):
        return False
    shutil.copyfile(source, directory / CALIBRATION)
    return True


def _search(model_dir: Path) -> list[object]:
    """How the model of a directory searches for its answers."""
    hparams = load_hparams(model_dir)
    fields = (spec for spec in flag_fields() if spec.metadata["role"] is Role.DECODING)
    return [getattr(hparams, spec.name) for spec in fields if spec.name not in _BOUNDS]
