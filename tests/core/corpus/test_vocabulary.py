import pytest

from core.corpus import CorpusError, CorpusSettings
from core.corpus.vocabulary import choose_tokens, grow_tokens, rank_tokens

SENTENCES = [["▁나", "는"], ["▁나", "도", "▁학교"], ["▁학교", "도"], ["▁나", "랑"]]


def test_frequent_morphemes_and_all_characters_are_known():
    assert choose_tokens(SENTENCES, CorpusSettings(min_frequency=3)) == {"▁나", *"▁나는도학교랑"}


def test_a_full_vocabulary_keeps_the_most_frequent_morphemes():
    # 3 specials and 7 characters leave room for one of ▁나 (3 times) and ▁학교 (twice)
    assert choose_tokens(SENTENCES, CorpusSettings(min_frequency=1, max_vocab_size=11)) == {"▁나", *"▁나는도학교랑"}
    assert "▁나" not in choose_tokens(SENTENCES, CorpusSettings(min_frequency=1, max_vocab_size=10))


def test_a_vocabulary_too_small_for_the_characters_is_refused():
    with pytest.raises(CorpusError, match="need 10: raise it"):
        choose_tokens(SENTENCES, CorpusSettings(max_vocab_size=9))


def test_the_vocabulary_is_ranked_by_what_the_model_will_see():
    spelt = [["▁나", "는"], ["▁나", "도", "▁", "학", "교"]]
    known = {"▁나", "나", *"▁는도학교"}
    assert rank_tokens(spelt, known) == ["<unk>", "<s>", "</s>", "▁나", "▁", "교", "는", "도", "학", "나"]


def test_a_vocabulary_that_grows_takes_in_new_characters_and_leaves_morphemes_spelt():
    known = ["<unk>", "<s>", "</s>", "▁나", "는", "나"]
    assert grow_tokens([["▁나", "는"], ["▁학교", "▁학교"]], known) == {*known, *"▁나는학교"}


def test_a_vocabulary_that_grows_keeps_the_old_tokens_in_their_places():
    first = ["<unk>", "<s>", "</s>", "는", "▁나"]
    spelt = [["▁나", "▁", "학", "교"], ["▁", "나"]]
    assert rank_tokens(spelt, {*first, *"▁나는학교"}, first) == [*first, "▁", "교", "나", "학"]
