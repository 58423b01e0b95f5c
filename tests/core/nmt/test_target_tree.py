"""A prefix tree: every sentence is a way through it, and no other way is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.nmt.errors import NmtError
from core.nmt.target_tree import ROOT, TargetTree

EOS = 2


def ways(tree, node=ROOT):
    """All ways from a node to an end, as tokens."""
    _, numbers = tree.branches(np.array([node]))
    for number in numbers:
        token = int(tree.tokens[number])
        rests = ways(tree, number + 1) if token != EOS else [()]
        yield from ((token, *rest) for rest in rests)


def test_sentences_share_their_beginning():
    tree = TargetTree([[5, 6], [5, 7], [5, 6]], EOS)
    assert tree.tokens.tolist() == [5, 6, 7, EOS, EOS]
    assert tree.first.tolist() == [0, 1, 3, 4, 5, 5, 5]
    assert tree.depth == 3


def test_branches_of_several_nodes_tell_whose_they_are():
    tree = TargetTree([[5, 6], [5, 7], [4]], EOS)
    leaves, numbers = tree.branches(np.array([2, ROOT, 3]))
    assert leaves.tolist() == [0, 0, 1, 1]
    assert tree.tokens[numbers].tolist() == [6, 7, 4, 5]


@given(st.lists(st.lists(st.integers(3, 6), max_size=4), min_size=1, max_size=12))
def test_the_ways_are_the_sentences(sentences):
    tree = TargetTree(sentences, EOS)
    assert sorted(ways(tree)) == sorted({(*sentence, EOS) for sentence in sentences})
    assert all(sentence in tree for sentence in sentences)


@given(
    st.lists(st.lists(st.integers(3, 5), max_size=3), min_size=1, max_size=4), st.lists(st.integers(3, 6), max_size=4)
)
def test_a_tree_holds_its_sentences_and_no_other(sentences, asked):
    assert (asked in TargetTree(sentences, EOS)) == (asked in sentences)


def test_no_sentence_is_no_tree():
    with pytest.raises(NmtError, match="no sentence"):
        TargetTree([], EOS)
