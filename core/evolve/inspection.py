"""What is worth knowing about the data of a run, held against the data of the live model."""

from __future__ import annotations

import logging

from core.corpus import Corpus, CorpusError
from core.corpus.stability import Profile
from core.corpus.validation import ValidationReport, validate
from core.registry import Run

logger = logging.getLogger(__name__)


def inspect_corpus(corpus: Corpus, live: Run | None) -> ValidationReport:
    """The findings in `corpus`; what can't be known of the `live` run's corpus is logged and not compared."""
    return validate(corpus, _profile(live) if live else None)


def _profile(live: Run) -> Profile | None:
    known = live.manifest.validation.get("profile")
    try:
        return Profile.read(live.path) if known is None else Profile.from_dict(known)
    except CorpusError as error:
        logger.warning("no drift is looked for: %s", error)
        return None
