"""Scores, against values worked out by hand."""

import math

import pytest

from core.nmt.errors import NmtError
from core.nmt.metrics import accuracy, bleu, check_names, word_accuracy


def words(*sentences):
    return [sentence.split() for sentence in sentences]


def test_bleu_is_the_geometric_mean_of_clipped_precisions():
    # "the" is there twice, but once in the reference: 6/7 words, 4/6 pairs, 2/5 triples, 1/4 quadruples.
    score = bleu(words("the cat sat on the mat today"), words("the cat sat on a mat today"))
    assert score == pytest.approx(100 * (6 / 7 * 4 / 6 * 2 / 5 * 1 / 4) ** 0.25)


def test_bleu_punishes_a_short_hypothesis_and_no_long_one():
    assert bleu(words("a b c d e"), words("a b c d e f g")) == pytest.approx(100 * math.exp(1 - 7 / 5))
    long = 100 * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25
    assert bleu(words("a b c d e f"), words("a b c d e")) == pytest.approx(long)


def test_bleu_pools_counts_and_lengths_over_the_corpus():
    # Matches 4+2 of 7 words, 3+1 of 5 pairs, 2+0 of 3 triples, 1 of 1; 7 words against 8.
    score = bleu(words("a b c d", "x y z"), words("a b c d", "x y q r"))
    assert score == pytest.approx(100 * (6 / 7 * 4 / 5 * 2 / 3 * 1) ** 0.25 * math.exp(1 - 8 / 7))


def test_bleu_of_the_references_themselves_is_100():
    assert bleu(words("a b c d", "e"), words("a b c d", "e")) == pytest.approx(100)


@pytest.mark.parametrize("hypothesis", ["", "a b c x", "x y"])
def test_bleu_without_four_words_in_a_row_is_0(hypothesis):
    assert bleu(words(hypothesis), words("a b c d")) == 0


def test_accuracy_counts_whole_sentences():
    assert accuracy(words("a b", "a b", "a", ""), words("a b", "b a", "a b", "")) == 50


def test_accuracy_does_not_mind_how_a_sentence_is_held():
    assert accuracy([("a", "b")], [["a", "b"]]) == 100


def test_word_accuracy_counts_places_and_the_longer_side():
    # 2 of 3, 1 of 4, 0 of 1: a word in another place does not count.
    score = word_accuracy(words("a b x", "a", "y"), words("a b c", "a b c d", "z"))
    assert score == pytest.approx(100 * (2 / 3 + 1 / 4 + 0) / 3)
    assert word_accuracy(words("b a"), words("a b")) == 0


def test_an_unequal_number_of_sentences_is_a_mistake():
    for metric in (bleu, accuracy, word_accuracy):
        with pytest.raises(ValueError, match=r"shorter|longer"):
            metric(words("a"), words("a", "b"))


def test_an_unknown_metric_is_refused_with_the_choices():
    check_names(["bleu", "accuracy", "word_accuracy"])
    with pytest.raises(NmtError, match=r"'rouge': choose from bleu, accuracy, word_accuracy"):
        check_names(["bleu", "rouge"])
