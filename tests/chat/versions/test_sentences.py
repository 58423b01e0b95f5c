"""What the gate, the data and the beginning of a training say, in Korean, from real findings and from damaged ones."""

import pytest
from django.utils.translation import override

from chat.versions.records import Version
from chat.versions.sentences import bar_text, beginning, finding_text
from core.corpus import CorpusSettings, Pair, Reason, UnheldCanary, build
from core.corpus.stability import Profile
from core.corpus.validation import CODES, ValidationSettings, validate
from core.evolve.gate import Bar, GateSettings, judge
from core.evolve.receipt import Canary, Correction, Receipt
from core.evolve.trial import Trial
from core.text import Tokenizer

PARENT = "20260101-000000-abcd"


def receipt(learned=50, total=50, parent=PARENT, **values):
    corrections = tuple(Correction(n, f"질문 {n}", "네", None, "네", n < learned) for n in range(total))
    return Receipt("20260102-000000-abcd", parent, corrections, **values)


def said(name, receipt=receipt(earlier=1000), unseen=(), trial=Trial(20, 20)):  # noqa: B008
    bars = judge(receipt, unseen, trial, GateSettings()).bars
    return next(bar_text(bar) for bar in bars if bar.name == name)


@pytest.mark.parametrize(
    ("name", "changes", "text"),
    [
        ("loads", {}, "새로 불러와서 배운 질문 20개를 물었더니 20개에 전과 똑같이 답했어요."),
        ("loads", {"trial": Trial(failure="no weights")}, "새로 불러오지 못했어요."),
        ("loads", {"trial": Trial()}, "맞힌 질문이 하나도 없어서, 제대로 불러왔는지 알 수 없어요."),
        ("learned", {"receipt": receipt(46)}, "고친 답 50개 가운데 46개를 배웠어요. 기준에 2개가 모자라요."),
        ("learned", {"receipt": receipt(parent=None)}, "검토한 답 50개 가운데 50개를 배웠어요."),
        ("learned", {"receipt": receipt(0, 0)}, "전의 모델이 모르는 답이 없어서 새로 배울 것이 없었어요."),
        (
            "lost",
            {"receipt": receipt(earlier=10_400, lost=120)},
            "전에 맞던 답 10,400개 가운데 120개를 잃었어요. 104개까지는 괜찮아요. 기준보다 16개를 더 잃었어요.",
        ),
        ("lost", {"receipt": receipt(parent=None)}, "견줄 전의 모델이 없어요."),
        ("lost", {"receipt": receipt()}, "전의 모델이 맞히던 답 가운데 지금도 쓰는 답이 없어요."),
        ("unseen", {"receipt": receipt(parent=None)}, "견줄 전의 모델이 없어요."),
        (
            "unseen",
            {"unseen": [(1.0, 2.0)] * 3},
            "두 모델 모두 배우지 않은 질문이 3개뿐이라 견주지 않았어요. 적어도 20개는 있어야 해요.",
        ),
        (
            "unseen",
            {"unseen": [(41.0, 43.0)] * 30},
            "두 모델 모두 배우지 않은 질문 30개에서 41.0점(chrF)을 받았어요. 전의 모델은 43.0점이었어요. "
            "실력이 같은 모델이 우연히 이만큼 못할 확률은 0.1%뿐이라, 정말 못해진 것으로 봐요.",
        ),
        (
            "unseen",
            {"unseen": [(43.0, 43.0)] * 29 + [(40.0, 43.0)]},
            "두 모델 모두 배우지 않은 질문 30개에서 42.9점(chrF)을 받았어요. 전의 모델은 43.0점이었어요. "
            "실력이 같은 모델도 50.0%는 우연히 이만큼 못하니, 못해졌다고 볼 수 없어요.",
        ),
        ("canaries", {}, "꼭 지켜야 할 답으로 정한 것이 없어요."),
        (
            "canaries",
            {
                "receipt": receipt(
                    canaries=(Canary(1, "이름이 뭐야?", "자람이에요.", "", False), Canary(2, "안녕", "네", "네", True)),
                    unheld=(UnheldCanary("가", "나", 3, Reason.SUPERSEDED),),
                )
            },
            "꼭 지켜야 할 답 2개 가운데 1개를 지켰어요. 못 지킨 질문: “이름이 뭐야?” (지금 답: 아무 말도 못 했어요) "
            "꼭 지켜야 하지만 배우지 않는 답이 1개 있어서, 그 질문은 묻지 않았어요.",
        ),
    ],
)
def test_whatever_the_gate_says_is_said_in_korean(name, changes, text):
    assert said(name, **changes) == text


def test_the_same_is_said_in_english_to_who_reads_that():
    with override("en"):
        assert said("learned", receipt(46)) == "It learned 46 of 50 corrected answers. 2 too few."


@pytest.mark.parametrize(
    "bar",
    [
        Bar("lost", False, 0.02, 0.01, "lost 2 of 100 earlier answers"),  # from before there were figures
        Bar("beauty", False, 0.02, 0.01, "is not pretty", "", {"warts": 3}),  # from a later version
    ],
)
def test_of_a_bar_without_figures_nothing_is_said(bar):
    assert bar_text(bar) == ""


def test_figures_that_are_none_are_dashes():
    damaged = Bar("lost", False, 0.02, 0.01, "", "", {"lost": [], "earlier": True, "too_many": "x"})
    assert bar_text(damaged) == "전에 맞던 답 –개 가운데 –개를 잃었어요. –개까지는 괜찮아요."


class Words:
    name = "words"

    def morphemes(self, text):
        return text.split()


def every_finding():
    """Corpora in which there is something to be found under every code, as measurements and as warnings."""
    plain = [Pair(f"질문 {n:04}번", f"대답 {n:04}번", bulk=True, row=n, category="일상") for n in range(60)]
    odd = [
        Pair("질문 0000번", "대답 0000번", bulk=True),
        Pair("", "답"),
        Pair("아주 긴 질문 " * 40, "답"),
        Pair("어때", "좋아", bulk=True),
        Pair("어때", "싫어", bulk=True),
        Pair("응", "응"),
        *(Pair(f"hello {n}", f"hi {n}", visitor="v") for n in range(30)),
    ]
    other = Profile.of([Pair("가" * 90, "나" * 90, category="딴것")] * 100)
    held_out = CorpusSettings(min_bulk=10, test_share=0.3, dev_share=0.1)
    for pairs, parent in ((plain, None), (plain + odd, other)):
        corpus = build(pairs, Tokenizer(Words()), held_out)
        settings = ValidationSettings(unknown_share=0.001, new_word_share=0.01)
        yield from validate(corpus, parent, settings).to_dict()["findings"]


def test_every_finding_is_said_in_korean_and_no_figure_is_missing():
    codes = set()
    for one in every_finding():
        text = finding_text(one["code"], one["severity"], one["figures"])
        assert text.endswith("요.") and "–" not in text and "%(" not in text, one
        codes.add(one["code"])
    assert codes == set(CODES)


def test_what_is_worth_a_look_says_what_to_do():
    figures = {"count": 30, "of": 40}
    assert finding_text("one_visitor", "info", figures) == "방문자가 물은 40쌍 가운데 30쌍을 한 사람이 물었어요."
    assert finding_text("one_visitor", "warning", figures).endswith(
        "일부러 이상한 말을 가르치려 한 것은 아닌지 살펴보세요."
    )
    moved = {"index": 0.4, "chance": 0.05, "changed": 0.25}
    assert "전혀 다른 데이터로 보이니" in finding_text("answer_length_drift", "warning", moved)
    assert "왜 달라졌는지" in finding_text("answer_length_drift", "warning", moved | {"index": 0.2})


@pytest.mark.parametrize("figures", [None, {}, 3, []])
def test_of_findings_without_figures_nothing_is_said(figures):
    assert finding_text("echoes", "warning", figures) == ""
    assert finding_text("warts", "warning", {"count": 1}) == ""


class TestBeginning:
    def of(self, make_version, because):
        run = make_version(PARENT, training={"warm": False, "why": "in English", "because": because})
        return beginning(Version(PARENT, run=run))

    def test_says_what_changed_since_the_version_before(self, make_version):
        figures = {"run": "initial", "changed": ["num_units 128 → 256", 3]}
        found = self.of(make_version, {"case": "settings", "figures": figures})
        assert found.text == "기본 모델 버전을 만든 뒤로 학습 설정이 바뀌었어요."
        assert found.changed == ["num_units 128 → 256", "3"]

    @pytest.mark.parametrize("because", [None, 3, {"case": "whim"}, {"case": ["asked"]}])
    def test_of_what_was_not_written_down_nothing_is_said(self, make_version, because):
        assert self.of(make_version, because) is None

    def test_survives_figures_that_are_none(self, make_version):
        assert self.of(make_version, {"case": "asked", "figures": 3}).text == "처음부터 배우라고 해서 그렇게 했어요."
