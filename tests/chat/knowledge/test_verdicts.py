"""Which answers of a row are wrong, by what was decided on it."""

from types import SimpleNamespace

import pytest

from chat.knowledge.verdicts import wrong_answers


@pytest.mark.parametrize(
    ("verify", "source", "answer", "correction", "wrong"),
    [
        ("approved", "neural", "나간 답", "", ()),
        ("approved", "neural", "나간 답", "고친 답", ("나간 답",)),
        ("approved", "neural", "나간 답", " 나간  답 ", ()),
        ("pending", "neural", "나간 답", "고친 답", ("나간 답",)),
        ("pending", "neural", "나간 답", "", ()),
        ("delete", "neural", "나간 답", "", ("나간 답",)),
        ("delete", "neural", "나간 답", "고친 답", ("나간 답", "고친 답")),
        ("delete", "neural", " ", "고친 답", ("고친 답",)),
        ("delete", "fallback", "아직 몰라요", "", ()),
        ("approved", "fallback", "아직 몰라요", "고친 답", ()),
        ("delete", "fallback", "아직 몰라요", "고친 답", ("고친 답",)),
    ],
)
def test_wrong_is_what_was_corrected_and_whatever_a_rejected_row_holds(verify, source, answer, correction, wrong):
    row = SimpleNamespace(verify=verify, source=source, answer=answer, correction=correction)
    assert wrong_answers(row) == wrong
