import io

import pytest

from chat.pairfiles import (
    BadLine,
    PairFile,
    PairFileError,
    PairLine,
    detect_encoding,
    find_columns,
    open_pair_file,
    read_layout,
)


def read(text, encoding="utf-8", category_names=None, **columns):
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode(encoding))
    return list(PairFile(file, read_layout(file, **columns), category_names=category_names))


def pairs(text, **options):
    return [(line.question, line.answer, line.category) for line in read(text, **options)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_encodings_people_save_in_are_understood(encoding):
    assert pairs("question,answer\n안녕 똠방각하,뷁\n", encoding=encoding) == [("안녕 똠방각하", "뷁", "")]


def test_encoding_is_found_at_the_end_of_a_long_file():
    assert detect_encoding(io.BytesIO(b"a" * (1 << 20) + "끝".encode("cp949"))) == "cp949"


@pytest.mark.parametrize(
    "header",
    [
        "Q,A,label",
        "question,answer,category",
        "질문,답변,분류",
        " Question , ANSWER ,Label",
        "Q\tA\tlabel",
        "Q;A;label",
    ],
)
def test_headers_people_write_are_understood(header):
    delimiter = next(mark for mark in "\t;," if mark in header)
    assert pairs(f"{header}\n안녕{delimiter}응{delimiter}인사\n") == [("안녕", "응", "인사")]


def test_columns_may_stand_anywhere_and_be_named():
    assert pairs("id,reply,x,said\n1,응,,안녕\n", question="said", answer="reply") == [("안녕", "응", "")]


@pytest.mark.parametrize("text", ["", "\n", "x,y\n1,2\n", "question\n안녕\n", "안녕,응\n"])
def test_file_without_its_columns_is_refused(text):
    with pytest.raises(PairFileError):
        read(text)


def test_named_column_that_is_not_there_is_refused():
    with pytest.raises(PairFileError, match="--question-column"):
        read("question,answer\n", question="said")


def test_question_and_answer_are_two_columns():
    assert find_columns(["q", "x"], question="q", answer="q") is None


def test_quotes_commas_and_newlines_inside_a_cell_are_kept():
    assert pairs('question,answer\n"안녕, ""자람""","한 줄\n두 줄"\n') == [('안녕, "자람"', "한 줄\n두 줄", "")]


def test_bad_lines_are_told_by_number_and_the_others_read():
    text = 'question,answer\n안녕,응\n혼자\n,응\n안녕,\n\n"두\n줄",응\n하나,둘,셋\n끝,응\n'
    lines = read(text)
    assert [line.number for line in lines if isinstance(line, BadLine)] == [3, 4, 5, 9]
    assert [line.number for line in lines if isinstance(line, PairLine)] == [2, 7, 10]
    assert [line.reason for line in lines if isinstance(line, BadLine)] == [
        "1 columns where the header has 2",
        "the question is empty",
        "the answer is empty",
        "3 columns where the header has 2",
    ]


def test_damaged_bytes_make_one_line_bad():
    lines = read("question,answer\n좋은,줄\n".encode() + b"\xff\xfe\x80,x\n" + "다음,줄\n".encode())
    assert [type(line) for line in lines] == [PairLine, BadLine, PairLine]
    assert "decoded" in lines[1].reason


def test_nul_and_over_long_text_make_a_line_bad():
    first, second = read(f"question,answer\na\0b,응\n안녕,{'가' * 2001}\n")
    assert "NUL" in first.reason
    assert "2000" in second.reason


def test_cell_larger_than_csv_allows_is_one_bad_line():
    lines = read(f"question,answer\n안녕,{'가' * 200_000}\n다음,줄\n")
    assert isinstance(lines[0], BadLine)
    assert lines[-1].question == "다음"


def test_values_of_the_label_column_may_be_given_names():
    assert pairs("Q,A,label\n안녕,응,0\n음,응,7\n", category_names={"0": "일상"}) == [
        ("안녕", "응", "일상"),
        ("음", "응", "7"),
    ]


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(PairFileError, match="No such file"):
        open_pair_file(tmp_path / "none.csv")
    with pytest.raises(PairFileError, match="directory"):
        open_pair_file(tmp_path)
