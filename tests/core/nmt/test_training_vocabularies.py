"""What a run makes of its vocabularies and of given vectors, and what it keeps of them with the model."""

from dataclasses import replace

import pytest

from core.nmt.checkpoints import load_model
from core.nmt.errors import NmtError
from core.nmt.training import train
from tests.core.nmt.training_runs import HPARAMS

pytestmark = pytest.mark.slow  # every test here makes a run


@pytest.mark.usefixtures("counting")
def test_one_vocabulary_can_be_shared(prefixes, tmp_path):
    hparams = replace(HPARAMS, num_train_steps=1, share_vocab=True)
    train(hparams, prefixes(), tmp_path, lambda event: None)
    model, src_vocab, tgt_vocab = load_model(tmp_path)
    assert model.target_embedding is model.source_embedding
    assert src_vocab == tgt_vocab


def test_a_language_model_learns_the_target_side_alone(corpus_dir, prefixes, tmp_path):
    hparams = replace(HPARAMS, language_model=True)
    scores = train(hparams, prefixes("dev"), tmp_path, lambda event: None)
    assert scores["dev_ppl"] < 12
    model, src_vocab, tgt_vocab = load_model(tmp_path)
    assert model.encoder is None
    assert src_vocab == tgt_vocab
    assert not (tmp_path / "vocab.req").exists()


def test_spelt_sources_are_trained_on_and_need_no_vocabulary(prefixes, tmp_path):
    hparams = replace(HPARAMS, use_char_encode=True)
    train(hparams, prefixes("dev"), tmp_path, lambda event: None)
    assert not (tmp_path / "vocab.req").exists()
    model, _, _ = load_model(tmp_path)
    assert model.source_embedding.letters.shape[0] == 262
    train(replace(hparams, num_train_steps=5), prefixes("dev"), tmp_path, lambda event: None)


@pytest.mark.parametrize("share_vocab", [False, True])
def test_given_vectors_stay_as_they_are_and_are_kept_with_the_model(prefixes, tmp_path, share_vocab):
    (tmp_path / "embed.req").write_text("2 3\na 1 2 3\nb 4 5 6\n", encoding="utf-8")
    hparams = replace(HPARAMS, share_vocab=share_vocab)
    data = replace(prefixes("dev"), embed=tmp_path / "embed")
    train(hparams, data, tmp_path / "model", lambda event: None)
    (tmp_path / "embed.req").unlink()
    # Going on and answering need the file no more.
    train(replace(hparams, num_train_steps=6), data, tmp_path / "model", lambda event: None)
    model, src_vocab, _ = load_model(tmp_path / "model")
    rows = model.source_embedding(src_vocab.ids(["b", "a"])).numpy()
    assert rows.tolist() == [[4, 5, 6], [1, 2, 3]]
    assert model.target_embedding.size == (3 if share_vocab else 4)


def test_vectors_that_are_not_there_are_named(prefixes, tmp_path):
    data = replace(prefixes(), embed=tmp_path / "embed")
    with pytest.raises(NmtError, match=r"neither .*embed\.req nor .*embed\.rep is there: check --embed_prefix"):
        train(HPARAMS, data, tmp_path / "model", lambda event: None)
    assert not (tmp_path / "model").exists()


@pytest.mark.usefixtures("counting")
def test_a_vocabulary_without_specials_gets_them_and_is_kept_so(prefixes, tmp_path):
    for suffix in ("req", "rep"):
        (tmp_path / f"vocab.{suffix}").write_text("".join(f"{letter}\n" for letter in "abcdefgh"), encoding="utf-8")
    hparams = replace(HPARAMS, num_train_steps=1, metrics="", sos="<go>", eos="<stop>")
    data = replace(prefixes("dev"), vocab=tmp_path / "vocab")
    for _ in range(2):  # once more: the vocabulary that is kept is no other
        train(hparams, data, tmp_path / "model", lambda event: None)
    kept = (tmp_path / "model" / "vocab.rep").read_text(encoding="utf-8").split()
    assert kept == ["<unk>", "<go>", "<stop>", *"abcdefgh"]
    with pytest.raises(NmtError, match="holds no <go> and no <stop>"):
        train(replace(hparams, check_special_token=False), data, tmp_path / "other", lambda event: None)


def test_specials_may_stand_anywhere_when_they_are_not_checked(prefixes, tmp_path):
    tokens = ["a", "</s>", *"bcdefgh", "<s>"]
    for suffix in ("req", "rep"):
        (tmp_path / f"vocab.{suffix}").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    hparams = replace(HPARAMS, check_special_token=False)
    train(hparams, replace(prefixes("dev"), vocab=tmp_path / "vocab"), tmp_path / "model", lambda event: None)
    _, _, tgt_vocab = load_model(tmp_path / "model")
    assert (tgt_vocab.sos_id, tgt_vocab.eos_id) == (9, 1)
