from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.errors import CorpusError
from core.corpus.pair import Pair
from core.corpus.stability import Profile, category_stability, length_stability

COUNTS = st.lists(st.integers(1, 30), min_size=1, max_size=12).map(Counter)


def test_the_index_worked_out_by_hand():
    # With half a pair more in each part: 9.5 / 19 = 0.5 twice, against 29.5 / 39 and 9.5 / 39.
    # (0.5 - 0.756410) ln(0.5 / 0.756410) + (0.5 - 0.243590) ln(0.5 / 0.243590) = 0.106146 + 0.184389
    # By chance: (1/18 + 1/38) (1 + 3 √2) = 0.081871 · 5.242641
    stability = category_stability({"a": 9, "b": 9}, {"a": 29, "b": 9})
    assert stability.index == pytest.approx(0.2905, abs=1e-4)
    assert stability.chance == pytest.approx(0.4292, abs=1e-4)


def test_lengths_are_compared_in_deciles_of_the_reference():
    reference = dict.fromkeys(range(1, 21), 5)  # two lengths a decile
    within = {length: 10 if length % 2 else 0 for length in reference}  # the first of each decile alone
    assert length_stability(reference, within).index == 0
    beyond = {length + 20: count for length, count in reference.items()}
    assert length_stability(reference, beyond).index > 3


@pytest.mark.parametrize("length", [9, 11])
def test_what_is_shorter_or_longer_than_all_of_the_reference_is_away_from_it(length):
    assert length_stability({10: 300}, {length: 300}).index > 3
    assert length_stability({10: 300}, {10: 30}).index < 0.05


def test_rare_and_new_categories_are_one():
    reference = {"a": 500, "b": 495, "c": 3, "d": 2}
    assert category_stability(reference, {"a": 500, "b": 495, "e": 5}).index == pytest.approx(0)


@settings(deadline=None, max_examples=30)
@given(COUNTS)
def test_a_sample_is_not_away_from_itself(counts):
    assert length_stability(counts, counts).index == pytest.approx(0)


@settings(deadline=None, max_examples=30)
@given(COUNTS, COUNTS)
def test_the_index_is_never_below_zero(reference, sample):
    assert length_stability(reference, sample).index >= 0


@pytest.mark.parametrize(("reference", "sample"), [({}, {3: 1}), ({3: 1}, {}), ({}, {})])
def test_nothing_is_compared_with_nothing(reference, sample):
    assert length_stability(reference, sample) is None
    assert category_stability({"a": 3}, {"a": 5}) is None  # one part


def test_a_profile_comes_back_from_json_and_from_the_files_of_a_run(tmp_path):
    pairs = [Pair("뭐 해", "쉬어요", category="일상"), Pair("안녕", "반가워요", category="인사"), Pair("왜", "글쎄요")]
    profile = Profile.of(pairs)
    assert profile == Profile(
        Counter({3: 1, 2: 1, 1: 1}), Counter({3: 2, 4: 1}), Counter({"일상": 1, "인사": 1, "": 1})
    )
    assert Profile.from_dict(profile.to_dict()) == profile
    (tmp_path / "train.req").write_text("▁뭐 ▁해\n▁안 녕\n▁왜\n", encoding="utf-8")
    (tmp_path / "train.rep").write_text("▁쉬 어요\n▁반가워요\n▁ 글 쎄 요\n", encoding="utf-8")
    read = Profile.read(tmp_path)
    assert (read.questions, read.answers, read.categories) == (profile.questions, profile.answers, Counter())


@pytest.mark.parametrize("data", [{}, {"questions": 3, "answers": {}, "categories": {}}, {"questions": {"a": 1}}])
def test_another_object_is_no_profile(data):
    with pytest.raises(CorpusError, match="no profile"):
        Profile.from_dict(data)


def test_a_run_without_its_training_set_is_named(tmp_path):
    with pytest.raises(CorpusError, match=tmp_path.name):
        Profile.read(tmp_path)
