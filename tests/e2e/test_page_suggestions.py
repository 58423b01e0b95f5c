"""The suggestions on the empty page, against the corpus that the first model has learned."""

import csv
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_suggestion_is_a_question_of_the_starter_corpus():
    template = (ROOT / "templates/chat/index.html").read_text(encoding="utf-8")
    group = re.search(r'id="starters".*?</div>', template, re.DOTALL)
    assert group
    suggestions = re.findall(r"<button[^>]*>([^<]+)</button>", group.group())
    with (ROOT / "data/initial/corpus.csv").open(encoding="utf-8", newline="") as corpus:
        known = {row["question"] for row in csv.DictReader(corpus)}
    assert len(suggestions) == 4
    assert [text for text in suggestions if text not in known] == []
