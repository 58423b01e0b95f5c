import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.text import normalise
from core.text.noise import Family, Kind, family_of, noisy, variants

TEXTS = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            ["뭐", "해", "좋아", "했어요", "되", "없", "ㅋㅋ", "ㅠㅠ", "봄이야", "!", "?", "…", ".", "abc", "12"]
        ),
        max_size=8,
    ).map(" ".join),
)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.sampled_from(Kind), st.sampled_from(Family), st.integers(0, 99))
def test_noise_changes_the_text_leaves_some_and_stays_in_its_family(text, kind, family, seed):
    form = noisy(text, kind, family, random.Random(seed))
    assert form == noisy(text, kind, family, random.Random(seed))
    if form is not None:
        assert form
        assert form == normalise(form) != normalise(text)
        assert family_of(form) is family


@settings(deadline=None, max_examples=30)
@given(st.lists(TEXTS, max_size=6), st.integers(0, 99))
def test_no_form_of_any_text_is_in_both_families(texts, seed):
    rng = random.Random(seed)
    forms = {family: {form for text in texts for form in variants(text, family, rng).values()} for family in Family}
    assert not forms[Family.TRAINING] & forms[Family.EVALUATION]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("오늘 뭐 해?", Kind.NO_SPACES, {"오늘뭐해?"}),
        ("안녕", Kind.NO_SPACES, set()),
        ("안녕 나야", Kind.FEWER_SPACES, set()),
        ("가나다", Kind.EXTRA_SPACES, {"가 나다", "가나 다"}),
        ("a1", Kind.EXTRA_SPACES, set()),
        ("뭐 해?", Kind.ENDING, {"뭐 해요?"}),
        ("맛있겠지", Kind.ENDING, {"맛있겠죠", "맛있겠지요"}),
        ("안녕", Kind.ENDING, set()),
        ("안녕", Kind.ENGLISH_LAYOUT, {"dkssud"}),
        ("hi", Kind.ENGLISH_LAYOUT, set()),
        ("", Kind.EMOTION, set()),
        ("!!", Kind.PUNCTUATION, set()),
    ],
)
def test_forms_of_a_kind(text, kind, expected):
    rng = random.Random(1)
    forms = {noisy(text, kind, family, rng) for family in Family for _ in range(20)}
    assert forms - {None} == expected
