"""TensorBoard's event files, written with TensorFlow alone: TensorBoard itself need not be installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

DIRECTORY = "train_log"

# What an event calls a number -> what tensorflow/nmt calls its curve. Others keep their name.
_TAGS = {"loss": "train_loss", "ppl": "train_ppl", "step_time": "avg_step_time", "wps": "speed"}


class Summaries:
    """Curves and texts over the steps of one run, in a directory that is made; without one, nothing."""

    def __init__(self, directory: Path | None) -> None:
        self._writer = tf.summary.create_file_writer(str(directory)) if directory else tf.summary.create_noop_writer()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One point of each value's curve."""
        with self._writer.as_default():
            for name, value in values.items():
                self._write("scalars", _TAGS.get(name, name), tf.constant(value, tf.float32), step)

    def text(self, step: int, tag: str, text: str) -> None:
        """A text, which TensorBoard shows as Markdown."""
        with self._writer.as_default():
            self._write("text", tag, tf.constant(text), step)

    def close(self) -> None:
        """Write what is still in memory."""
        self._writer.close()

    def flush(self) -> None:
        """Likewise, and go on."""
        self._writer.flush()

    @staticmethod
    def _write(plugin: str, tag: str, value: tf.Tensor, step: int) -> None:
        """What `tf.summary.scalar` and `tf.summary.text` do, which ask for TensorBoard only to name its plugin."""
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = plugin
        tf.summary.write(tag, value, step, metadata)
