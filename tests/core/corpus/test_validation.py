import json

import pytest

from core.corpus import CorpusError, CorpusSettings, Pair, build
from core.corpus.stability import Profile
from core.corpus.validation import CODES, ValidationSettings, is_korean, validate
from core.text import Tokenizer

NO_HELD_OUT = CorpusSettings(min_bulk=10**6)
HELD_OUT = CorpusSettings(min_bulk=10, test_share=0.3, dev_share=0.1)


class Words:
    """Takes every word for a morpheme."""

    name = "words"

    def morphemes(self, text):
        return text.split()


def report(pairs, settings=NO_HELD_OUT, parent=None, **values):
    corpus = build(pairs, Tokenizer(Words()), settings)
    return validate(corpus, parent, ValidationSettings(**values))


def found(report):
    return {finding.code: finding for finding in report.findings}


def ordinary(count, **values):
    return [Pair(f"질문 {word(i)}", f"대답 {word(i)}", bulk=True, row=i, **values) for i in range(count)]


def word(number):
    """A word that no other number below 1000 has, of syllables that all of them have."""
    return "".join("가나다라마바사아자차"[int(digit)] for digit in f"{number:03}")


def test_an_ordinary_corpus_has_nothing_to_look_at():
    clean = report(ordinary(400), HELD_OUT)
    assert clean.severity == "info"
    assert clean.summary() == []
    assert clean.findings


def test_what_the_report_counted_is_found_with_its_rows():
    pairs = [
        *ordinary(20),
        Pair("질문 가가가", "대답 가가가", bulk=True, row=100),
        Pair("", "답", row=101),
        Pair("물음", " ", row=102),
        Pair("어때", "좋아", row=103),
        Pair("어때", "싫어", row=104),
        Pair("응", "응", row=105),
        Pair("긴 질문 " * 40, "답", row=106),
    ]
    findings = found(report(pairs))
    assert {code: (finding.value, finding.rows) for code, finding in findings.items() if finding.rows} == {
        "duplicates": (1, (100,)),
        "empty_sides": (2, (101, 102)),
        "overlong_sides": (1, (106,)),
        "conflicts": (1, (103, 104)),
        "echoes": (1, (105,)),
    }
    assert findings["duplicates"].severity == "info"
    assert (
        findings["conflicts"].severity == findings["empty_sides"].severity == findings["echoes"].severity == "warning"
    )


def test_more_left_out_than_kept_is_an_error():
    broken = report([*ordinary(3), *(Pair("물음", "", row=i) for i in range(9))])
    assert broken.severity == broken.findings[0].severity == "error"
    assert broken.findings[0].code == "empty_sides"


@pytest.mark.parametrize(
    ("text", "korean"),
    [
        ("안녕", True),
        ("ㅋㅋ", True),
        ("SNS 봤어", False),
        ("PPL 심하네", True),
        ("3박4일 ok", True),
        ("hello", False),
        ("123 !?", False),
        ("", False),
        ("привет", False),
        ("今日は", False),
    ],
)
def test_korean_is_what_is_half_hangul(text, korean):
    assert is_korean(text) is korean


def test_foreign_sides_are_counted_and_listed():
    pairs = [*ordinary(18), Pair("hello there", "안녕", row=50), Pair("안녕", "hi", row=51), Pair("why", "so", row=52)]
    findings = found(report(pairs))
    assert findings["foreign_questions"].rows == (50, 52)
    assert findings["foreign_questions"].value == round(2 / 21, 4)
    assert findings["foreign_answers"].rows == (51, 52)
    assert findings["foreign_questions"].severity == "warning"
    assert found(report(pairs, broken_share=0.06))["foreign_questions"].severity == "error"


def test_the_held_out_set_is_measured_against_what_was_trained():
    strange = [Pair(f"질문 {chr(0x4E00 + i)}", "대답", bulk=True) for i in range(50)]
    corpus = build([*ordinary(50), *strange], Tokenizer(Words()), HELD_OUT)
    findings = found(validate(corpus))
    held_out = [example for example in [*corpus.dev, *corpus.test]]
    tokens = [token for example in held_out for token in example.source]
    unknown = sum(token not in corpus.src_vocab for token in tokens) / len(tokens)
    assert findings["unknown_tokens"].value == round(unknown, 4) > 0.01
    assert findings["unknown_tokens"].severity == "warning"
    assert findings["new_words"].value == 0.5  # 질문 is known, the other word never


def test_without_a_held_out_set_nothing_is_said_of_it():
    assert not {"unknown_tokens", "new_words", "question_length_skew"} & found(report(ordinary(30))).keys()


def test_drift_against_the_parent_is_found_where_it_is():
    parent = report(ordinary(300, category="일상")).profile
    alike = found(report(ordinary(300, category="일상"), parent=parent))
    assert alike["question_length_drift"].severity == "info"
    longer = [Pair(p.question + " 그리고 또", p.answer, True, "이별", p.row) for p in ordinary(300)]
    changed = found(report(longer, parent=parent))
    assert changed["question_length_drift"].severity == changed["category_drift"].severity == "warning"
    assert "another population" in changed["category_drift"].text
    assert changed["answer_length_drift"].severity == "info"


def test_a_small_sample_does_not_drift_by_chance():
    parent = Profile.of(ordinary(1000))
    few = [Pair("질문 가" if i else "질문 가나다", "대답 가가", row=i) for i in range(2)]
    assert "question_length_drift" not in {f.code for f in report(few, parent=parent).findings if f.severity != "info"}


def test_many_pairs_of_one_visitor_are_listed_and_the_visitor_is_not_named():
    pairs = [Pair(f"질문 {word(i)}", "대답", row=i, visitor="secret" if i < 30 else f"v{i}") for i in range(100)]
    finding = found(report(pairs))["one_visitor"]
    assert (finding.severity, finding.value, finding.rows) == ("warning", 0.3, tuple(range(30)))
    assert "secret" not in json.dumps(report(pairs).to_dict())
    assert found(report(pairs, visitor_pairs=31))["one_visitor"].severity == "info"
    assert found(report(pairs, visitor_share=0.31))["one_visitor"].severity == "info"
    assert "one_visitor" not in found(report(ordinary(30)))


def test_the_report_is_json_with_the_gravest_first_and_known_codes():
    pairs = [*ordinary(5), *(Pair("hi", f"대답 {word(i)}", row=i) for i in range(400, 420))]
    told = report(pairs, max_rows=3)
    data = json.loads(json.dumps(told.to_dict()))
    order = ["error", "warning", "info"]
    severities = [order.index(finding["severity"]) for finding in data["findings"]]
    assert severities == sorted(severities)
    assert {finding["code"] for finding in data["findings"]} <= CODES.keys()
    assert all(len(finding["rows"]) <= 3 for finding in data["findings"])
    assert Profile.from_dict(data["profile"]) == told.profile
    assert all(line.startswith(("error: ", "warning: ")) for line in told.summary())


@pytest.mark.parametrize(
    "values", [{"bad_share": 0}, {"visitor_share": 2}, {"moved": 0.3}, {"visitor_pairs": 0}, {"max_rows": -1}]
)
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(CorpusError, match="choose"):
        ValidationSettings(**values)
