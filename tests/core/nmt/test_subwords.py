"""Subwords back to words."""

import pytest

from core.nmt.subwords import answer_text, reference_text


@pytest.mark.parametrize(
    ("tokens", "option", "text"),
    [
        (["a", "b@@", "c"], "", "a b@@ c"),
        (["a", "b@@", "c@@", "d", "e"], "bpe", "a bcd e"),
        (["b@@"], "bpe", ""),  # the word never ends
        (["a", "@@", "b"], "bpe", "a b"),
        (["@", "a"], "bpe", "@ a"),
        ([], "bpe", ""),
        (["▁the", "▁c", "at", "▁sat"], "spm", "the cat sat"),
        (["c", "at", "▁sat"], "spm", "cat sat"),
        (["▁", "a", "▁"], "spm", "a"),
        ([], "spm", ""),
    ],
)
def test_an_answers_tokens_become_words(tokens, option, text):
    assert answer_text(tokens, option) == text


@pytest.mark.parametrize(
    ("line", "option", "text"),
    [
        (" a b@@ c\r\n", "", "a b@@ c"),
        ("a b@@ c@@ d e\n", "bpe", "a bcd e"),
        ("a b@@\n", "bpe", "a b@@"),
        ("▁the ▁c at ▁sat\n", "spm", "the cat sat"),
        ("▁a ▁\n", "spm", "a "),  # an answer would have lost the last space
        ("\n", "spm", ""),
    ],
)
def test_a_references_line_becomes_words(line, option, text):
    assert reference_text(line, option) == text
