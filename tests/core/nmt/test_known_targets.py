"""The file of what may be said."""

import numpy as np
import pytest

from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.known_targets import known_targets_path, read_known_targets, write_known_targets
from core.nmt.vocab import SPECIALS, Vocab

HPARAMS = HParams(tgt="rep", known_targets=True)
VOCAB = Vocab([*SPECIALS, "네", "아니요"])


def test_each_sentence_is_written_once_in_the_order_in_which_it_came(tmp_path):
    path = known_targets_path(tmp_path, HPARAMS)
    write_known_targets(path, ["네", "아니요", "네"])
    assert path.name == "known.rep"
    assert path.read_text(encoding="utf-8") == "네\n아니요\n"


def test_what_the_vocabulary_can_not_say_is_left_out(tmp_path):
    write_known_targets(known_targets_path(tmp_path, HPARAMS), ["네 네", "", "글쎄", "아니요"])
    tree = read_known_targets(tmp_path, HPARAMS, VOCAB)
    _, first = tree.branches(np.array([0]))
    assert VOCAB.tokens(tree.tokens[first]) == ["네", "아니요"]
    assert tree.depth == 3


def test_without_the_flag_anything_may_be_said(tmp_path):
    assert read_known_targets(tmp_path, HParams(), VOCAB) is None


@pytest.mark.parametrize("content", [None, "글쎄\n"])
def test_nothing_to_say_is_an_error(tmp_path, content):
    path = known_targets_path(tmp_path, HPARAMS)
    if content:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(NmtError, match=r"known\.rep"):
        read_known_targets(tmp_path, HPARAMS, VOCAB)
