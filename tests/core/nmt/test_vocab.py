"""Tokens to ids and back, the vocabulary's file, and how it is counted."""

import subprocess
import sys

import pytest

from core.nmt.errors import NmtError
from core.nmt.vocab import SPECIALS, ByteVocab, Vocab, count_tokens, select_tokens, write_vocab


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
        (b"a\nb\nc\n", "holds no <s> and no </s>: .*--check_special_token"),
        (b"a\n<s>\nc\n", "holds no </s>"),
        (b"", "holds no <s> and no </s>"),
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


def write_lines(path, *tokens):
    path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    return path


def test_specials_are_put_before_a_vocabulary_that_does_not_begin_with_them(tmp_path):
    path = write_lines(tmp_path / "vocab", "나", "너")
    vocab = Vocab.load(path, add_specials=True)
    assert vocab.tokens(range(5)) == [*SPECIALS, "나", "너"]
    assert vocab.ids(["너"]).tolist() == [4]
    assert (vocab.sos_id, vocab.eos_id) == (1, 2)
    assert path.read_text(encoding="utf-8") == "나\n너\n"


def test_a_vocabulary_that_begins_with_its_specials_stays_as_it_is(tmp_path):
    path = write_lines(tmp_path / "vocab", "<unk>", "<go>", "<stop>", "나")
    vocab = Vocab.load(path, sos="<go>", eos="<stop>", add_specials=True)
    assert len(vocab) == 4
    assert (vocab.sos_id, vocab.eos_id) == (1, 2)


def test_specials_elsewhere_in_the_file_are_no_second_time_there(tmp_path):
    path = write_lines(tmp_path / "vocab", *SPECIALS, "나")
    with pytest.raises(NmtError, match="holds '<unk>' twice"):
        Vocab.load(path, sos="<go>", eos="<stop>", add_specials=True)


def test_unchecked_specials_are_where_the_file_has_them(tmp_path):
    path = write_lines(tmp_path / "vocab", "가", "</s>", "나", "<s>")
    vocab = Vocab.load(path)
    assert (vocab.sos_id, vocab.eos_id) == (3, 1)
    assert vocab.ids(["나", "모름"]).tolist() == [2, 0]


def test_beginning_and_end_are_two_tokens():
    with pytest.raises(NmtError, match="--sos and --eos are both"):
        Vocab(SPECIALS, sos="<s>", eos="<s>")


def test_only_a_vocabulary_that_begins_with_the_specials_is_written(tmp_path):
    with pytest.raises(NmtError, match="begins with <unk>, <s>, </s>"):
        write_vocab(tmp_path / "vocab", ["a", *SPECIALS])
    assert not (tmp_path / "vocab").exists()


def test_a_spelt_token_is_its_bytes_between_marks():
    spelt = ByteVocab().ids(["a", "가"])
    assert spelt.shape == (2, 50)
    assert spelt.dtype == "int32"
    assert spelt[0].tolist() == [259, ord("a") + 1, 260] + [261] * 47
    assert spelt[1].tolist() == [259, 0xEA + 1, 0xB0 + 1, 0x80 + 1, 260] + [261] * 45
    assert spelt.max() < len(ByteVocab())


def test_a_long_token_is_cut_to_the_width():
    [spelt] = ByteVocab().ids(["x" * 60])
    assert spelt.tolist() == [259] + [ord("x") + 1] * 48 + [260]


def test_a_spelling_can_be_read_again():
    tokens = ["a", "가나", "🙂"]
    assert ByteVocab().tokens(ByteVocab().ids(tokens)) == tokens
    # 48 bytes are kept: of the last of 25 letters of two bytes each nothing, and half of none is shown.
    assert ByteVocab().tokens(ByteVocab().ids(["é" * 25, "x" + "é" * 25])) == ["é" * 24, "x" + "é" * 23]


def test_no_tokens_have_no_spelling():
    assert ByteVocab().ids([]).shape == (0, 50)
    assert ByteVocab().ids(["\ud800"])[0, 1] == ord("?") + 1


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


@pytest.mark.slow
def test_counting_needs_no_package():
    """bin/generate_vocab runs under any Python, outside the virtual environment too."""
    code = "import sys; sys.modules['numpy'] = None; import core.nmt.vocab"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
