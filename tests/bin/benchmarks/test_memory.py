"""What `bin/bench memory` asks."""

from benchmarks import hybrid, memory
from benchmarks.memory import Halves
from benchmarks.paraphrases import hold_out

from core.corpus import Pair
from core.text import question_key


def test_unrelated_questions_are_many_and_others_to_report_than_to_choose_by():
    read = [path.read_text(encoding="utf-8").split("\n")[:-1] for path in (memory.UNRELATED, hybrid.UNRELATED)]
    for questions in read:
        assert len({question_key(question) for question in questions}) == len(questions) >= 200
    assert not set(map(question_key, read[0])) & set(map(question_key, read[1]))


def test_made_questions_are_as_many_as_asked_for_and_the_same_each_time():
    halves = Halves(["가 나", "다 라", "마"])
    drawn = halves.draw(9)
    assert len(set(drawn)) == 9
    assert drawn == Halves(["가 나", "다 라", "마"]).draw(9)
    assert {halves.question(0, 1), halves.question(0, 2)} == {"가 라", "가"}


def test_another_draw_holds_out_other_questions_by_the_same_rule():
    pairs = [Pair(f"{answer} {number}번", answer) for answer in ("네", "예") for number in range(5)]
    first, second = ({one.question for one in hold_out(pairs, draw)[1]} for draw in ("", "a"))
    assert len(first) == len(second) == 2
    assert not first & second
