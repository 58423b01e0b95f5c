import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus import CorpusError, CorpusSettings, Pair, Reason, build
from core.nmt.vocab import SPECIALS, Vocab
from core.text import Tokenizer, get_analyser, normalise, normalise_question

ROOT = Path(__file__).parents[3]
HOLD_OUT = CorpusSettings(min_bulk=10, dev_share=0.2, test_share=0.2)


class WordAnalyser:
    """Cuts at spaces only, so that a test can count its tokens."""

    name = "words"

    def morphemes(self, text):
        return text.split()


WORDS = Tokenizer(WordAnalyser())


def bulk(n):
    return [Pair(f"질문 {i}", f"답 {i}", bulk=True, row=i) for i in range(n)]


def learned(corpus):
    return [(example.pair.question, example.pair.answer) for example in corpus.train]


def left_out(corpus):
    return {reason: omission.rows for reason, omission in corpus.report.left_out.items()}


def test_both_sides_are_tokens_and_join_to_the_normalised_pair():
    tokenizer = Tokenizer(get_analyser("mecab"))
    corpus = build([Pair("  뭐해\t?", "당신을\n기다렸어요.")], tokenizer, CorpusSettings(min_frequency=1))
    (example,) = corpus.train
    assert example.source == ["▁뭐", "해", "▁?"]
    assert tokenizer.join(example.target) == example.pair.answer == "당신을 기다렸어요."


def test_both_sides_may_have_one_vocabulary():
    pairs = [Pair("가나 다라", "마바"), Pair("마바", "가나 가나")]
    corpus = build(pairs, WORDS, CorpusSettings(one_vocabulary=True))
    assert corpus.src_vocab == corpus.tgt_vocab
    assert {"▁가나", "▁마바", *"▁가나다라마바"} <= set(corpus.src_vocab)
    apart = build(pairs, WORDS, CorpusSettings())
    assert "▁마바" not in apart.src_vocab


def test_pairs_without_a_question_or_an_answer_are_left_out_by_row():
    pairs = [
        Pair("안녕", "반가워요", row=1),
        Pair(" \n\t", "네", row=2),
        Pair("왜", "", row=3),
        Pair("\x00", " ", row=4),
    ]
    corpus = build(pairs, WORDS, CorpusSettings())
    assert left_out(corpus) == {Reason.EMPTY_QUESTION: (2, 4), Reason.EMPTY_ANSWER: (3,)}
    assert learned(corpus) == [("안녕", "반가워요")]


def test_pairs_that_differ_only_in_spelling_count_once():
    pairs = [Pair("안녕 ㅋㅋㅋㅋ", "네!", bulk=True, row=1), Pair(" 안녕  ㅋㅋ", "네! ", bulk=True, row=2)]
    corpus = build(pairs, WORDS, CorpusSettings())
    assert left_out(corpus) == {Reason.DUPLICATE: (2,)}
    assert corpus.report.conflicts == ()


def test_the_newest_reviewed_answer_is_the_one_that_is_learned():
    pairs = [
        Pair("이름이 뭐야", "몰라요", bulk=True, row=1),
        Pair("이름이 뭐야", "자람이에요", row=2),
        Pair("이름이 뭐야", "저는 자람이에요", row=3),
        Pair("이름이 뭐야", "비밀이에요", bulk=True, row=4),
    ]
    corpus = build(pairs, WORDS, CorpusSettings())
    assert learned(corpus) == [("이름이 뭐야", "저는 자람이에요")]
    assert left_out(corpus) == {Reason.SUPERSEDED: (1, 2, 4)}
    (conflict,) = corpus.report.conflicts
    assert conflict.kept == ("저는 자람이에요",)
    assert conflict.superseded == ("몰라요", "자람이에요", "비밀이에요")
    assert conflict.rows == (1, 2, 3, 4)


def test_an_answer_that_is_approved_again_is_the_newest_again():
    pairs = [Pair("뭐해", "놀아요", row=1), Pair("뭐해", "공부해요", row=2), Pair("뭐해", "놀아요", row=3)]
    corpus = build(pairs, WORDS, CorpusSettings())
    assert [example.pair.row for example in corpus.train] == [3]
    assert left_out(corpus) == {Reason.DUPLICATE: (1,), Reason.SUPERSEDED: (2,)}


def test_a_reviewed_pair_is_not_a_duplicate_of_the_same_pair_in_a_file():
    pairs = [
        Pair("뭐해", "놀아요", row=1),
        Pair("뭐해", "놀아요", bulk=True, row=2),
        Pair("뭐해", "자요", bulk=True, row=3),
    ]
    corpus = build(pairs, WORDS, CorpusSettings())
    assert [example.pair.row for example in corpus.train] == [1]


def test_of_two_equal_pairs_the_one_that_is_kept_has_the_mark_of_a_canary():
    marked, again = Pair("누구야?", "자람", row=1, canary=True), Pair("누구야?", "자람", row=2)
    corpus = build([*bulk(3), marked, again], WORDS, CorpusSettings())
    assert [(example.pair.row, example.pair.canary) for example in corpus.train][3:] == [(2, True)]
    assert corpus.report.unheld_canaries == ()


def test_a_canary_that_is_not_learned_is_reported_with_the_reason():
    pairs = [
        Pair("누구야?", "자람", row=1, canary=True),
        Pair("누구야?", "다른 답", row=2),
        Pair("뭐 해?", "말 " * 60, row=3, canary=True),
    ]
    report = build([*bulk(3), *pairs], WORDS, CorpusSettings()).report
    assert {canary.row: canary.reason for canary in report.unheld_canaries} == {
        1: Reason.SUPERSEDED,
        3: Reason.ANSWER_TOO_LONG,
    }
    said = "must always hold, but is not learned (rows 1): 누구야? → 자람: another answer to the question was reviewed"
    assert any(line.startswith(said) for line in report.summary())
    assert json.loads(json.dumps(report.to_dict()))["unheld_canaries"][0]["reason"] == "answer_too_long"


def test_all_answers_of_a_file_are_learned_and_listed():
    pairs = [Pair("심심해", "놀아요", bulk=True), Pair("심심해", "책을 읽어요", bulk=True)]
    corpus = build(pairs, WORDS, CorpusSettings())
    assert learned(corpus) == [("심심해", "놀아요"), ("심심해", "책을 읽어요")]
    assert corpus.report.conflicts[0].kept == ("놀아요", "책을 읽어요")
    assert corpus.report.train_questions == 1


def test_a_sentence_of_the_longest_length_is_used_and_a_longer_one_is_left_out():
    pairs = [Pair("가 나 다", "라 마", row=1), Pair("가 나 다 라", "마", row=2), Pair("마", "가 나 다", row=3)]
    corpus = build(pairs, WORDS, CorpusSettings(src_max_len=3, tgt_max_len=2, min_frequency=1))
    assert learned(corpus) == [("가 나 다", "라 마")]
    assert left_out(corpus) == {Reason.QUESTION_TOO_LONG: (2,), Reason.ANSWER_TOO_LONG: (3,)}


def test_the_length_that_counts_is_that_after_spelling():
    pairs = [Pair("가나다라마", "네", row=1), Pair("네 네", "네", row=2), Pair("네", "네 네", row=3)]
    corpus = build(pairs, WORDS, CorpusSettings(src_max_len=5, min_frequency=2))
    assert left_out(corpus) == {Reason.QUESTION_TOO_LONG: (1,)}  # ▁ 가 나 다 라 마
    assert "가" not in corpus.src_vocab


def test_leaving_out_a_sentence_that_makes_another_word_rare_is_thought_to_the_end():
    # ▁희귀단어 occurs twice until the first answer, too long when spelt, is gone: then the second is too long too.
    pairs = [
        Pair("하나", "희귀단어 유일무이한말", row=1),
        Pair("둘", "희귀단어 네 네", row=2),
        Pair("셋", "네 네", row=3),
    ]
    corpus = build(pairs, WORDS, CorpusSettings(tgt_max_len=5, min_frequency=2))
    assert left_out(corpus) == {Reason.ANSWER_TOO_LONG: (1, 2)}
    assert all(token in corpus.tgt_vocab for example in corpus.train for token in example.target)


def test_an_older_answer_stands_in_for_a_newest_one_that_is_too_long():
    pairs = [Pair("뭐해", "쉬어요", row=1), Pair("뭐해", "가 나 다 라", row=2)]
    corpus = build(pairs, WORDS, CorpusSettings(tgt_max_len=3, min_frequency=1))
    assert learned(corpus) == [("뭐해", "쉬어요")]
    assert left_out(corpus) == {Reason.ANSWER_TOO_LONG: (2,)}


def test_only_bulk_questions_are_held_out():
    pairs = [*bulk(200), *(Pair(f"내 질문 {i}", "네") for i in range(100))]
    corpus = build(pairs, WORDS, HOLD_OUT)
    assert corpus.dev
    assert corpus.test
    assert all(example.pair.bulk for example in corpus.dev + corpus.test)
    assert sum(not example.pair.bulk for example in corpus.train) == 100


def test_a_reviewed_question_of_a_file_moves_to_training():
    held_out = build(bulk(200), WORDS, HOLD_OUT).test[0].pair
    corpus = build([*bulk(200), Pair(held_out.question, "고친 답")], WORDS, HOLD_OUT)
    assert (held_out.question, "고친 답") in learned(corpus)
    assert held_out.question not in {example.pair.question for example in corpus.dev + corpus.test}


def test_a_small_file_is_all_trained_on():
    corpus = build(bulk(99), WORDS, CorpusSettings(min_bulk=100))
    assert (len(corpus.train), len(corpus.dev), len(corpus.test)) == (99, 0, 0)


short_text = st.text("가나다 ㅋ!\n", max_size=5)
any_pairs = st.lists(st.builds(Pair, short_text, short_text, st.booleans(), row=st.integers(0, 99)), max_size=40)


@settings(deadline=None)
@given(
    pairs=any_pairs,
    choice=st.builds(
        CorpusSettings,
        dev_share=st.floats(0, 0.4),
        test_share=st.floats(0, 0.4),
        min_bulk=st.integers(0, 5),
        min_frequency=st.integers(1, 3),
        src_max_len=st.integers(1, 6),
        tgt_max_len=st.integers(1, 6),
    ),
)
def test_whatever_comes_in_no_rule_is_broken(pairs, choice):
    tokenizer = Tokenizer(get_analyser("mecab"))
    try:
        corpus = build(iter(pairs), tokenizer, choice)
    except CorpusError:
        return
    questions = [{e.pair.question for e in part} for part in (corpus.train, corpus.dev, corpus.test)]
    assert sum(map(len, questions)) == len(set.union(*questions))
    assert all(e.pair.bulk for e in corpus.dev + corpus.test)
    for example in corpus.train + corpus.dev + corpus.test:
        assert tokenizer.join(example.source) == example.pair.question
        assert tokenizer.join(example.target) == example.pair.answer
        assert 0 < len(example.source) <= choice.src_max_len
        assert 0 < len(example.target) <= choice.tgt_max_len
    for example in corpus.train:
        assert set(example.source) <= set(corpus.src_vocab)
        assert set(example.target) <= set(corpus.tgt_vocab)
    report = corpus.report
    assert report.seen == len(pairs) == report.used + sum(omission.count for omission in report.left_out.values())
    # A question that a person answered is learned, unless no answer of theirs fits.
    too_long = set(left_out(corpus).get(Reason.QUESTION_TOO_LONG, ())) | set(
        left_out(corpus).get(Reason.ANSWER_TOO_LONG, ())
    )
    for pair in pairs:
        question = normalise_question(pair.question)
        if question and normalise(pair.answer) and not pair.bulk and question not in questions[0]:
            assert too_long


def test_nothing_to_learn_from_says_what_to_do():
    with pytest.raises(CorpusError, match="approve some exchanges or import"):
        build([], WORDS, CorpusSettings())


def test_when_all_is_left_out_the_error_says_why_and_which():
    with pytest.raises(CorpusError, match=r"from 2 pairs: 1 left out: empty question \(rows 7\).*empty answer"):
        build([Pair(" ", "네", row=7), Pair("네", "\n", row=8)], WORDS, CorpusSettings())


def test_when_all_is_held_out_the_error_names_the_settings():
    everything = CorpusSettings(min_bulk=1, test_share=0.999, dev_share=0)
    with pytest.raises(CorpusError, match="held out: lower dev_share and test_share"):
        build(bulk(3), WORDS, everything)


def test_files_hold_the_sets_line_by_line(tmp_path):
    tokenizer = Tokenizer(get_analyser("mecab"))
    corpus = build(bulk(200), tokenizer, HOLD_OUT)
    corpus.write(tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(
        f"{name}.{side}" for name in ("train", "dev", "test", "vocab") for side in ("req", "rep")
    )
    for name, examples in (("train", corpus.train), ("dev", corpus.dev), ("test", corpus.test)):
        sources = (tmp_path / "run" / f"{name}.req").read_text(encoding="utf-8").split("\n")
        targets = (tmp_path / "run" / f"{name}.rep").read_text(encoding="utf-8").split("\n")
        assert [line.split(" ") for line in sources[:-1]] == [example.source for example in examples]
        assert [line.split(" ") for line in targets[:-1]] == [example.target for example in examples]
    vocab = Vocab.load(tmp_path / "run" / "vocab.rep")
    assert vocab.tokens(range(3)) == list(SPECIALS)
    assert len(vocab) == corpus.report.tgt_vocab_size
    assert not any((vocab.ids(example.target) == 0).any() for example in corpus.train)


def test_empty_sets_empty_the_files_of_an_earlier_corpus(tmp_path):
    build(bulk(200), WORDS, HOLD_OUT).write(tmp_path)
    build(bulk(5), WORDS, HOLD_OUT).write(tmp_path)
    assert (tmp_path / "dev.req").read_text() == (tmp_path / "test.rep").read_text() == ""


def test_a_directory_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError, match=r"can't write the corpus to .*file/run"):
        build(bulk(5), WORDS, CorpusSettings()).write(tmp_path / "file" / "run")


@pytest.mark.slow
def test_the_same_pairs_give_the_same_files_in_another_process(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from core.corpus import *; from core.text import *\n"
        "pairs = [Pair(f'질문 {i} 번', f'답 {i % 7} 은 {i}', bulk=True) for i in range(300)]\n"
        "build(pairs, Tokenizer(get_analyser('mecab')), CorpusSettings(min_bulk=10)).write(Path(sys.argv[1]))"
    )
    for seed in "12":
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)], cwd=ROOT, check=True, env={"PYTHONHASHSEED": seed}
        )
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()


@pytest.mark.slow
def test_importing_the_corpus_loads_no_engine_and_no_analyser():
    code = "import sys, core.corpus; print([m for m in ('konlpy', 'MeCab', 'tensorflow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_report_can_be_json():
    pairs = [*bulk(20), Pair("질문 1", "고친 답", row=77), Pair("따라 해", "따라 해"), Pair("", "네", row=5)]
    report = build(pairs, WORDS, CorpusSettings()).report
    read_back = json.loads(json.dumps(report.to_dict(), ensure_ascii=False))
    assert read_back["seen"] == 23
    assert read_back["used"] == read_back["train"] == 21
    assert read_back["echoes"] == 1
    assert read_back["left_out"]["empty_question"] == {"count": 1, "rows": [5]}
    assert read_back["conflicts"] == [
        {"question": "질문 1", "kept": ["고친 답"], "superseded": ["답 1"], "rows": [1, 77]}
    ]
