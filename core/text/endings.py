"""The two everyday ways to end a Korean sentence, 해체 (좋아) and 해요체 (좋아요), and how one becomes the other.

Most endings take 요 as they are; the copula, -지, -구나 and -더라 change, and -(으)세요 goes back to its stem. A word
is known by its last syllables alone, so that no analyser is needed; where a noun could end in the same way, the rule
asks for the syllable before or names the nouns. Sentences that end otherwise (plain -다, -습니다, a noun) are left.
"""

from __future__ import annotations

import re

from core.text.jamo import compose, decompose, is_syllable


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TAIL = re.compile(r"[^가-힣]*\Z")

_TAKES_YO_WORDS = """
    거든 잖아 더라고 라고 다고 냐고 려고 려구 지만 텐데 을까 는데 는가 던가 려나 해서 워서 려서 져서 봐서 와서 이래
    돼 줘 둬 꿔 궈 춰 봐 놔 져 겨 켜 쳐 셔 려 뻐 혀 같애 어때 그래 설레 아니네 어쩌지
    아파 고파 나빠 바빠 슬퍼 비싸 벅차 숨차 보내 끝내 힘내 화내 지내 혼내 티내 잘자 못자 푹자 신경써 애써 힘써
    나와 어와 아와 안와 못와 려와 라와 녀와 러와 들어가 돌아가 나가 걸어가 올라가 내려가 다녀가 따라가 지나가 넘어가
    안가 못가 집에가 놀러가 생각나 눈물나 짜증나 냄새나 화나 겁나 땀나 티나 혼나 끝나 신나 빛나 만나 안나 떠나 일어나
    있나 없나 되나 않나 싶나 드나 먹나 맞나 보여 쌓여 꼬여 먹여 높여 줄여 죽여 섞여 속여 움직여 붙여 쓰여 모여 놓여 묶여
"""
_TAKES_YO = (
    *_words(_TAKES_YO_WORDS),
    *(
        "잘 자",
        "못 자",
        "푹 자",
        "눈물 나",
        "눈물이 나",
        "생각 나",
        "생각이 나",
        "짜증 나",
        "냄새 나",
        "화가 나",
        "화 나",
    ),
    *("겁이 나", "땀이 나", "티가 나", "기억이 나", "안 나", "소문 나", "열이 나", "힘이 나", "신이 나"),
    *("야 하나", "야하나", "떻게 하나", "뭘 하나", "뭐 하나", "왜 하나"),
)
_ALONE = tuple("해돼봐와줘가써커떠켜꺼사싸펴")  # verbs of one syllable
# An ending of one syllable, and what the syllable before it must be: of these finals, or one of these.
_AFTER = {
    "까": ("ㄹ", "니"),  # 할까, 하니까
    "게": ("ㄹ", ""),  # 할게
    "래": ("ㄹ", ""),  # 할래
    "라": ("ㄹ", ""),  # 몰라
    "러": ("ㄹ", ""),  # 불러
    "가": ("ㄴ", ""),  # 한가
    "데": ("ㄴ", ""),  # 한데
    "대": ("ㄴㅆㅄㅎㄶ", "하들프쁘같싶"),  # 한대, 했대, 좋대, 힘들대
    "나": ("ㅆㅄ", ""),  # 했나, 없나
    "군": ("ㅆㅄ", "는하렇좋이프쁘르크"),
    "지": (
        "ㅆㅄㅎㄶㅀㅍ",
        "야하거되뭐르니알같맞이쁘프크느보오주러시먹입받찾살들놀",
    ),  # 했지, 해야지, 모르지; not 까지, 편지, 하는지
    "워": ("", "려러로까서매추더싸배채외지키세가쉬끄미누태우피두고무즐여겨마거리"),
    "어": ("ㄱㄲㄴㄵㄶㄷㄹㄺㄻㄼㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ", "되쉬뛰띄피비쥐튀뀌"),
}
_NOT_ENDINGS = """
    국어 영어 단어 언어 연어 인어 문어 은어 본어 장어 광어 상어 송어 홍어 붕어 숭어 농어 용어 등어 동네 너네 걔네 쟤네
    우리네 언니네 누나네 오빠네 친구네 가운데 군데 전문가 샤워 파워 타워 경찰서 군대 빨래 스릴러 달러 메시지 페이지
    이미지 마사지 돼지 배려 격려 우려 염려 고려 장려 독려 무려 오히려 화려 하려 으려 단가 원가 연가 말라
    컬러 킬러 롤러 나그네 겠져 반대 현대 연대 안대 놈아 하늘아 얘들아 아들아 친구들아
"""
_NOT_ENDING = _words(_NOT_ENDINGS)
_NOT_ALONE = _words("니네 저기 이해 오해 피해 방해 손해 올해 동해 서해 남해 새해 공해 화해 견해 양해 그해 침해 위해")
_HARMONY = "ㅏㅑㅗ"  # what takes 아 and not 어

# 이 that belongs to the noun: 고양이예요, but 사람이에요.
_NOUNS_IN_I = _words(
    "고양이 원숭이 호랑이 팡이 쟁이 둥이 볶이 어린이 젊은이 늙은이 놀이 높이 깊이 걸이 잡이 덩이 지렁이"
)
_QUESTION_WORDS = _words("뭐 누구 어디 언제 얼마 여기 거기 저기 나 너 저거 이거 그거 진짜 가짜")
_NOT_COPULA = tuple("아어여해돼봐줘와워려져겨켜쳐서써가")  # 해야, 가야: "must"


def switch_ending(text: str) -> list[str]:
    """`text` with the other ending, 해요체 for 해체 and the other way round; empty where it has neither.

    Only the last word is changed; marks after it stay. There are two forms where both are common (죠 and 지요).
    Example: "뭐 해?" gives ["뭐 해요?"], "봄이에요" gives ["봄이야"].
    """
    end = _end_of_sentence(text)
    body, marks = text[:end], text[end:]
    if not body:
        return []
    forms = _casual(body) if body[-1] in "요죠" else _polite(body)
    return [form + marks for form in forms]


def _end_of_sentence(text: str) -> int:
    tail = _TAIL.search(text)
    return tail.start() if tail else len(text)


def _polite(body: str) -> list[str]:
    word = body.rpartition(" ")[2]
    if word.endswith("야"):
        return _polite_copula(body, word)
    if word.endswith("더라"):
        return [body + "고요"]
    if len(word) > 2 and word.endswith("구나"):
        return [body[:-2] + "군요"]
    if not _takes_yo(body, word):
        return []
    if word.endswith("지"):
        return [body[:-1] + "죠", body + "요"]
    return [body + "요"]


def _polite_copula(body: str, word: str) -> list[str]:
    """봄이야 → 봄이에요, 뭐야 → 뭐예요, 아니야 → 아니에요; none for 해야 (must) and 영희야 (a name called)."""
    stem, noun = body[:-1], word[:-1]
    if noun.endswith("아니"):
        return [stem + "에요"]
    if not _is_open(noun[-1:]) or noun.endswith(_NOT_COPULA):
        return []
    if noun.endswith("이") and _is_closed(noun[-2:-1]) and not noun.endswith(_NOUNS_IN_I):
        return [stem + "에요"]
    called = body == word and noun not in _QUESTION_WORDS and len(noun) < 4 and not noun.endswith("거")
    return [] if called else [stem + "예요"]


def _takes_yo(body: str, word: str) -> bool:
    """Whether `body`, whose last word is `word`, ends so that 요 makes it polite."""
    if word.endswith(_NOT_ENDING) or word in _NOT_ALONE or _is_formal(word):
        return False
    if body.endswith(_TAKES_YO) or word in _ALONE:
        return True
    if not is_syllable(word[-2:-1]):
        return False
    before, last = decompose(word[-2]), word[-1]
    if last in "해네":
        return True
    if last == "아":
        return bool(before[2]) and before[1] in _HARMONY
    finals, syllables = _AFTER.get(last, ("", ""))
    return (before[2] != "" and before[2] in finals) or word[-2] in syllables


def _is_formal(word: str) -> bool:
    """합니까: polite already, unlike 하니까."""
    return word.endswith("니까") and is_syllable(word[-3:-2]) and decompose(word[-3])[2] == "ㅂ"


def _casual(body: str) -> list[str]:
    if body.endswith("죠"):
        return [body[:-1] + "지"]
    base = body[:-1]
    if base.endswith(("이에", "이예")):
        return [base[:-1] + "야"]
    if base.endswith(("아니에", "아니예", "예", "에")):
        return [base[:-1] + "야"] if len(base.rpartition(" ")[2]) > 1 else []
    if base.endswith("군"):
        return [base, base[:-1] + "구나"]
    if base.endswith("세"):
        return _without_honorific(base[:-1])
    if base.endswith("더라고"):
        return [base, base[:-1]]
    # With 요 after it, a verb is what it looks like; only after a particle (저도요) does 요 leave no sentence.
    return [base] if base.endswith(_MAY_LOSE_YO) or _takes_yo(base, base.rpartition(" ")[2]) else []


_MAY_LOSE_YO = tuple("나가지아어여려내와자대워래데고구네텨쳐깨레놔라마해")


# Stems that -세요 hides or that go their own way.
_STEMS = {
    "누구": "누구야", "계": "있어", "아": "알아", "만드": "만들어", "힘드": "힘들어", "따르": "따라", "들르": "들러",
    "도우": "도와",
}  # fmt: skip
# The last syllable of stems that are safe to join with 아/어; 사세요 could be of 사다 and of 살다.
_JOINS = {
    "하": "해", "주": "줘", "보": "봐", "오": "와", "가": "가", "마": "마", "되": "돼", "내": "내", "만나": "만나",
    "타": "타", "켜": "켜", "두": "둬", "추": "춰", "꾸": "꿔", "누": "눠", "우": "워", "쓰": "써", "크": "커",
    "끄": "꺼", "쁘": "뻐", "기": "겨", "리": "려", "시": "셔", "지": "져", "치": "쳐", "키": "켜", "피": "펴",
    "보이": "보여", "쉬": "쉬어", "빠": "빠", "바쁘": "바빠", "나쁘": "나빠", "아프": "아파", "고프": "고파",
    "슬프": "슬퍼", "모으": "모아",
}  # fmt: skip

_MADE_BY_I = "높줄먹붙섞속죽녹늘숙울직"  # 줄이다: a verb; else 이 is the copula, as in 학생이세요


def _without_honorific(stem: str) -> list[str]:
    """하 → 해, 있으 → 있어, 추우 → 추워; none where the stem can't be told."""
    before, space, word = stem.rpartition(" ")
    if word in _STEMS:
        return [before + space + _STEMS[word]]
    for length in (3, 2, 1):
        if len(word) >= length and (form := _JOINS.get(word[-length:])):
            return [stem[:-length] + form]
    if word[-1:] == "르" and _is_open(word[-2:-1]):
        return [_doubled_l(stem)]
    if word[-1:] == "이" and _is_closed(word[-2:-1]):
        return [stem[:-1] + "여"] if word[-2] in _MADE_BY_I else [stem + "야"]
    if word[-1:] == "으" and is_syllable(word[-2:-1]):
        return [stem[:-1] + ("아" if decompose(stem[-2])[1] in _HARMONY else "어")]
    return []


def _doubled_l(stem: str) -> str:
    """모르 → 몰라, 부르 → 불러: most stems in 르 double their ㄹ."""
    initial, medial, _ = decompose(stem[-2])
    return stem[:-2] + compose(initial, medial, "ㄹ") + ("라" if medial in _HARMONY else "러")


def _is_open(character: str) -> bool:
    """Whether it is a syllable that ends in its vowel. No character at all is none."""
    return is_syllable(character) and not decompose(character)[2]


def _is_closed(character: str) -> bool:
    return is_syllable(character) and bool(decompose(character)[2])
