"""The index of questions: the few that may be nearest, out of any number. Tantivy does the work, in memory.

It knows numbers and texts; which questions are really near is judged by others.
"""

from __future__ import annotations

import tantivy

from core.memory.features import Spelling, runs

_ANALYSER = "runs"
_SIZE = 2  # characters of a run; single ones are in too many questions to be looked for quickly
_WRITER_BYTES = 32_000_000
_MOST_RUNS = 150  # looked for: those of an ordinary question are 20 to 60


class Index:
    """Questions by number, found by the runs of characters that they share with another (BM25).

    Changes are seen by `nearest` once they are committed. One thread at a time may change it; any may search.
    """

    def __init__(self) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("number", indexed=True, fast=True)
        builder.add_text_field("forms", tokenizer_name=_ANALYSER, index_option="basic")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        splitter = tantivy.Tokenizer.ngram(_SIZE, _SIZE, prefix_only=False)
        self._index.register_tokenizer(_ANALYSER, tantivy.TextAnalyzerBuilder(splitter).build())
        self._writer: tantivy.IndexWriter | None = None  # starts a thread: not before there is something to write
        self._searcher = self._index.searcher()
        self._is_changed = False

    def add(self, number: int, question: Spelling) -> None:
        """Add a question under a `number` that no other has."""
        document = tantivy.Document()
        document.add_integer("number", number)
        for text in question.searched:
            document.add_text("forms", text)
        self._open().add_document(document)

    def remove(self, number: int) -> None:
        """Take the question with this `number` out."""
        self._open().delete_documents_by_term("number", number)

    def commit(self) -> None:
        """Let searches that begin from now on see what was changed."""
        if self._writer is not None and self._is_changed:
            self._is_changed = False
            self._writer.commit()
            self._index.reload()
            self._searcher = self._index.searcher()

    def nearest(self, question: Spelling, limit: int) -> list[int]:
        """The numbers of up to `limit` questions that share most with `question`, best first."""
        searcher = self._searcher
        terms = list(dict.fromkeys(run for text in question.searched for run in runs(text, _SIZE)))[:_MOST_RUNS]
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "forms", term, "basic")) for term in terms]
        )
        hits = searcher.search(query, limit, count=False).hits
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        return [int(number) for number in numbers if number is not None]

    def _open(self) -> tantivy.IndexWriter:
        self._is_changed = True
        if self._writer is None:
            self._writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        return self._writer
