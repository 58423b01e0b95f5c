"""Finding what belongs to a model of the original, and refusing what does not fit it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.nmt.errors import NmtError
from core.nmt.hparams_file import load_hparams
from core.nmt.model import Seq2Seq
from core.nmt.optimizers import Adam
from core.nmt.original_model import OriginalModel, Places, checkpoint_prefix, is_original, relative
from core.nmt.original_weights import OriginalCheckpoint, Source, read_weights, sources_of

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def model_dir(tmp_path):
    """A model of the original that may be changed; its vocabularies are in ../data, as its hparams say."""
    shutil.copytree(GOLDEN / "data", tmp_path / "data")
    shutil.copytree(GOLDEN / "scaled_luong_adam", tmp_path / "model")
    return tmp_path / "model"


def change_hparams(model_dir, **values):
    path = model_dir / "hparams"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def test_a_directory_of_the_original_is_told_from_one_of_ours(model_dir):
    assert is_original(model_dir)
    (model_dir / "hparams.json").write_text("{}", encoding="utf-8")
    assert not is_original(model_dir)
    assert not is_original(model_dir / "none")


def test_a_directory_without_hparams_is_refused(tmp_path):
    with pytest.raises(NmtError, match="its file hparams is missing"):
        OriginalModel(tmp_path)


@pytest.mark.parametrize(
    ("path", "start", "seen"),
    [
        ("/a/data/vocab.req", "/a/model", "../data/vocab.req"),
        ("../data/vocab.req", ".", "../data/vocab.req"),
        ("data/vocab.req", "runs/model", "../../data/vocab.req"),
        ("/m/vocab.req", "/m", "vocab.req"),
    ],
)
def test_a_path_is_seen_from_the_models_directory(path, start, seen):
    assert relative(Path(path), Path(start)) == Path(seen)


@pytest.mark.parametrize(
    ("hparams", "place"),
    [
        ({"out_dir": "/gone/model", "vocab_prefix": "/gone/data/vocab"}, "data/vocab"),
        ({"out_dir": "/gone/model", "vocab_prefix": "/elsewhere/vocab"}, "model/vocab"),
        ({"out_dir": "runs/model", "vocab_prefix": "corpus/vocab"}, "corpus/vocab"),
        ({"out_dir": "/gone/model", "vocab_prefix": "/gone/words"}, "words"),
        ({"out_dir": "/gone/model", "vocab_prefix": ""}, "model/vocab"),
    ],
)
def test_vocabularies_are_found_near_the_model_when_their_paths_are_gone(model_dir, hparams, place):
    for side in ("src", "tgt"):
        target = model_dir.parent / f"{place}.{side}"
        target.parent.mkdir(exist_ok=True)
        shutil.move(model_dir.parent / "data" / f"vocab.{side}", target)
        hparams[f"{side}_vocab_file"] = f"{hparams['vocab_prefix']}.{side}" if hparams["vocab_prefix"] else ""
    change_hparams(model_dir, **hparams)
    model = OriginalModel(model_dir)
    assert (len(model.src_vocab), len(model.tgt_vocab)) == (38, 38)


def test_a_file_of_the_right_name_and_another_size_is_passed_over(model_dir):
    (model_dir / "vocab.src").write_text("<unk>\n<s>\n</s>\na\n", encoding="utf-8")
    change_hparams(model_dir, src_vocab_file="vocab.src")
    assert len(OriginalModel(model_dir).src_vocab) == 38


def test_hparams_of_the_first_version_describe_the_same_model(model_dir):
    """NM-chatbot's: one depth for both sides, no search modes, and the old names of a falling learning rate."""
    path = model_dir / "hparams"
    file = json.loads(path.read_text(encoding="utf-8"))
    new = ("infer_mode", "coverage_penalty_weight", "num_encoder_layers", "num_decoder_layers", "num_sampled_softmax")
    kept = {name: value for name, value in file.items() if name not in new and "residual_layers" not in name}
    del kept["decay_scheme"], kept["language_model"], kept["use_char_encode"]
    old = {"num_layers": 2, "num_residual_layers": 0, "source_reverse": False, "decay_steps": 10, "beam_width": 10}
    path.write_text(json.dumps(kept | old), encoding="utf-8")
    original = OriginalModel(model_dir)
    original.build()
    assert original.hparams.beams == 10


def test_without_vocabularies_it_says_what_to_give(model_dir):
    shutil.rmtree(model_dir.parent / "data")
    with pytest.raises(NmtError, match=r"give --vocab_prefix=PREFIX, for a file PREFIX\.tgt"):
        OriginalModel(model_dir)


def test_vocab_prefix_names_them_and_must_fit(model_dir):
    moved = model_dir.parent / "away"
    (model_dir.parent / "data").rename(moved)
    assert len(OriginalModel(model_dir, Places(vocab=moved / "vocab")).src_vocab) == 38
    (moved / "vocab.tgt").write_text("<unk>\n<s>\n</s>\n", encoding="utf-8")
    with pytest.raises(NmtError, match=r"no vocabulary of 38 tokens .* has 3"):
        OriginalModel(model_dir, Places(vocab=moved / "vocab"))


def test_the_newest_checkpoint_is_the_named_one_wherever_the_directory_is_now(model_dir):
    for suffix in ("index", "data-00000-of-00001"):
        shutil.copy(model_dir / f"translate.ckpt-200.{suffix}", model_dir / f"translate.ckpt-1000.{suffix}")
    assert checkpoint_prefix(model_dir).name == "translate.ckpt-200"
    (model_dir / "checkpoint").write_text('model_checkpoint_path: "/gone/translate.ckpt-200"\n', encoding="utf-8")
    assert checkpoint_prefix(model_dir) == model_dir / "translate.ckpt-200"
    (model_dir / "checkpoint").unlink()
    assert checkpoint_prefix(model_dir).name == "translate.ckpt-1000"
    assert checkpoint_prefix(model_dir, model_dir / "translate.ckpt-200").name == "translate.ckpt-200"


def test_a_missing_checkpoint_is_named(model_dir):
    with pytest.raises(NmtError, match=r"no checkpoint .*translate\.ckpt-7"):
        checkpoint_prefix(model_dir, model_dir / "translate.ckpt-7")
    (model_dir / "translate.ckpt-200.index").unlink()
    with pytest.raises(NmtError, match="no checkpoint in"):
        OriginalModel(model_dir)


def test_a_checkpoint_that_is_cut_short_is_refused(model_dir):
    path = model_dir / "translate.ckpt-200.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(NmtError, match="is damaged"):
        OriginalModel(model_dir).build()


def checkpoint():
    return OriginalCheckpoint(str(GOLDEN / "scaled_luong_adam" / "translate.ckpt-200"))


def hparams():
    return load_hparams(GOLDEN / "scaled_luong_adam")


def test_every_variable_has_its_place_and_its_values():
    model = Seq2Seq(hparams(), 38, 38)
    read_weights(checkpoint(), model)
    assert {v.ref() for v in model.variables} == {source.variable.ref() for source in sources_of(model)}
    kernel = checkpoint().tensor("dynamic_seq2seq/decoder/attention/multi_rnn_cell/cell_1/basic_lstm_cell/kernel")
    np.testing.assert_array_equal(model.decoder.cells[1].kernel.numpy(), kernel)


def test_a_missing_variable_is_named():
    model = Seq2Seq(replace(hparams(), num_encoder_layers=3, num_decoder_layers=3), 38, 38)
    with pytest.raises(NmtError, match=r"holds no dynamic_seq2seq/.*/cell_2/basic_lstm_cell/kernel"):
        read_weights(checkpoint(), model)


def test_a_variable_too_many_is_named():
    model = Seq2Seq(replace(hparams(), attention="luong"), 38, 38)
    with pytest.raises(NmtError, match=r"luong_attention/attention_g, which its hparams do not account for"):
        read_weights(checkpoint(), model)


def test_a_shape_that_does_not_fit_is_told_with_both():
    model = Seq2Seq(hparams(), 37, 38)
    with pytest.raises(NmtError, match=r"embedding_encoder .* of shape \(38, 6\).* must be \(37, 6\)"):
        read_weights(checkpoint(), model)


def test_partitions_deal_out_rows_like_cards():
    # 7 ids to 3 partitions: 0 3 6 | 1 4 | 2 5, one after the other.
    stored = np.array([0, 3, 6, 1, 4, 2, 5], np.float32)

    class Stored(OriginalCheckpoint):
        def __init__(self):
            self._prefix, self.shapes = "stored", {"table": (7,)}

        def tensor(self, name):
            return stored

    table = Source(np.zeros(7), ("table",), partitions=3)
    np.testing.assert_array_equal(Stored().values(table), np.arange(7))


def test_adams_moments_come_along():
    original = OriginalModel(GOLDEN / "scaled_luong_adam")
    model = original.build()
    optimizer = Adam(model.trainable_variables)
    original.fill(model, optimizer)
    place = [v.ref() for v in model.trainable_variables].index(model.projection.ref())
    name = "dynamic_seq2seq/decoder/output_projection/kernel/Adam"
    np.testing.assert_array_equal(optimizer.first[place].numpy(), checkpoint().tensor(name))
    np.testing.assert_array_equal(optimizer.second[place].numpy(), checkpoint().tensor(f"{name}_1"))
    assert original.step == 200
    assert float(optimizer.beta2_power) == pytest.approx(0.999**200, rel=1e-5)
