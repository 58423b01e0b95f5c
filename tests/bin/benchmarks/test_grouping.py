"""What grouping saves, on hand-made neighbours."""

from benchmarks.grouping import Saved, group

# Four questions: a and b are near, b and c are nearer still, d is alone.
NEAREST = {
    "a": [("b", 0.8)],
    "b": [("c", 0.9), ("a", 0.8)],
    "c": [("b", 0.9)],
    "d": [("a", 0.2)],
}
ANSWERS = {"a": {"하나"}, "b": {"하나", "둘"}, "c": {"둘"}, "d": {"셋"}}


def test_a_question_takes_its_own_neighbours_and_not_theirs():
    assert group(NEAREST, ANSWERS, 0.7) == Saved(decisions=3, joined=1, agreeing=1)


def test_the_bar_decides_who_is_a_neighbour():
    assert group(NEAREST, ANSWERS, 0.85) == Saved(decisions=3, joined=1, agreeing=1)
    assert group(NEAREST, ANSWERS, 0.95) == Saved(decisions=4, joined=0, agreeing=0)


def test_who_is_decided_on_already_is_not_decided_on_again():
    assert group({"b": NEAREST["b"], "a": NEAREST["a"], "c": NEAREST["c"]}, ANSWERS, 0.7) == Saved(1, 2, 2)
