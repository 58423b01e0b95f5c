import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.text import normalise

# Everything people (and programs) put into a chat box, close together so that rules meet.
CHAT_CHARACTERS = st.one_of(
    st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
    st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),
    st.characters(min_codepoint=0x3130, max_codepoint=0x318F),
    st.sampled_from("ㅋㅎㅠㅜ!?.~,;^♥aZ09<>/_ \t\n\r\x00\x0b\x1c\x85\xa0\u3000\u200b\u2028\ufeff\u202e\u2581\u3164"),
    st.sampled_from("😀👨👩👧❤♂🏽🇰🇷\u200d\ufe0f\u20e3\u0301\u0338←↔⇒<=\u2329\U0001d15e\U000e0067\u115f\u1160"),
    st.characters(),
    st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"]),
)
CHAT_TEXT = st.text(CHAT_CHARACTERS, max_size=40)


@settings(deadline=None)
@given(CHAT_TEXT)
@example("\U0001d15e\u200d😀")
@example("🙂\u200d↔\u200d\u0338")
@example("ᄀ\u1160ᅡ")
def test_normalising_twice_is_normalising_once(text):
    once = normalise(text)
    assert normalise(once) == once


@settings(deadline=None)
@given(CHAT_TEXT)
def test_normalised_text_is_clean(text):
    clean = normalise(text)
    assert unicodedata.is_normalized("NFC", clean)
    assert clean == clean.strip()
    assert "  " not in clean
    assert "\u2581" not in clean
    assert not any(c.isspace() and c != " " for c in clean)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in clean)
    assert all(c == "\u200d" for c in clean if unicodedata.category(c) == "Cf")
    clean.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \n\t\u3000\xa0\u2028", ""),
        ("\u3164\u2800", ""),
        ("\x00\u200b\ufeff\ud800", ""),
        ("  안녕 \n 하세요\r\n", "안녕 하세요"),
        (unicodedata.normalize("NFD", "각 나라"), "각 나라"),
        ("안\x00녕", "안녕"),
        ("안\u200d녕", "안녕"),
        ("ᄀ\u1160ᅡ", "가"),
        ("a\udc80b", "ab"),
        ("\u2581가\u2581", "_가_"),
        ("Hello 3.14 100,000", "Hello 3.14 100,000"),
    ],
)
def test_spaces_and_characters(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ㅋ", "ㅋ"),
        ("ㅋㅋ", "ㅋㅋ"),
        ("ㅋㅋㅋㅋㅋㅋㅋ", "ㅋㅋ"),
        ("아ㅠㅠㅠㅠ 진짜ㅜㅜㅜ", "아ㅠㅠ 진짜ㅜㅜ"),
        ("ㅎㅎㅎ ㅋㅋㅋㅎㅎㅎ", "ㅎㅎ ㅋㅋㅎㅎ"),
        ("뭐라고????!!!!", "뭐라고??!!"),
        ("네~~~~", "네~~"),
        ("음..", "음.."),
        ("음......", "음..."),
        ("글쎄,,,,,", "글쎄,,,"),
        ("하하하하하", "하하하하하"),
        ("1000000 aaaa", "1000000 aaaa"),
    ],
)
def test_long_runs_have_one_length(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    "emoji", ["👨\u200d👩\u200d👧", "❤\ufe0f\u200d🔥", "🏃🏽\u200d♀\ufe0f", "🙂\u200d↔\ufe0f", "🇰🇷", "1\ufe0f\u20e3"]
)
def test_emoji_stay_whole(emoji):
    assert normalise(f"{emoji} 좋아") == f"{emoji} 좋아"
