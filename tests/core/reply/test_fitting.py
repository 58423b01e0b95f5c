"""Labelled questions of a run, and the calibration that is fitted to them, on a fake engine."""

import pytest

from core.memory import Match
from core.reply import ReplyError
from core.reply.calibration import LOOKS_AT
from core.reply.evidence import Evidence, remembered, thought_of
from core.reply.fitting import fit, labelled
from core.reply.loading import load_own_memory, read_pairs

WORDS = ["봄", "여름", "가을", "겨울", "아침", "점심", "저녁", "새벽", "바다", "산", "강", "하늘"]


def write(path, sentences):
    path.write_text("".join(f"{' '.join(f'▁{word}' for word in one.split())}\n" for one in sentences), encoding="utf-8")


@pytest.fixture
def model_dir(tmp_path):
    """A run that was taught the seasons and held out other ways to ask for them."""
    trained = [f"{word} 어때 {place} 에서" for word in WORDS for place in WORDS]
    held = [f"{word} 어때 {place} 쪽" for word in WORDS for place in WORDS]
    run = tmp_path / "run-1"
    (run / "model").mkdir(parents=True)
    for name, questions in (("train", trained), ("dev", held[:70]), ("test", held[70:])):
        write(run / f"{name}.req", questions)
        write(run / f"{name}.rep", [f"{question.split()[0]} 좋아요" for question in questions])
    return run / "model"


def test_labelled_questions_are_unseen_ones_and_noisy_forms_with_their_answers(model_dir):
    found = labelled(model_dir)
    trained = {question for question, _ in read_pairs(model_dir, "train")}
    assert not trained & {one.question for one in found}
    assert sum(one.question.endswith("쪽") for one in found) >= 144
    assert len(found) > 150
    assert all(len(one.right) == 1 for one in found)
    assert found == labelled(model_dir)


def test_a_run_that_held_out_few_questions_is_not_calibrated(model_dir, live, tokenizer):
    for suffix in ("req", "rep"):
        write(model_dir.parent / f"test.{suffix}", [])
    assert labelled(model_dir) == []
    assert fit(live(), model_dir, load_own_memory(model_dir, tokenizer), tokenizer) is None


def test_fitting_learns_whom_to_trust(model_dir, live, tokenizer):
    memory = load_own_memory(model_dir, tokenizer)
    # An engine that is sure of what it says by itself, which is never right.
    fitted = fit(live("run-1"), model_dir, memory, tokenizer)
    near, far = fitted.models["memory"].probabilities([Evidence(nearest=one, share=1.0) for one in (0.9, 0.1)])
    assert near > far
    assert fitted.chances("neural", [thought_of(0.9)])[0] < 0.1
    assert fitted.origin.endswith("labelled questions of run-1")
    assert {mode: set(model.weights) for mode, model in fitted.models.items()} == {
        mode: set(names) for mode, names in LOOKS_AT.items()
    }


def test_a_directory_that_is_no_run_has_no_memory(tmp_path, tokenizer, model_dir):
    assert load_own_memory(tmp_path, tokenizer) is None
    assert load_own_memory(model_dir, tokenizer).find("봄 어때 산 에서")[0].answer == "봄 좋아요"


def test_files_that_do_not_match_are_told(model_dir):
    write(model_dir.parent / "train.rep", ["하나"])
    with pytest.raises(ReplyError, match="144 and 1 lines"):
        read_pairs(model_dir, "train")


def test_evidence_of_each_answer_is_its_share_of_the_votes_and_how_near_anything_is():
    matches = [Match(1, "가 나", "하나", 0.8), Match(2, "가 다", "둘", 0.5), Match(3, "가", "하나", 0.4)]
    (first, one), (second, two) = remembered(matches)
    assert (first, second) == ("하나", "둘")
    assert 0.8 < one.share < one.share + two.share < 1.0
    [(_, far)] = remembered([Match(1, "가 나", "하나", 0.2)])
    assert far.share < 0.2
    assert one.nearest == two.nearest == 0.8
    assert remembered([]) == []


def test_the_engines_evidence_is_the_logarithm_of_its_score_and_never_endless():
    assert thought_of(0.5) == Evidence(log_prob=pytest.approx(-0.6931, abs=1e-4))
    assert thought_of(0.0) == thought_of(1e-9) == Evidence(log_prob=-10.0)
