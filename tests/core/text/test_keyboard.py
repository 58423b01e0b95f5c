import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.text.keyboard import mistyped, to_hangul, to_latin

# The most frequent English words, and what else people write in Latin letters in a Korean chat.
ENGLISH = """
the to and of in is for that you it on with this was be as are have at he not by but from my or we an your all so
his they me if one can will just like about up out what has when more do no were who had their there her which time
get been would she new people how some also them now other its our than good only after first him into know see two
make over think any then could back these us want because go well said way most much very where even should may here
need really did right work year years being day too going before off why made still take got many never those life
say world down great through last while best such love man home long look something use same used both every am come
part state three around between always better find help high little old since another does own things under during
game thing give house place school again next each mr without against end found must show big feel sure team ever
family keep might please put money free second someone away left number city days lot name night play until company
doing few let real called different having set thought done however getting god government group looking public top
women business care start system times week already anything case nothing person today change enough everything full
live making point read told yet bad four hard mean once support tell including music power seen states stop water
based believe call head men national small took white came far job side though try went yes actually american later
less line order party run says service country open season thank children everyone general trying united using
"""
CHAT_ENGLISH = """
wifi bts sns ott mbti ppt pdf app usb led gps atm ktx mc mv dj dm pm am ok no yes hi bye thanks sorry wow omg lol
kakao naver google youtube apple samsung netflix instagram facebook twitter tiktok chatgpt gpt ai api skt kt lg gs
cj sk cgv gs25 cu blackpink exo twice itzy aespa psy kbs mbc sbs jtbc tvn ebs iphone ipad galaxy windows python
pizza vodka guru audi disney nike zara costco starbucks pubg fifa world work girl god gosh tofu soap duck worm rush
town
"""
QUESTIONS = Path(__file__).parents[3] / "data" / "initial" / "corpus.csv"
SYLLABLES = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [
        ("안녕", "dkssud"),
        ("닭이 달기 다리", "ekfrdl ekfrl ekfl"),
        ("값이 없어", "rkqtdl djqtdj"),
        ("앉아 않아 아나", "dkswdk dksgdk dksk"),
        ("왜 의자 쇠 뷁", "dho dmlwk thl qnpfr"),
        ("됐어 꿨어 까까 아빠", "ehoTdj RnjTdj RkRk dkQk"),
        ("얘 예 쟤", "dO dP wO"),
        ("ㅋㅋ ㅠㅠ ㅇㅇ", "zz bb dd"),
        ("3시 반? TV!", "3tl qks? TV!"),
    ],
)
def test_keys_of_hangul(hangul, latin):
    assert to_latin(hangul) == latin
    assert to_hangul(latin.replace("TV", "")) == hangul.replace("TV", "")


@settings(deadline=None, max_examples=60)
@given(st.text(st.one_of(SYLLABLES, st.sampled_from(" .?!12")), max_size=30))
def test_typing_syllables_on_the_wrong_layout_loses_nothing(text):
    assert to_hangul(to_latin(text)) == text


def test_every_syllable_comes_back():
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
    assert to_hangul(to_latin(syllables)) == syllables


def test_shift_counts_only_where_the_key_has_a_second_letter():
    assert to_hangul("DKSSUD rK RK") == "안녕 가 까"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dkssud", "안녕"),
        ("Dkssud", "안녕"),
        ("dho?", "왜?"),
        ("dksehlwl... 3qns", "안되지... 3분"),
        ("wjs wifi rk dks ehoTdj!", "전 wifi 가 안 됐어!"),
        ("오늘 anjgo", "오늘 뭐해"),
        ("anjgozz", "뭐해ㅋㅋ"),
        ("tlfgdj bb", "싫어 ㅠㅠ"),
        ("djqtdjb", "없어ㅠ"),
        ("qndjz", "부엌"),
    ],
)
def test_what_was_typed_on_the_wrong_layout_is_turned(typed, meant):
    assert mistyped(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", "안녕", "ㅋㅋ", "hello", "ok", "wifi", "bts", "sns", "SNS 봤어?", "sns를 봤어", "work", "god", "zzz", "gg",
        "so so", "to go", "i love you", "gpt 써봤어?", "dm 보내", "www.naver.com", "mp3", "TV", "don't", "pc방 가자",
    ],
)  # fmt: skip
def test_other_text_stays(text):
    assert mistyped(text) == text


def test_english_words_stay_alone_capitalised_and_in_a_korean_sentence():
    words = [*ENGLISH.split(), *CHAT_ENGLISH.split()]
    assert len(words) > 350
    forms = [form for word in words for form in (word, word.capitalize(), word.upper(), f"{word}?", f"{word} 알아?")]
    assert [form for form in forms if mistyped(form) != form] == []


def test_questions_of_another_corpus_are_told():
    with QUESTIONS.open(encoding="utf-8") as file:
        questions = [row["question"] for row in csv.DictReader(file)][::4]
    assert len(questions) > 350
    assert [question for question in questions if mistyped(question) != question] == []
    told = sum(mistyped(to_latin(question)) == question for question in questions)
    assert told / len(questions) > 0.97
