"""A small model that NumPy covers, its variants, and random sentences for it."""

from dataclasses import replace

import numpy as np

from core.nmt.hparams import HParams
from core.nmt.search import Ends

ENDS = Ends(1, 2)
VOCAB = 30
HPARAMS = HParams(num_units=6, num_layers=2, encoder_type="bi", attention="scaled_luong", init_weight=1.2)


def sentences(seed, count):
    """Random ids without specials: so many sentences, of one to six tokens each."""
    generator = np.random.default_rng(seed)
    return [generator.integers(3, VOCAB, generator.integers(1, 7)).tolist() for _ in range(count)]


def variants(plain):
    """One of each kind of model that NumPy covers, by name; `plain` are the hyperparameters they have in common."""
    return {
        "scaled_luong": plain,
        "luong, both ways": replace(plain, attention="luong", encoder_type="bi", num_layers=4),
        "residual": replace(plain, residual=True),
        "residual, both ways": replace(plain, residual=True, encoder_type="bi", num_layers=4),
        "output of the cell, state not passed": replace(plain, output_attention=False, pass_hidden_state=False),
        "reversed source": replace(plain, source_reverse=True),
    }
