"""Token files to batches: every pair once an epoch, in an order that the seed and the step alone decide."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from core.nmt.dataset import TrainingData, batch_arrays, pad, read_corpus, read_tokens
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.vocab import EOS_ID, SOS_ID, SPECIALS, ByteVocab, Vocab

LETTERS = "abcdefgh"
VOCAB = Vocab([*SPECIALS, *LETTERS])


@pytest.fixture
def read(tmp_path):
    """Write two files and read them as a corpus."""

    def make(sources, targets, training=True, **flags):
        for suffix, lines in (("req", sources), ("rep", targets)):
            (tmp_path / f"train.{suffix}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return read_corpus(tmp_path / "train", HParams(**flags), VOCAB, VOCAB, training=training)

    return make


def pairs_of(corpus):
    """The corpus as letters again."""
    return [
        tuple(
            "".join(VOCAB.tokens(ids[at[i] : at[i + 1]].tolist()))
            for ids, at in ((corpus.src, corpus.src_at), (corpus.tgt, corpus.tgt_at))
        )
        for i in range(len(corpus))
    ]


def test_line_n_of_one_file_belongs_to_line_n_of_the_other(read):
    assert pairs_of(read(["a b", "c", "d e f"], ["g", "h h", "a"])) == [("ab", "g"), ("c", "hh"), ("def", "a")]


def test_tokens_are_split_at_any_white_space(tmp_path):
    (tmp_path / "file").write_bytes("  가  나\t다\r\n\n라".encode())
    assert list(read_tokens(tmp_path / "file")) == [["가", "나", "다"], [], ["라"]]


def test_pairs_with_an_empty_side_are_skipped(read):
    assert pairs_of(read(["a", "", "c", "  ", "e"], ["b", "b", "", "", "f"])) == [("a", "b"), ("e", "f")]


def test_long_sentences_are_cut_for_training_and_read_whole_to_be_scored(read):
    flags = {"src_max_len": 2, "tgt_max_len": 3, "max_train": 1}
    files = (["a b c d", "a"], ["e f g h", "b"])
    assert pairs_of(read(*files, **flags)) == [("ab", "efg")]
    assert pairs_of(read(*files, **flags, training=False)) == [("abcd", "efgh"), ("a", "b")]
    assert pairs_of(read(*files, src_max_len=0, tgt_max_len=0)) == [("abcd", "efgh"), ("a", "b")]


def test_max_train_counts_pairs_that_are_used_and_still_sees_unequal_files(read):
    assert pairs_of(read(["", "a", "b", "c"], ["x", "a", "b", "c"], max_train=2)) == [("a", "a"), ("b", "b")]
    with pytest.raises(NmtError, match="more lines"):
        read(["a", "b", "c"], ["a", "b"], max_train=1)


def test_many_ids_are_kept_in_order(read):
    count = 3000  # more ids than the first array holds
    corpus = read(["a b c d e f g h " * 3] * count, ["h"] * count)
    assert len(corpus) == count
    assert len(corpus.src) == count * 24
    assert pairs_of(corpus)[-1] == (LETTERS * 3, "h")


@pytest.mark.parametrize(
    ("sources", "targets", "longer"), [(["a", "b"], ["a"], "train.req has"), (["a"], ["a", "b"], "train.rep has")]
)
def test_unequal_files_are_refused(read, sources, targets, longer):
    with pytest.raises(NmtError, match=f"{longer} more lines than .*: line N of one belongs to line N of the other"):
        read(sources, targets)


@pytest.mark.parametrize(("sources", "targets"), [([], []), (["", "a"], ["b", ""])])
def test_a_corpus_without_pairs_is_refused(read, sources, targets):
    with pytest.raises(NmtError, match="hold no pair with tokens on both sides: nothing to learn from"):
        read(sources, targets)


@pytest.mark.parametrize("missing", ["train.req", "train.rep"])
def test_a_missing_file_is_named(read, tmp_path, missing):
    read(["a"], ["b"])
    (tmp_path / missing).unlink()
    with pytest.raises(NmtError, match=rf"no file .*{missing}: check the flag that names it"):
        read_corpus(tmp_path / "train", HParams(), VOCAB, VOCAB, training=True)


def test_a_file_that_is_no_text_is_refused(read, tmp_path):
    read(["a"], ["b"])
    (tmp_path / "train.rep").write_bytes(b"\xff\xfe\n")
    with pytest.raises(NmtError, match=r"can't read .*train\.rep"):
        read_corpus(tmp_path / "train", HParams(), VOCAB, VOCAB, training=True)


def test_padding_is_the_end_token_and_lengths_say_where_it_begins():
    padded, lengths = pad([np.array([5, 6, 7], np.int32), np.array([8], np.int32), np.array([], np.int32)])
    assert padded.tolist() == [[5, 6, 7], [8, EOS_ID, EOS_ID], [EOS_ID] * 3]
    assert lengths.tolist() == [3, 1, 0]
    assert pad([np.array([], np.int32)])[0].shape == (1, 1)
    assert pad([])[0].shape == (0, 1)


def test_targets_go_in_after_the_start_and_come_out_before_the_end():
    rows = [np.array([5, 6], np.int32), np.array([7], np.int32)]
    src, src_lengths, tgt_in, tgt_out, tgt_lengths = batch_arrays(rows[::-1], rows)
    assert src.tolist() == [[7, EOS_ID], [5, 6]]
    assert src_lengths.tolist() == [1, 2]
    assert tgt_in.tolist() == [[SOS_ID, 5, 6], [SOS_ID, 7, EOS_ID]]
    assert tgt_out.tolist() == [[5, 6, EOS_ID], [7, EOS_ID, EOS_ID]]
    assert tgt_lengths.tolist() == [3, 2]
    assert {array.dtype.name for array in (src, src_lengths, tgt_in, tgt_out, tgt_lengths)} == {"int32"}


FLAGS = {"batch_size": 4, "num_buckets": 3, "src_max_len": 6}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, pairs_maker, pairs_writer):
    """23 pairs; targets are up to two tokens longer than the longest source."""
    directory = tmp_path_factory.mktemp("pairs")
    pairs_writer(directory, "train", pairs_maker(23, seed=5, longest=6, target=lambda s: (*s, "a", "b")))
    return read_corpus(directory / "train", HParams(src_max_len=6), VOCAB, VOCAB, training=True)


def rows_of(batch):
    """A batch's pairs as letters, without padding."""
    src, src_lengths, _, tgt_out, tgt_lengths = batch
    return [
        ("".join(VOCAB.tokens(src[b, : src_lengths[b]])), "".join(VOCAB.tokens(tgt_out[b, : tgt_lengths[b] - 1])))
        for b in range(len(src))
    ]


def batches(data, start, count):
    return [rows_of(batch) for batch in islice(data.batches_from(start), count)]


@pytest.fixture(scope="module")
def data(corpus):
    return TrainingData(corpus, HParams(**FLAGS))


@pytest.fixture(scope="module")
def two_epochs(data):
    return batches(data, 0, 2 * data.batches_per_epoch)


def test_every_epoch_has_every_pair_once_each_time_in_another_order(corpus, data, two_epochs):
    first, second = two_epochs[: data.batches_per_epoch], two_epochs[data.batches_per_epoch :]
    for epoch in (first, second):
        assert Counter(pair for batch in epoch for pair in batch) == Counter(pairs_of(corpus))
    assert first != second


def test_the_order_depends_on_the_seed_alone(corpus, two_epochs):
    def order(seed):
        return batches(TrainingData(corpus, HParams(**FLAGS, random_seed=seed)), 0, len(two_epochs))

    assert order(0) == two_epochs
    assert order(1) != two_epochs


def test_batches_of_all_lengths_are_mixed(data, two_epochs):
    # Else a model would learn short sentences first and long ones last, every epoch again.
    longest = [max(len(source) for source, _ in batch) for batch in two_epochs[: data.batches_per_epoch]]
    assert longest not in (sorted(longest), sorted(longest, reverse=True))


def test_going_on_from_a_step_is_skipping_those_before_it(data, two_epochs):
    for step in (1, data.batches_per_epoch, data.batches_per_epoch + 2):
        assert batches(data, step, 3) == two_epochs[step : step + 3]


def test_pairs_of_like_length_train_together(two_epochs):
    # Three buckets of two tokens each up to src_max_len 6; the longer side decides, and the last takes what is longer.
    for batch in two_epochs:
        assert len({min(max(map(len, pair)) // 2, 2) for pair in batch}) == 1
        assert len(batch) <= 4


def test_within_a_bucket_targets_grow_and_sources_grow_and_shrink_in_turn(read):
    lengths = [(1, 1), (3, 1), (2, 2), (1, 2), (3, 3), (1, 3), (2, 1), (3, 2), (2, 3)]  # of source and target
    corpus = read([" ".join("a" * s) for s, _ in lengths], [" ".join("b" * t) for _, t in lengths])
    data = TrainingData(corpus, HParams(batch_size=3, num_buckets=2))
    found = {tuple((len(s), len(t)) for s, t in batch) for batch in batches(data, 0, 3)}
    assert found == {((3, 1), (2, 1), (1, 1)), ((1, 2), (2, 2), (3, 2)), ((3, 3), (2, 3), (1, 3))}


def test_with_one_bucket_batches_are_drawn_from_all_lengths(corpus):
    data = TrainingData(corpus, HParams(batch_size=4, num_buckets=1))
    spreads = [
        max(len(target) for _, target in batch) - min(len(target) for _, target in batch)
        for batch in batches(data, 0, 6)
    ]
    assert max(spreads) > 2


def test_one_bucket_fills_every_batch_but_one(corpus):
    data = TrainingData(corpus, HParams(batch_size=4, num_buckets=1))
    assert data.batches_per_epoch == 6
    assert sorted(len(batch) for batch in batches(data, 0, 6)) == [3, 4, 4, 4, 4, 4]


def test_a_training_batch_is_padded_as_one_that_is_scored(data):
    for batch in islice(data.batches_from(0), data.batches_per_epoch):
        sides = zip(*rows_of(batch), strict=True)
        expected = batch_arrays(*([VOCAB.ids(row) for row in side] for side in sides))
        for actual, wanted in zip(batch, expected, strict=True):
            assert actual.dtype == wanted.dtype
            assert actual.tolist() == wanted.tolist()


def test_a_corpus_without_a_length_limit_has_buckets_too(read):
    corpus = read(["a", "a b c d e f g h", "a b"], ["b", "a", "a"])
    data = TrainingData(corpus, HParams(src_max_len=0, num_buckets=2, batch_size=2))
    found = batches(data, 0, data.batches_per_epoch)
    assert sorted(sorted(batch) for batch in found) == [[("a", "b"), ("ab", "a")], [("abcdefgh", "a")]]


def test_other_end_tokens_have_the_ids_that_they_are_given(corpus):
    data = TrainingData(corpus, HParams(**FLAGS), sos_id=7, eos_id=9)
    _, _, tgt_in, tgt_out, tgt_lengths = next(data.batches_from(0))
    assert (tgt_in[:, 0] == 7).all()
    assert [tgt_out[b, n - 1] for b, n in enumerate(tgt_lengths)] == [9] * len(tgt_lengths)
    expected = batch_arrays([np.array([5])], [np.array([6])], sos_id=7, eos_id=9)
    assert [array.tolist() for array in expected] == [[[5]], [1], [[7, 6]], [[6, 9]], [2]]


def test_a_language_model_reads_the_target_side_alone(read, tmp_path):
    read(["a"], ["b c"])
    (tmp_path / "train.req").unlink()
    corpus = read_corpus(tmp_path / "train", HParams(language_model=True), VOCAB, VOCAB, training=True)
    assert pairs_of(corpus) == [("bc", "bc")]


@pytest.fixture
def spelt(read, tmp_path):
    read(["a 가나 a", "가나"], ["b", "c d"])
    return read_corpus(tmp_path / "train", HParams(use_char_encode=True), ByteVocab(), VOCAB, training=True)


def test_spelt_tokens_are_kept_once(spelt):
    assert spelt.spelling.tolist() == ByteVocab().ids(["a", "가나"]).tolist()
    assert spelt.src.tolist() == [0, 1, 0, 1]
    assert [source.tolist() for source in spelt.sources()] == [
        ByteVocab().ids(tokens).tolist() for tokens in (["a", "가나", "a"], ["가나"])
    ]


def test_a_batch_of_spelt_tokens_has_their_letters(spelt):
    data = TrainingData(spelt, HParams(batch_size=2, num_buckets=1))
    src, src_lengths, _, tgt_out, _ = next(data.batches_from(0))
    assert src.shape == (2, 3, 50)
    long, short = np.argsort(-src_lengths)
    assert src[long].tolist() == ByteVocab().ids(["a", "가나", "a"]).tolist()
    assert src[short, :1].tolist() == ByteVocab().ids(["가나"]).tolist()
    assert VOCAB.tokens(tgt_out[short]) == ["c", "d", "</s>"]


def test_scored_rows_of_spelt_tokens_are_padded_whole(spelt):
    padded, lengths = pad(spelt.sources())
    assert padded.shape == (2, 3, 50)
    assert lengths.tolist() == [3, 1]
    assert padded[1, 0].tolist() == ByteVocab().ids(["가나"])[0].tolist()
