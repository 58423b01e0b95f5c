"""An attention sequence-to-sequence engine (NMT) on TensorFlow 2.

It knows token files and token ids; it knows no Korean, no chat and no database. `python -m core.nmt` is its
command line, which `flags` and `configuration` understand; `core.nmt.inference.Translator` answers from Python. Read
the modules in the order in which data flows: `vocab` and `dataset` make padded ids, `embeddings`, `encoders`,
`attention` and `decoders` make up the `model`, `losses` and `optimizers` are what `training` drives, and `search` and
`beams` decode for `evaluation` and `inference`. docs/engine.md is a course along the same way.
"""

import os

# On new processors TensorFlow leaves its products to oneDNN, which is a little quicker (docs/performance.md), writes
# beyond the result of one kind of them, and is told of on standard error whatever the log level. Without it they do as
# all others do. TensorFlow reads this once, when it is loaded.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
