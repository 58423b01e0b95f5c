"""One reviewed question and its rows."""

from core.memory.features import Spelling
from core.memory.reviewed import Reviewed


def test_the_newest_row_of_each_answer_counts_and_the_newest_answer_comes_first():
    reviewed = Reviewed(1, Spelling.of("안녕"))
    added = [reviewed.add(answer, row) for answer, row in [("네", 5), ("예", 3), ("네", 2)]]
    assert added == [True, True, False]
    assert list(reviewed.newest_rows()) == [2, 3]


def test_without_its_newest_row_an_answer_is_as_old_as_the_one_before():
    reviewed = Reviewed(1, Spelling.of("안녕"))
    for answer, row in [("네", 5), ("예", 3), ("네", 2)]:
        reviewed.add(answer, row)
    assert not reviewed.remove("네", 2)
    assert list(reviewed.newest_rows()) == [3, 5]
    assert reviewed.remove("예", 3)
    assert list(reviewed.newest_rows()) == [5]
