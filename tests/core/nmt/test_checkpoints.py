"""Weights in and out of a model directory, and what is said when they can't be used."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from core.nmt.checkpoints import Checkpoints, load_model, stored_vectors, vocab_paths
from core.nmt.embeddings import Vectors
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.hparams_file import save_hparams
from core.nmt.model import Pretrained, Seq2Seq
from core.nmt.optimizers import make_optimizer
from core.nmt.vocab import SPECIALS, Vocab, write_vocab

HPARAMS = HParams(num_units=2, num_layers=1, attention="luong", optimizer="adam", num_keep_ckpts=2)


def make_model(hparams=HPARAMS, vocab_size=6):
    model = Seq2Seq(hparams, vocab_size, vocab_size)
    return model, make_optimizer(hparams.optimizer, model.trainable_variables)


def fill(model, optimizer, value):
    for variable in (*model.trainable_variables, *optimizer.first, *optimizer.second, optimizer.beta1_power):
        variable.assign(np.full(variable.shape, value, np.float32))


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A whole model whose weights are all 0.25."""
    directory = tmp_path_factory.mktemp("model")
    save_hparams(HPARAMS, directory)
    for path in vocab_paths(directory, HPARAMS):
        write_vocab(path, [*SPECIALS, "a", "b", "c"])
    model, optimizer = make_model()
    fill(model, optimizer, 0.25)
    Checkpoints(directory, model, optimizer).save_best({"step": 1})
    return directory


@pytest.fixture
def model_dir(untouched, tmp_path):
    """A copy of that model for a test to do with as it likes."""
    return shutil.copytree(untouched, tmp_path / "model")


def test_what_is_saved_is_restored_with_the_optimizer_and_the_step(tmp_path):
    model, optimizer = make_model()
    fill(model, optimizer, 0.5)
    Checkpoints(tmp_path, model, optimizer).save(7)
    model, optimizer = make_model()
    assert Checkpoints(tmp_path, model, optimizer).restore() == 7
    for variable in (*model.trainable_variables, *optimizer.first, *optimizer.second, optimizer.beta1_power):
        assert (variable.numpy() == 0.5).all()


def test_without_a_checkpoint_training_begins_at_step_0(tmp_path):
    model, optimizer = make_model()
    before = [v.numpy() for v in model.trainable_variables]
    assert Checkpoints(tmp_path, model, optimizer).restore() == 0
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert (variable.numpy() == value).all()


def test_the_last_checkpoints_are_kept_and_the_last_is_restored(tmp_path):
    model, optimizer = make_model()
    checkpoints = Checkpoints(tmp_path, model, optimizer)
    for step in (1, 2, 3):
        fill(model, optimizer, step)
        checkpoints.save(step)
    assert sorted(path.name for path in (tmp_path / "ckpt").glob("*.index")) == ["ckpt-2.index", "ckpt-3.index"]
    model, optimizer = make_model()
    assert Checkpoints(tmp_path, model, optimizer).restore() == 3
    assert (model.projection.numpy() == 3).all()


def test_the_best_weights_are_served_with_their_scores(model_dir):
    model, src_vocab, tgt_vocab = load_model(model_dir)
    assert all((variable.numpy() == 0.25).all() for variable in model.trainable_variables)
    assert model.hparams == HPARAMS
    assert src_vocab == tgt_vocab == Vocab([*SPECIALS, "a", "b", "c"])
    assert Checkpoints(model_dir, *make_model()).best() == {"step": 1}


def test_better_weights_replace_the_best_and_can_be_put_back(model_dir):
    model, optimizer = make_model()
    checkpoints = Checkpoints(model_dir, model, optimizer)
    fill(model, optimizer, 0.75)
    checkpoints.save_best({"step": 2, "dev_ppl": 1.5})
    assert checkpoints.best() == {"step": 2, "dev_ppl": 1.5}
    assert not (model_dir / "best.new").exists()
    fill(model, optimizer, 0.0)
    checkpoints.load_best()
    assert (model.projection.numpy() == 0.75).all()
    assert (load_model(model_dir)[0].projection.numpy() == 0.75).all()


def test_only_weights_are_served_and_no_optimizer(model_dir):
    served = {path.name for path in (model_dir / "best").iterdir()}
    assert served == {"best.json", "weights.index", "weights.data-00000-of-00001"}
    weights = sum(v.numpy().nbytes for v in make_model()[0].trainable_variables)
    assert (model_dir / "best" / "weights.data-00000-of-00001").stat().st_size < weights + 2000


def test_no_best_weights_have_no_scores(tmp_path):
    assert Checkpoints(tmp_path, *make_model()).best() is None


def test_damaged_scores_are_named(model_dir):
    (model_dir / "best" / "best.json").write_text("{", encoding="utf-8")
    with pytest.raises(NmtError, match=r"can't read .*best\.json"):
        Checkpoints(model_dir, *make_model()).best()


def test_a_moved_model_is_whole(model_dir, tmp_path):
    moved = tmp_path / "else" / "where"
    shutil.copytree(model_dir, moved)
    shutil.rmtree(model_dir)
    assert (load_model(moved)[0].projection.numpy() == 0.25).all()


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DATA, INDEX = "best/weights.data-00000-of-00001", "best/weights.index"


@pytest.mark.parametrize(
    ("ruin", "complaint"),
    [
        (lambda d: (d / "hparams.json").unlink(), "no model in"),
        (lambda d: (d / "vocab.rep").unlink(), "no vocabulary file"),
        (lambda d: shutil.rmtree(d / "best"), r"no weights in .*best: train a model into"),
        (lambda d: (d / DATA).unlink(), "damaged or of another model"),
        (lambda d: (d / DATA).write_bytes(b""), "damaged or of another model"),
        (lambda d: damage(d / DATA), "damaged or of another model"),
        (lambda d: (d / INDEX).write_bytes(b""), "damaged or of another model"),
        (lambda d: (d / INDEX).write_bytes(b"no index at all" * 20), "damaged or of another model"),
        (lambda d: damage(d / INDEX), "damaged or of another model"),
        (lambda d: write_vocab(d / "vocab.req", [*SPECIALS, "a"]), "damaged or of another model"),
        (lambda d: save_hparams(replace(HPARAMS, num_units=3), d), "damaged or of another model"),
        (lambda d: save_hparams(replace(HPARAMS, num_layers=2), d), "damaged or of another model"),
        (lambda d: save_hparams(replace(HPARAMS, unit_type="gru"), d), "damaged or of another model"),
    ],
)
def test_a_model_that_cannot_be_used_says_why_in_one_line(model_dir, ruin, complaint):
    ruin(model_dir)
    with pytest.raises(NmtError, match=complaint) as caught:
        load_model(model_dir)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_cannot_be_read_is_named(tmp_path):
    model, optimizer = make_model()
    Checkpoints(tmp_path, model, optimizer).save(4)
    damage(tmp_path / "ckpt" / "ckpt-4.data-00000-of-00001")
    with pytest.raises(NmtError, match=r"can't go on from .*ckpt-4: "):
        Checkpoints(tmp_path, *make_model()).restore()


def test_training_does_not_go_on_with_another_shape(tmp_path):
    model, optimizer = make_model()
    Checkpoints(tmp_path, model, optimizer).save(4)
    with pytest.raises(NmtError, match="can't go on from"):
        Checkpoints(tmp_path, *make_model(vocab_size=9)).restore()


def test_a_disk_that_takes_no_weights_is_one_line(tmp_path):
    checkpoints = Checkpoints(tmp_path, *make_model())
    shutil.rmtree(tmp_path / "ckpt", ignore_errors=True)
    (tmp_path / "ckpt").write_text("in the way", encoding="utf-8")
    with pytest.raises(NmtError, match="can't write weights into") as caught:
        checkpoints.save(1)
    assert "\n" not in str(caught.value)


def test_scores_are_json_that_people_can_read(model_dir):
    text = (model_dir / "best" / "best.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"step": 1}
    assert text.endswith("}\n")


def test_a_metrics_best_weights_lie_beside_the_served_ones(model_dir):
    model, optimizer = make_model()
    checkpoints = Checkpoints(model_dir, model, optimizer)
    fill(model, optimizer, 0.75)
    checkpoints.save_best({"step": 2}, "rouge")
    checkpoints.share_best("bleu")
    assert checkpoints.best("rouge") == {"step": 2}
    assert checkpoints.best("bleu") == checkpoints.best() == {"step": 1}
    assert checkpoints.best("chrf") is None
    assert (load_model(model_dir)[0].projection.numpy() == 0.25).all()
    served, shared = (model_dir / name / "weights.data-00000-of-00001" for name in ("best", "best_bleu"))
    assert served.samefile(shared)
    # Other weights are served now, and those of the metric stay as they were.
    checkpoints.save_best({"step": 3})
    assert checkpoints.best("bleu") == {"step": 1}
    assert not served.samefile(shared)
    assert {path.name for path in model_dir.glob("best*")} == {"best", "best_bleu", "best_rouge"}


def test_where_a_file_has_one_name_only_a_copy_is_shared(model_dir, monkeypatch):
    def link(source, target):
        raise OSError("no links here")

    monkeypatch.setattr("os.link", link)
    Checkpoints(model_dir, *make_model()).share_best("bleu")
    content = [(model_dir / name / "weights.index").read_bytes() for name in ("best", "best_bleu")]
    assert content[0] == content[1]


def test_a_run_that_was_killed_while_it_replaced_the_best_has_lost_nothing(model_dir):
    (model_dir / "best").rename(model_dir / "best.old")
    assert Checkpoints(model_dir, *make_model()).best() == {"step": 1}
    assert (load_model(model_dir)[0].projection.numpy() == 0.25).all()


def test_the_mean_of_kept_checkpoints_is_that_of_their_weights(tmp_path):
    model, optimizer = make_model()
    checkpoints = Checkpoints(tmp_path, model, optimizer)
    for step, value in ((1, 9.0), (2, 0.25), (3, 0.75)):  # two are kept
        fill(model, optimizer, value)
        checkpoints.save(step)
    fill(model, optimizer, 5.0)
    assert checkpoints.load_mean() == 2
    assert all((variable.numpy() == 0.5).all() for variable in model.trainable_variables)
    assert (optimizer.first[0].numpy() == 5.0).all()
    assert checkpoints.restore() == 3
    assert (model.projection.numpy() == 0.75).all()


def test_one_checkpoint_has_no_mean(tmp_path):
    model, optimizer = make_model()
    checkpoints = Checkpoints(tmp_path, model, optimizer)
    assert checkpoints.load_mean() == 0
    checkpoints.save(1)
    fill(model, optimizer, 5.0)
    assert checkpoints.load_mean() == 1
    assert (model.projection.numpy() == 5.0).all()


@pytest.mark.parametrize("share_vocab", [False, True])
def test_a_model_brings_the_vectors_that_it_was_given(tmp_path, share_vocab):
    hparams = replace(HPARAMS, share_vocab=share_vocab)
    vectors = Vectors(np.arange(6, dtype=np.float32).reshape(2, 3), np.array([0, 1, 2, 4, 3, 5], np.int32))
    model = Seq2Seq(hparams, 6, 6, Pretrained(vectors))
    save_hparams(hparams, tmp_path)
    for path in vocab_paths(tmp_path, hparams):
        write_vocab(path, [*SPECIALS, "a", "b", "c"])
    Checkpoints(tmp_path, model, make_optimizer("adam", model.trainable_variables)).save_best({"step": 1})
    found = stored_vectors(tmp_path / "best" / "weights", hparams)
    assert found.source.fixed.shape == (2, 3)
    assert found.target is None
    loaded, _, _ = load_model(tmp_path)
    ids = np.arange(6, dtype=np.int32)
    assert (loaded.source_embedding(ids).numpy() == model.source_embedding(ids).numpy()).all()
    assert loaded.source_embedding(ids).numpy()[[3, 5]].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (loaded.target_embedding is loaded.source_embedding) == share_vocab
