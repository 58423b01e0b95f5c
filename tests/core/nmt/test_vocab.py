"""Tokens to ids and back, the vocabulary's file, and how it is counted."""

import subprocess
import sys

import pytest

from core.nmt.errors import NmtError
from core.nmt.vocab import SPECIALS, Vocab, count_tokens, select_tokens, write_vocab


def test_the_line_of_a_token_is_its_id():
    vocab = Vocab([*SPECIALS, "나", "너"])
    assert vocab.ids(["너", "나", "</s>"]).tolist() == [4, 3, 2]
    assert vocab.tokens([3, 0]) == ["나", "<unk>"]
    assert len(vocab) == 5
    assert "너" in vocab
    assert "우리" not in vocab


def test_unknown_tokens_have_the_id_of_unk():
    assert Vocab([*SPECIALS, "나"]).ids(["모름", "나"]).tolist() == [0, 3]


def test_no_tokens_have_no_ids():
    ids = Vocab(SPECIALS).ids([])
    assert ids.shape == (0,)
    assert ids.dtype == "int32"


def test_a_saved_vocabulary_is_loaded_with_its_order(tmp_path):
    tokens = [*SPECIALS, "▁하나", "ㅋ", "🙂", "a\x1db"]
    write_vocab(tmp_path / "vocab.req", tokens)
    assert Vocab.load(tmp_path / "vocab.req").tokens(range(7)) == tokens


def test_vocabularies_are_equal_when_their_tokens_and_order_are():
    assert Vocab([*SPECIALS, "a", "b"]) == Vocab([*SPECIALS, "a", "b"])
    assert Vocab([*SPECIALS, "a", "b"]) != Vocab([*SPECIALS, "b", "a"])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a\nb\nc\n", "begins with <unk>, <s>, </s>"),
        (b"", "begins with <unk>, <s>, </s>"),
        (b"<unk>\n<s>\n</s>\na\nb\na\n", "holds 'a' twice"),
        (b"<unk>\n<s>\n</s>\n\xff\n", "can't read"),
    ],
)
def test_a_vocabulary_that_cannot_be_used_is_refused_by_its_name(tmp_path, content, complaint):
    path = tmp_path / "vocab.req"
    path.write_bytes(content)
    with pytest.raises(NmtError, match=complaint) as caught:
        Vocab.load(path)
    assert str(path) in str(caught.value)


def test_a_missing_vocabulary_says_how_to_make_one(tmp_path):
    with pytest.raises(NmtError, match="bin/generate_vocab"):
        Vocab.load(tmp_path / "vocab.req")


def test_tokens_are_counted_over_all_lines_and_specials_are_not():
    counts = count_tokens(["a b  a\r\n", "\n", "b a </s> <s> <unk>\n"])
    assert counts == {"a": 3, "b": 2}


def test_a_delimiter_keeps_spaces_within_a_token():
    assert count_tokens(["new york,,paris\n"], delimiter=",") == {"new york": 1, "paris": 1}


def test_downcasing_counts_both_cases_as_one():
    assert count_tokens(["Ab aB <UNK>"], downcase=True) == {"ab": 2}


def test_tokens_are_ordered_by_falling_frequency_then_by_code_point():
    counts = count_tokens(["나 가 다 다", "b"])
    assert select_tokens(counts) == [*SPECIALS, "다", "b", "가", "나"]


def test_rare_tokens_and_those_beyond_the_size_are_left_out():
    counts = count_tokens(["a a a b b c"])
    assert select_tokens(counts, min_frequency=2) == [*SPECIALS, "a", "b"]
    assert select_tokens(counts, max_vocab_size=4) == [*SPECIALS, "a"]
    assert select_tokens(counts, max_vocab_size=3) == list(SPECIALS)
    with pytest.raises(NmtError, match="max_vocab_size is 2"):
        select_tokens(counts, max_vocab_size=2)


def test_counting_needs_no_package():
    """bin/generate_vocab runs under any Python, outside the virtual environment too."""
    code = "import sys; sys.modules['numpy'] = None; import core.nmt.vocab"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
