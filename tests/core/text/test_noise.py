import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.text import normalise
from core.text.jamo import decompose
from core.text.keyboard import mistyped
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


@settings(deadline=None, max_examples=40)
@given(TEXTS, st.sampled_from(Kind), st.sampled_from(Family), st.integers(0, 99))
def test_noise_changes_the_text_leaves_some_and_stays_in_its_family(text, kind, family, seed):
    form = noisy(text, kind, family, random.Random(seed))
    assert form == noisy(text, kind, family, random.Random(seed))
    if form is not None:
        assert form
        assert form == normalise(form) != normalise(text)
        assert family_of(form) is family


@settings(deadline=None, max_examples=20)
@given(st.lists(TEXTS, max_size=4), st.integers(0, 99))
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


def all_forms(text, kind, family):
    """Every form there is, or nearly: of as many as are drawn here, none that is likely is left."""
    rng = random.Random(7)
    return {noisy(text, kind, family, rng) for _ in range(100)} - {None}


@pytest.mark.parametrize(
    ("text", "training", "evaluation"),
    [
        ("않", {"랂", "읺"}, {"낞", "안", "얺"}),  # ㅇ→ㄹ, ㅏ→ㅣ; ㅇ→ㄴ, ㄶ→ㄴ, ㅏ→ㅓ
        ("해", {"헤"}, {"래", "햐"}),  # ㅐ→ㅔ; ㅎ→ㄹ, ㅐ→ㅑ
        ("됐", {"괬", "뙜"}, {"돼", "됏", "됬", "뒜", "좼"}),  # ㄷ→ㄱ, ㄷ→ㄸ; ㅆ→, ㅆ→ㅅ, ㅙ→ㅚ, ㅙ→ㅞ, ㄷ→ㅈ
        ("의", {"릐", "이"}, {"늬", "에"}),  # ㅇ→ㄹ, ㅢ→ㅣ; ㅇ→ㄴ, ㅢ→ㅔ
    ],
)
def test_one_letter_goes_wrong_as_worked_out_by_hand(text, training, evaluation):
    for family, wrong in ((Family.TRAINING, training), (Family.EVALUATION, evaluation)):
        assert all_forms(text, Kind.WRONG_JAMO, family) == {form for form in wrong if family_of(form) is family}


@settings(deadline=None, max_examples=20)
@given(
    st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1, max_size=8),
    st.sampled_from(Family),
    st.integers(0, 99),
)
def test_a_wrong_letter_is_one_of_one_syllable_and_no_family_makes_the_others_mistake(text, family, seed):
    form = noisy(text, Kind.WRONG_JAMO, family, random.Random(seed))
    if form is None:
        return
    (before, after), *others = [pair for pair in zip(text, form, strict=True) if pair[0] != pair[1]]
    assert not others
    changes = [change for change in zip(decompose(before), decompose(after), strict=True) if change[0] != change[1]]
    assert len(changes) == 1
    other = Family.EVALUATION if family is Family.TRAINING else Family.TRAINING
    assert after not in all_forms(before, Kind.WRONG_JAMO, other)


def marks(kind, family):
    return {form[1:].strip() for syllable in "가나다라마바사아자차" for form in all_forms(syllable, kind, family)}


def test_the_families_share_no_mark():
    training, evaluation = (marks(Kind.EMOTION, family) | marks(Kind.PUNCTUATION, family) for family in Family)
    assert training
    assert evaluation
    assert not training & evaluation


QUESTION = "오늘 날씨가 너무 좋은데 뭐 할까요?"


@pytest.mark.parametrize("family", Family)
def test_spaces_alone_are_lost_or_gained(family):
    letters = QUESTION.replace(" ", "")
    for kind, spaces in ((Kind.FEWER_SPACES, range(1, 5)), (Kind.EXTRA_SPACES, [6]), (Kind.NO_SPACES, [0])):
        for form in all_forms(QUESTION, kind, family):
            assert form.replace(" ", "") == letters
            assert form.count(" ") in spaces


@pytest.mark.parametrize("family", Family)
def test_words_stay_where_marks_are_put_or_dropped(family):
    words = QUESTION.removesuffix("?")
    for kind in (Kind.EMOTION, Kind.PUNCTUATION):
        assert all(form.startswith(words) for form in all_forms(QUESTION, kind, family))
    assert len(all_forms(QUESTION, Kind.EMOTION, family)) > 1


def test_feeling_takes_the_place_of_feeling():
    forms = {form for family in Family for form in all_forms("안녕ㅎㅎ", Kind.EMOTION, family)}
    assert "안녕ㅋㅋ" in forms
    allowed = {mark for family in Family for mark in marks(Kind.EMOTION, family)}
    assert {form.removeprefix("안녕").strip() for form in forms} <= allowed


def test_dropped_punctuation_is_a_form():
    forms = {form for family in Family for form in all_forms("음, 뭐 해?", Kind.PUNCTUATION, family)}
    assert {"음, 뭐 해", "음 뭐 해"} <= forms
    numbers = {form for family in Family for form in all_forms("3.5점, 1,000원.", Kind.PUNCTUATION, family)}
    assert all("3.5" in form and "1,000" in form for form in numbers)


def test_the_english_layout_is_what_mistyped_reads():
    forms = [
        noisy(text, Kind.ENGLISH_LAYOUT, family, random.Random(0))
        for text in ("안녕하세요", "뭐 해?", "어디 가")
        for family in Family
    ]
    assert {mistyped(form) for form in forms if form} == {"안녕하세요", "뭐 해?", "어디 가"}


def test_variants_hold_one_form_of_each_kind_that_applies():
    forms = variants(QUESTION, Family.TRAINING, random.Random(0))
    assert {Kind.FEWER_SPACES, Kind.EXTRA_SPACES, Kind.EMOTION, Kind.PUNCTUATION, Kind.WRONG_JAMO} <= forms.keys()
    chosen = variants(QUESTION, Family.TRAINING, random.Random(0), kinds=[Kind.EMOTION])
    assert chosen.keys() == {Kind.EMOTION}
    assert variants("", Family.TRAINING, random.Random(0)) == {}
