"""Jaram without Django: Korean text, the seq2seq engine, the corpus, the model versions, the replies."""
