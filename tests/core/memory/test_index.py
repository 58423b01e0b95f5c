"""The index of questions by runs of characters."""

from core.memory.features import Spelling
from core.memory.index import Index


def index_of(*questions):
    index = Index()
    for number, question in enumerate(questions, start=1):
        index.add(number, Spelling.of(question))
    index.commit()
    return index


def nearest(index, question, limit=10):
    return index.nearest(Spelling.of(question), limit)


def test_what_shares_most_comes_first_and_what_shares_nothing_not_at_all():
    index = index_of("여행 가고 싶다", "여행 가고 싶어", "배고파")
    assert nearest(index, "여행 가고 싶어?") == [2, 1]


def test_spaces_do_not_matter_and_one_syllable_is_enough():
    index = index_of("오늘 뭐 해", "뭐")
    assert nearest(index, "오늘뭐해")[0] == 1
    assert nearest(index, "뭐")[0] == 2


def test_a_limit_is_kept():
    assert len(nearest(index_of(*(f"질문 {number}" for number in range(20))), "질문", 5)) == 5


def test_what_is_removed_is_not_found_once_it_is_committed():
    index = index_of("배고파", "배불러")
    index.remove(1)
    assert nearest(index, "배고파")[0] == 1
    index.commit()
    assert nearest(index, "배고파") == [2]


def test_an_empty_index_finds_nothing():
    index = Index()
    index.commit()
    assert nearest(index, "안녕") == []
