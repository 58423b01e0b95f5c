"""Sharing a file among processes, and putting its answers together."""

import pytest

from core.nmt.answers import Answer, AnswerFiles, Finding
from core.nmt.jobs import Job, Parts


@pytest.mark.parametrize(("lines", "count", "batch"), [(100, 3, 16), (100, 3, 32), (5, 4, 1), (3, 7, 2), (0, 2, 4)])
def test_shares_are_whole_batches_that_make_up_the_file(lines, count, batch):
    shares = [Job(number, count).share(lines, batch) for number in range(count)]
    assert [line for share in shares for line in share] == list(range(lines))
    assert all(share.start % batch == 0 or not share for share in shares)
    batches = [-(-len(share) // batch) for share in shares]
    assert max(batches) - min(batches) <= 1


def answers(numbers):
    return [Answer(number, [f"q{number}"], [Finding([f"a{number}"], -1.0, -1.0)]) for number in numbers]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_whoever_comes_last_writes_the_file(tmp_path, order):
    output = tmp_path / "out"
    parts, files = Parts(output, "abc", 3), AnswerFiles(output)
    for place, number in enumerate(order):
        parts.leave(number, answers([2 * number, 2 * number + 1]))
        assert not output.exists()
        gathered = parts.gather(files)
        assert (gathered is None) == (place < 2)
    assert gathered == [f"a{number}" for number in range(6)]
    assert output.read_text(encoding="utf-8").split() == gathered
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_job_that_died_is_run_again_and_nothing_else(tmp_path):
    parts, files = Parts(tmp_path / "out", "abc", 2), AnswerFiles(tmp_path / "out")

    def dying():
        yield from answers([0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.leave(0, dying())
    parts.leave(1, answers([1]))
    assert parts.gather(files) is None
    parts.leave(0, answers([0]))
    assert parts.gather(files) == ["a0", "a1"]


def test_parts_of_other_answers_are_left_alone(tmp_path):
    files = AnswerFiles(tmp_path / "out")
    old, new = Parts(tmp_path / "out", "old", 2), Parts(tmp_path / "out", "new", 2)
    old.leave(0, answers([7]))
    new.leave(1, answers([1]))
    assert new.gather(files) is None
    new.leave(0, answers([0]))
    assert new.gather(files) == ["a0", "a1"]
    assert old.path(0).exists()


def test_of_two_jobs_that_see_the_last_part_one_writes(tmp_path):
    """The other finds the parts gone while it reads them, and has nothing left to do."""
    parts, files = Parts(tmp_path / "out", "abc", 2), AnswerFiles(tmp_path / "out")
    for number in range(2):
        parts.leave(number, answers([number]))

    class Slow(AnswerFiles):
        def write(self, found):
            assert parts.gather(files) == ["a0", "a1"]
            return super().write(found)

    assert parts.gather(Slow(tmp_path / "out")) is None
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_text(encoding="utf-8") == "a0\na1\n"
