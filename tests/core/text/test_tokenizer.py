import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.nmt.vocab import SPECIALS
from core.text import Tokenizer, get_analyser, normalise

CHAT_TEXT = st.lists(
    st.one_of(
        st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
        st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),
        st.characters(min_codepoint=0x3130, max_codepoint=0x318F),
        st.sampled_from("가나요는 ㅋㅠ!?.~aZ09<>/_Ð \n\t\r\x00\x0b\x85\xa0\u3000\u200b\u2028\u2581"),
        st.sampled_from("😀👨👩👧❤🏽🇰🇷\u200d\ufe0f\u20e3\u0301\u0338"),
        st.sampled_from([*SPECIALS, "안녕하세요", "먹었어", "it's", "3.14", "<", "s>", "\ud83d\ude00"]),
        st.characters(),
        st.characters(categories=["Cs"]),
    ),
    max_size=30,
).map("".join)

KNOWN = st.sets(st.sampled_from(["▁", "▁안녕", "하", "세요", "가", "▁먹", "었", "😀", "<", "s"]))


class FakeAnalyser:
    name = "fake"

    def __init__(self, *morphemes):
        self._morphemes = list(morphemes)

    def morphemes(self, text):
        return self._morphemes


@pytest.fixture(scope="module", params=["konlpy", "mecab"])
def tokenizer(request):
    return Tokenizer(get_analyser(request.param))


@settings(deadline=None)
@given(text=CHAT_TEXT)
@example(text="aÐb Ð Ð")
@example(text="<unk> <s>a</s>")
@example(text="\u0301 \ufe0f")
def test_joining_gives_the_normalised_text_back(tokenizer, text):
    assert tokenizer.join(tokenizer.split(text)) == normalise(text)


@settings(deadline=None)
@given(text=CHAT_TEXT, known=KNOWN)
def test_spelling_changes_no_text_and_leaves_only_known_tokens_and_single_characters(tokenizer, text, known):
    spelt = tokenizer.spell(tokenizer.split(text), known)
    assert tokenizer.join(spelt) == normalise(text)
    assert all(token in known or len(token) == 1 for token in spelt)


def test_a_token_that_is_known_without_its_mark_is_not_spelt():
    tokenizer = Tokenizer(FakeAnalyser())
    assert tokenizer.spell(["▁너무", "▁모름", "좋"], {"▁", "너무", "모", "름"}) == ["▁", "너무", "▁", "모", "름", "좋"]


@settings(deadline=None)
@given(text=CHAT_TEXT)
@example(text="가</s>나<s> <unk>")
def test_every_token_can_stand_in_a_token_file(tokenizer, text):
    tokens = tokenizer.split(text)
    assert " ".join(tokens).split() == tokens
    assert not set(tokens) & set(SPECIALS)
    assert all("▁" not in token[1:] for token in tokens)


@settings(deadline=None)
@given(text=CHAT_TEXT, morphemes=st.lists(st.text(max_size=3), max_size=8))
def test_no_analyser_can_lose_text(text, morphemes):
    tokenizer = Tokenizer(FakeAnalyser(*morphemes))
    assert tokenizer.join(tokenizer.split(text)) == normalise(text)


def test_tokens_are_morphemes_with_a_mark_where_a_word_starts(tokenizer):
    assert tokenizer.split("안녕하세요, 저도 좋아요!") == ["▁안녕", "하", "세요", ",", "▁저", "도", "▁좋", "아요", "!"]


def test_spacing_that_only_differs_in_place_gives_other_tokens(tokenizer):
    assert tokenizer.join(tokenizer.split("아버지가 방에")) == "아버지가 방에"
    assert tokenizer.join(tokenizer.split("아버지 가방에")) == "아버지 가방에"


def test_nothing_gives_no_tokens(tokenizer):
    assert tokenizer.split(" \n ") == []
    assert tokenizer.join([]) == ""


@pytest.mark.parametrize("emoji", ["❤\ufe0f", "👍🏽", "1\ufe0f\u20e3", "👨\u200d👩\u200d👧"])
def test_an_emoji_is_not_cut_in_pieces(tokenizer, emoji):
    tokens = tokenizer.split(f"정말 {emoji} 좋아")
    assert f"▁{emoji}" in tokens


def test_a_text_longer_than_any_message_is_split(tokenizer):
    text = normalise("오늘은 날씨가 참 좋네요. " * 2000)
    assert tokenizer.join(tokenizer.split(text)) == text


def test_an_unknown_word_is_spelt_in_syllables_after_its_mark():
    tokenizer = Tokenizer(FakeAnalyser())
    assert tokenizer.spell(["▁안녕", "하", "세요"], {"하"}) == ["▁", "안", "녕", "하", "세", "요"]


def test_a_known_word_is_not_spelt():
    tokenizer = Tokenizer(FakeAnalyser())
    assert tokenizer.spell(["▁안녕", "하"], {"▁안녕"}) == ["▁안녕", "하"]


def test_a_morpheme_that_is_not_in_the_text_leaves_characters():
    tokenizer = Tokenizer(FakeAnalyser("나", "는", "먹다", "었", "어"))
    assert tokenizer.split("나는 먹었어") == ["▁나", "는", "▁먹", "었", "어"]
    tokenizer = Tokenizer(FakeAnalyser("빠르다", "빨리"))
    assert tokenizer.split("빨라서 빨리") == ["▁빨", "라", "서", "▁빨리"]


def test_marks_that_a_model_doubles_are_one_space():
    tokenizer = Tokenizer(FakeAnalyser())
    assert tokenizer.join(["안", "▁", "▁녕", "▁"]) == "안 녕"


def test_an_analyser_that_knows_no_stems_gives_morphemes():
    assert Tokenizer(FakeAnalyser("좋", "아요")).stems("좋아요") == ["좋", "아요"]
    assert Tokenizer(FakeAnalyser("좋", "아요")).stems("") == []
