from core.corpus.pair import Pair
from core.corpus.report import Conflict, CorpusReport, Omissions, Reason


def report(**values):
    defaults = {
        "seen": 30, "train": 20, "dev": 2, "test": 3, "train_questions": 19, "left_out": {}, "conflicts": (),
        "echoes": 0, "src_vocab_size": 100, "tgt_vocab_size": 90,
    }  # fmt: skip
    return CorpusReport(**{**defaults, **values})


def test_pairs_without_a_row_are_counted_but_not_listed():
    omissions = Omissions()
    omissions.add(Reason.DUPLICATE, Pair("가", "나", row=3), Pair("가", "나"))
    omissions.add(Reason.SUPERSEDED)
    ((reason, omission),) = omissions.by_reason().items()
    assert (reason, omission.count, omission.rows) == (Reason.DUPLICATE, 2, (3,))


def test_a_clean_corpus_has_a_short_summary():
    assert report().summary() == [
        "30 pairs seen, 25 used: 20 to train (19 questions), 2 dev, 3 test",
        "vocabulary: 100 tokens in questions, 90 in answers",
    ]


def test_the_summary_names_reasons_and_the_first_rows():
    omissions = Omissions()
    omissions.add(Reason.EMPTY_ANSWER, *(Pair("가", "", row=i) for i in range(12)))
    assert (
        "12 left out: empty answer (rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more)"
        in report(left_out=omissions.by_reason()).summary()
    )


def test_the_summary_tells_decided_questions_from_undecided_ones():
    conflicts = (Conflict("뭐해", ("쉬어요",), ("몰라요",), ()), Conflict("왜", ("그냥요", "글쎄요"), (), ()))
    lines = report(conflicts=conflicts * 4).summary()
    assert "8 questions came with different answers: 4 follow the newest reviewed one, 4 have none" in lines[2]
    assert lines[3:5] == ["  뭐해 → 쉬어요 (not: 몰라요)", "  왜 → 그냥요 / 글쎄요"]
    assert lines[-1] == "  and 3 more"


def test_every_reason_has_words():
    assert all(reason.text for reason in Reason)
