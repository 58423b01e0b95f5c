"""Scores, against values worked out by hand."""

import math
import subprocess
import sys

import pytest

from core.nmt.errors import NmtError
from core.nmt.hparams import METRIC_NAMES
from core.nmt.metrics import METRICS, accuracy, bleu, check_names, chrf, rouge, score, word_accuracy

# Words as a program cut them, and the same as two kinds of subwords.
REFERENCES = ["the cat sat on the mat today", "dogs bark", ""]
BPE = ["the c@@ at s@@ at on the m@@ at today", "d@@ o@@ gs bark", ""]
SPM = ["▁the ▁c at ▁s at ▁on ▁the ▁m at ▁today", "▁d o gs ▁ba rk", ""]
ANSWERS = ["the cat sat on a mat today", "bark dogs", ""]


def test_bleu_is_the_geometric_mean_of_clipped_precisions():
    # "the" is there twice, but once in the reference: 6/7 words, 4/6 pairs, 2/5 triples, 1/4 quadruples.
    score = bleu(["the cat sat on the mat today"], ["the cat sat on a mat today"])
    assert score == pytest.approx(100 * (6 / 7 * 4 / 6 * 2 / 5 * 1 / 4) ** 0.25)


def test_bleu_punishes_a_short_hypothesis_and_no_long_one():
    assert bleu(["a b c d e"], ["a b c d e f g"]) == pytest.approx(100 * math.exp(1 - 7 / 5))
    long = 100 * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25
    assert bleu(["a b c d e f"], ["a b c d e"]) == pytest.approx(long)


def test_bleu_pools_counts_and_lengths_over_the_corpus():
    # Matches 4+2 of 7 words, 3+1 of 5 pairs, 2+0 of 3 triples, 1 of 1; 7 words against 8.
    score = bleu(["a b c d", "x y z"], ["a b c d", "x y q r"])
    assert score == pytest.approx(100 * (6 / 7 * 4 / 5 * 2 / 3 * 1) ** 0.25 * math.exp(1 - 8 / 7))


def test_bleu_of_the_references_themselves_is_100():
    assert bleu(["a b c d", "e"], ["a b c d", "e"]) == pytest.approx(100)


@pytest.mark.parametrize("hypothesis", ["", "a b c x", "x y"])
def test_bleu_without_four_words_in_a_row_is_0(hypothesis):
    assert bleu([hypothesis], ["a b c d"]) == 0


def test_bleu_counts_an_empty_line_as_one_empty_word():
    # 4+1 of 5 words, 3 of 3 pairs, 2 of 2 triples, 1 of 1; 5 words against 5: the empty answers match.
    assert bleu(["a b c d", ""], ["a b c d", " "]) == pytest.approx(100)
    # Without a match: 4 of 5 words, 5 words against 6.
    short = 100 * (4 / 5) ** 0.25 * math.exp(1 - 6 / 5)
    assert bleu(["a b c d", ""], ["a b c d", "x y"]) == pytest.approx(short)


def test_bleu_sees_an_empty_word_between_two_spaces():
    # a, "", b, c, d, e against a b c d e: 5/6 words, 3/5 pairs, 2/4 triples, 1/3 quadruples.
    assert bleu(["a  b c d e"], ["a b c d e"]) == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)


def test_bleu_is_sacrebleus_on_ordinary_lines():
    from sacrebleu.metrics import BLEU

    hypotheses = ["a b c d e f", "c d e", "a a b c d e g g", "x"]
    references = ["a b c d f f", "c d e h", "b c d e a a g", "y z"]
    theirs = BLEU(tokenize="none", smooth_method="none", force=True).corpus_score(hypotheses, [references])
    assert 20 < bleu(hypotheses, references) == pytest.approx(theirs.score)


def test_rouge_is_the_mean_of_the_sentences_f_scores():
    # First: in both, in order, are "the cat on mat", 4 of 5 words against 4 of 8: P = 4/5, R = 1/2, β = P/R = 8/5,
    # F = (1 + β²)RP / (R + β²P) = 3.56 · 0.4 / (0.5 + 2.56 · 0.8) = 1.424 / 2.548.
    # Second: "b c" or "a b", 2 of 3 against 2 of 3: β = 1, F = 2/3. Third: nothing.
    hypotheses = ["the cat on my mat", "b c a", "x"]
    references = ["now the old cat sat on the mat", "a b c", "y"]
    assert rouge(hypotheses, references) == pytest.approx(100 * (1.424 / 2.548 + 2 / 3 + 0) / 3, rel=1e-9)


@pytest.mark.parametrize(("hypothesis", "reference", "expected"), [("a b", "a b", 100), ("", "", 100), ("", "a", 0)])
def test_rouge_of_a_sentence_that_is_its_reference_is_100_also_of_an_empty_one(hypothesis, reference, expected):
    assert rouge([hypothesis], [reference]) == pytest.approx(expected)


def test_accuracy_counts_whole_sentences():
    assert accuracy(["a b", "a b", "a", ""], ["a b ", "b a", "a b", ""]) == 50


def test_word_accuracy_counts_places_and_the_longer_side():
    # 2 of 3, 1 of 4, 0 of 1: a word in another place does not count.
    score = word_accuracy(["a b x", "a", "y"], ["a b c", "a b c d", "z"])
    assert score == pytest.approx(100 * (2 / 3 + 1 / 4 + 0) / 3)
    assert word_accuracy(["b a"], ["a b"]) == 0
    assert word_accuracy([""], [""]) == 100


def test_chrf_weighs_recall_twice_over_runs_of_letters():
    # "ab" in "abc": letters P = 1, R = 2/3; pairs P = 1, R = 1/2; triples are in the reference alone and don't count.
    # Means P = 1, R = 7/12; chrF2 = 5PR / (4P + R) = (35/12) / (55/12) = 7/11.
    assert chrf(["ab"], ["abc"]) == pytest.approx(100 * 7 / 11)


def test_an_unequal_number_of_sentences_is_a_mistake():
    for name in METRICS:
        with pytest.raises(NmtError, match="1 answers can't be scored against 2 references"):
            score(name, ["a"], ["a", "b"], "")


@pytest.mark.parametrize("name", ["bleu", "rouge", "chrf"])
def test_references_in_subwords_are_joined_before_they_are_compared(name):
    words = score(name, ANSWERS, REFERENCES, "")
    assert words > 10
    assert score(name, ANSWERS, BPE, "bpe") == words
    assert score(name, ANSWERS, SPM, "spm") == words
    assert score(name, ANSWERS, BPE, "") != words


@pytest.mark.parametrize(("name", "share"), [("accuracy", 1 / 3), ("word_accuracy", (3 / 10 + 0 + 1) / 3)])
def test_accuracies_compare_with_the_reference_as_it_stands(name, share):
    # The first three of ten tokens are the same.
    answers = ["the c@@ at cat", "bark dogs", ""]
    assert score(name, answers, BPE, "bpe") == pytest.approx(100 * share)


def test_the_configuration_knows_every_metric():
    assert tuple(METRICS) == METRIC_NAMES


def test_an_unknown_metric_is_refused_with_the_choices():
    check_names(METRIC_NAMES)
    with pytest.raises(NmtError, match=r"'meteor': choose from bleu, rouge, accuracy, word_accuracy, chrf"):
        check_names(["bleu", "meteor"])


@pytest.mark.slow
def test_nothing_but_chrf_needs_sacrebleu():
    program = "import sys, core.nmt.metrics as m; m.score('bleu', ['a'], ['a'], ''); print('sacrebleu' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
