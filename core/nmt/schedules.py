"""The learning rate as a function of the step: warmup and decay, as tensorflow/nmt defines them, and cosine."""

from __future__ import annotations

import math

from core.nmt.hparams import HParams

# decay scheme -> (share of the training after which decay begins, how often the rate is halved)
LUONG_SCHEMES = {"luong5": (1 / 2, 5), "luong10": (1 / 2, 10), "luong234": (2 / 3, 4)}


def learning_rate(hparams: HParams, step: int) -> float:
    """The learning rate of the step `step` (0 is the first)."""
    return hparams.learning_rate * warmup_factor(hparams, step) * decay_factor(hparams, step)


def warmup_factor(hparams: HParams, step: int) -> float:
    """tensor2tensor's warmup: 0.01 at step 0, growing exponentially to 1 at `warmup_steps`."""
    if step >= hparams.warmup_steps:
        return 1.0
    return float(0.01 ** (1 - step / hparams.warmup_steps))


def decay_factor(hparams: HParams, step: int) -> float:
    """Luong's schemes halve the rate at even distances after their start; cosine falls after the warmup.

    Cosine: ½ (1 + cos πt), t from 0 to 1: Loshchilov and Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm
    Restarts", Eq. 5, without restarts.
    """
    total = hparams.num_train_steps
    if hparams.decay_scheme == "cosine":
        span = max(1, total - hparams.warmup_steps)
        done = min(1.0, max(0, step - hparams.warmup_steps) / span)
        return 0.5 * (1 + math.cos(math.pi * done))
    if hparams.decay_scheme in LUONG_SCHEMES:
        share, times = LUONG_SCHEMES[hparams.decay_scheme]
        start = int(total * share)
        interval = max(1, (total - start) // times)
        return float(0.5 ** ((step - start) // interval)) if step >= start else 1.0
    return 1.0
