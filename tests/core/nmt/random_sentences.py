"""A small model that NumPy covers, and random sentences for it."""

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
