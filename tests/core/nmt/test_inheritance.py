"""A model that begins with another's weights: what is known stays in its place, and what differs is refused."""

import numpy as np
import pytest

from core.nmt.checkpoints import Checkpoints
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.hparams_file import save_hparams
from core.nmt.inheritance import inherit
from core.nmt.model import Seq2Seq
from core.nmt.optimizers import SGD
from core.nmt.vocab import SPECIALS, Vocab

SMALL = HParams(num_units=4, num_layers=1, attention="luong")
OLD, NEW = Vocab([*SPECIALS, "가", "나"]), Vocab([*SPECIALS, "가", "나", "다"])


@pytest.fixture(scope="module")
def ancestor(tmp_path_factory):
    """The directory of a small model that was saved as the served one, and the model."""
    directory = tmp_path_factory.mktemp("ancestor")
    model = Seq2Seq(SMALL, len(OLD), len(OLD))
    save_hparams(SMALL, directory)
    for side in ("req", "rep"):
        OLD.save(directory / f"vocab.{side}")
    Checkpoints(directory, model, SGD()).save_best({"step": 1})
    return directory, model


def test_known_tokens_keep_their_rows_and_new_ones_begin_as_in_a_new_model(ancestor):
    directory, old = ancestor
    child, fresh = (Seq2Seq(HParams(num_units=4, num_layers=1, attention="luong", random_seed=1), 6, 6) for _ in "ab")
    inherit(child, (NEW, NEW), directory)
    for table in ("source_embedding", "target_embedding"):
        np.testing.assert_array_equal(getattr(child, table).table[:5], getattr(old, table).table)
        np.testing.assert_array_equal(getattr(child, table).table[5:], getattr(fresh, table).table[5:])
    np.testing.assert_array_equal(child.projection[:, :5], old.projection)
    np.testing.assert_array_equal(child.projection[:, 5:], fresh.projection[:, 5:])
    np.testing.assert_array_equal(child.decoder.attention_kernel, old.decoder.attention_kernel)


def test_another_shape_is_refused_with_what_differs(ancestor):
    wider = HParams(num_units=8, num_layers=1, attention="luong")
    with pytest.raises(NmtError, match=r"another shape: num_units 4 → 8$"):
        inherit(Seq2Seq(wider, 5, 5), (OLD, OLD), ancestor[0])


def test_a_vocabulary_that_moves_known_tokens_is_refused(ancestor):
    moved = Vocab([*SPECIALS, "나", "가", "다"])
    with pytest.raises(NmtError, match="our target vocabulary does not begin with the 5 tokens"):
        inherit(Seq2Seq(SMALL, 6, 6), (NEW, moved), ancestor[0])


def test_a_directory_without_a_model_is_refused(tmp_path):
    with pytest.raises(NmtError, match="no model in"):
        inherit(Seq2Seq(SMALL, 5, 5), (OLD, OLD), tmp_path)
