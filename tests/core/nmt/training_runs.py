"""A training run that is over at once, and what is read from what such runs leave on disk."""

import tensorflow as tf

from core.nmt.checkpoints import load_model
from core.nmt.hparams import HParams

HPARAMS = HParams(
    num_units=4,
    num_layers=1,
    attention="scaled_luong",
    optimizer="adam",
    learning_rate=0.01,
    dropout=0.3,
    batch_size=8,
    num_buckets=2,
    num_train_steps=4,
    steps_per_stats=1,
    steps_per_external_eval=2,
    num_keep_ckpts=9,
    summaries=False,
)


def weights_at(directory, step):
    """Every variable of a checkpoint, optimizer and step included, by name."""
    reader = tf.train.load_checkpoint(str(directory / "ckpt" / f"ckpt-{step}"))
    names = [name for name in reader.get_variable_to_shape_map() if name.endswith("VARIABLE_VALUE")]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def served_projection(directory):
    return load_model(directory)[0].projection.numpy()


def projection_at(directory, step):
    return weights_at(directory, step)["model/projection/.ATTRIBUTES/VARIABLE_VALUE"]
