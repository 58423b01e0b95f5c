"""An attention sequence-to-sequence engine (NMT) on TensorFlow 2.

It knows token files and token ids; it knows no Korean, no chat and no database. `python -m core.nmt` is its
command line; `core.nmt.inference.Translator` answers from Python. Read the modules in the order in which data
flows: `vocab` and `dataset` make padded ids, `embeddings`, `encoders`, `attention` and `decoders` make up the
`model`, `losses` and `optimizers` are what `training` drives, and `search` decodes for `evaluation` and
`inference`.
"""
