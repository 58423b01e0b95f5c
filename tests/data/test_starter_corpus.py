"""The bundled starter corpus is complete, polite, clean and says one thing per question."""

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[2] / "data" / "initial" / "corpus.csv"
COLUMNS = ["question", "answer", "category"]

# 해요체 ends a sentence in …요, or in …죠 (지요 drawn together).
POLITE_END = re.compile(r"[요죠][.!?~]$")
SENTENCE = re.compile(r"[^.!?]+[.!?]+")
# Cries and set greetings that have no polite form.
CRIES = {"멍멍!", "야옹!", "메리 크리스마스!"}
# Control, format, private, surrogate, unassigned, line and paragraph separators: nobody types them.
FORBIDDEN_CATEGORIES = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}

MIN_PAIRS = 600
MIN_CATEGORIES = 12
MIN_PAIRS_PER_CATEGORY = 15
MIN_ANSWERS = 200
MAX_QUESTION = 40
ANSWER_LENGTHS = range(8, 56)
MAX_SENTENCES = 3

Row = tuple[str, str, str]


def same_question(question: str) -> str:
    """Fold what a reader would not call a difference: case, spaces, runs like ㅋㅋㅋ, final punctuation."""
    folded = unicodedata.normalize("NFC", question).casefold()
    folded = re.sub(r"\s+", " ", folded).strip()
    folded = re.sub(r"([ㄱ-ㅣ])\1+", r"\1\1", folded)
    return re.sub(r"[\s.!?~…,;]+$", "", folded)


@pytest.fixture(scope="module")
def header_and_rows() -> tuple[list[str], list[Row]]:
    with CORPUS.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    return header, [tuple(row) for row in rows]


@pytest.fixture(scope="module")
def rows(header_and_rows: tuple[list[str], list[Row]]) -> list[Row]:
    return header_and_rows[1]


def test_header_names_the_columns(header_and_rows):
    assert header_and_rows[0] == COLUMNS


def test_every_row_has_three_cells_and_none_is_empty_or_padded(rows):
    odd = [row for row in rows if len(row) != 3 or any(not cell or cell != cell.strip() for cell in row)]
    assert odd == []


def test_there_are_enough_pairs_answers_and_categories(rows):
    per_category = Counter(category for _, _, category in rows)
    assert len(rows) >= MIN_PAIRS
    assert len({answer for _, answer, _ in rows}) >= MIN_ANSWERS
    assert len(per_category) >= MIN_CATEGORIES
    assert {name: n for name, n in per_category.items() if n < MIN_PAIRS_PER_CATEGORY} == {}


def test_no_question_is_asked_twice(rows):
    asked = Counter(same_question(question) for question, _, _ in rows)
    assert "" not in asked
    assert [question for question, n in asked.items() if n > 1] == []


def test_questions_that_differ_in_spacing_alone_share_their_answer(rows):
    answers = defaultdict(set)
    for question, answer, _ in rows:
        answers[same_question(question).replace(" ", "")].add(answer)
    assert {question: found for question, found in answers.items() if len(found) > 1} == {}


def test_an_answer_belongs_to_one_category(rows):
    categories = defaultdict(set)
    for _, answer, category in rows:
        categories[answer].add(category)
    assert {answer: names for answer, names in categories.items() if len(names) > 1} == {}


def test_most_answers_have_several_wordings_of_their_question(rows):
    wordings = Counter(answer for _, answer, _ in rows)
    varied = sum(n >= 3 for n in wordings.values())
    assert varied / len(wordings) >= 0.9


def test_answers_end_politely(rows):
    assert sorted({answer for _, answer, _ in rows if not POLITE_END.search(answer)}) == []


def test_every_sentence_of_an_answer_is_polite(rows):
    sentences = {sentence.strip() for _, answer, _ in rows for sentence in SENTENCE.findall(answer)}
    assert sorted(s for s in sentences if not POLITE_END.search(s)) == sorted(CRIES)


def test_questions_are_asked_in_casual_and_in_polite_speech(rows):
    polite = sum(bool(re.search(r"[요죠다까]$", same_question(question))) for question, _, _ in rows)
    assert 0.15 <= polite / len(rows) <= 0.6


def test_lengths_are_those_of_chat(rows):
    long_questions = [question for question, _, _ in rows if len(question) > MAX_QUESTION]
    odd_answers = {answer for _, answer, _ in rows if len(answer) not in ANSWER_LENGTHS}
    wordy = {answer for _, answer, _ in rows if len(SENTENCE.findall(answer)) > MAX_SENTENCES}
    assert (long_questions, odd_answers, wordy) == ([], set(), set())


def test_text_is_nfc_with_plain_single_spaces_and_no_hidden_characters(rows):
    def is_clean(cell: str) -> bool:
        return (
            unicodedata.is_normalized("NFC", cell)
            and "\u2581" not in cell  # the tokenizer's own mark
            and "  " not in cell
            and not any(unicodedata.category(char) in FORBIDDEN_CATEGORIES for char in cell)
            and not any(char.isspace() and char != " " for char in cell)
        )

    assert [cell for row in rows for cell in row if not is_clean(cell)] == []


def test_answers_are_written_in_hangul(rows):
    # Numbers (109) and names people know by their letters (MBTI) may stay; jamo such as ㅋㅋ may not.
    foreign = re.compile(r"[^가-힣 .,!?~0-9A-Z]")
    assert sorted({answer for _, answer, _ in rows if foreign.search(answer)}) == []


def test_distress_is_answered_with_the_helpline(rows):
    distress = re.compile(r"죽고 ?싶|죽을래|자살|자해|살기 ?싫|살고 싶지")
    answers = {question: answer for question, answer, _ in rows if distress.search(question)}
    assert len(answers) >= 10
    assert {question: answer for question, answer in answers.items() if "109" not in answer} == {}
