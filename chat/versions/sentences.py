"""What a training wrote down in cases and figures, said in the reader's language.

The manifest keeps an English sentence beside each of them, for the console and the log. A version that was made before
there were figures has that sentence alone, and nothing is said of it here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.templatetags.versions import share
from chat.versions.records import Version, label_of, number, objects, text
from core.evolve.gate import Bar

# By a bar's name and case (`core.evolve.gate`).
_BARS = {
    ("loads", ""): gettext_lazy("새로 불러와서 배운 질문 %(asked)s개를 물었더니 %(agreed)s개에 전과 똑같이 답했어요."),
    ("loads", "failed"): gettext_lazy("새로 불러오지 못했어요."),
    ("loads", "nothing right"): gettext_lazy("맞힌 질문이 하나도 없어서, 제대로 불러왔는지 알 수 없어요."),
    ("learned", ""): gettext_lazy("고친 답 %(total)s개 가운데 %(learned)s개를 배웠어요."),
    ("learned", "first"): gettext_lazy("검토한 답 %(total)s개 가운데 %(learned)s개를 배웠어요."),
    ("learned", "nothing new"): gettext_lazy("전의 모델이 모르는 답이 없어서 새로 배울 것이 없었어요."),
    ("lost", ""): gettext_lazy(
        "전에 맞던 답 %(earlier)s개 가운데 %(lost)s개를 잃었어요. %(allowed)s개까지는 괜찮아요."
    ),
    ("lost", "no parent"): gettext_lazy("견줄 전의 모델이 없어요."),
    ("lost", "none held"): gettext_lazy("전의 모델이 맞히던 답 가운데 지금도 쓰는 답이 없어요."),
    ("unseen", ""): gettext_lazy(
        "두 모델 모두 배우지 않은 질문 %(questions)s개에서 %(chrf)s점(chrF)을 받았어요. "
        "전의 모델은 %(before)s점이었어요."
    ),
    ("unseen", "no parent"): gettext_lazy("견줄 전의 모델이 없어요."),
    ("unseen", "few"): gettext_lazy(
        "두 모델 모두 배우지 않은 질문이 %(questions)s개뿐이라 견주지 않았어요. 적어도 %(needed)s개는 있어야 해요."
    ),
    ("canaries", ""): gettext_lazy("꼭 지켜야 할 답 %(total)s개 가운데 %(held)s개를 지켰어요."),
    ("canaries", "none"): gettext_lazy("꼭 지켜야 할 답으로 정한 것이 없어요."),
}

# By a finding's code (`core.corpus.validation`), with what to do about it where it is worth a look.
_FINDINGS = {
    "duplicates": gettext_lazy("질문과 답이 다른 쌍과 똑같은 쌍이 %(count)s개 있어요. 하나씩만 배워요."),
    "empty_sides": gettext_lazy("%(of)s쌍 가운데 %(count)s쌍은 질문이나 답이 비어 있어서 배우지 않아요."),
    "overlong_sides": gettext_lazy("%(of)s쌍 가운데 %(count)s쌍은 질문이나 답이 너무 길어서 배우지 않아요."),
    "conflicts": gettext_lazy(
        "질문 %(count)s개에 서로 다른 답이 있어요. 가장 나중에 검토한 답만 배우고, 아무도 검토하지 않은 "
        "%(undecided)s개는 답을 모두 배워요."
    ),
    "echoes": gettext_lazy("%(count)s쌍은 질문을 그대로 답으로 배워요. 잘못 들어온 것이면 답을 고쳐 주세요."),
    "foreign_questions": gettext_lazy("질문 %(of)s개 가운데 %(count)s개가 한국어가 아니에요."),
    "foreign_answers": gettext_lazy("답 %(of)s개 가운데 %(count)s개가 한국어가 아니에요."),
    "unknown_tokens": gettext_lazy(
        "따로 둔 질문을 이루는 조각 %(of)s개 가운데 %(count)s개는 어휘에 없어서 모델이 읽지 못해요."
    ),
    "new_words": gettext_lazy("따로 둔 질문의 낱말 %(of)s개 가운데 %(count)s개는 배운 질문에 나온 적이 없어요."),
    "one_visitor": gettext_lazy("방문자가 물은 %(of)s쌍 가운데 %(count)s쌍을 한 사람이 물었어요."),
}
_ADVICE = {
    "empty_sides": gettext_lazy("파일을 제대로 가져왔는지 살펴보세요."),
    "overlong_sides": gettext_lazy("짧게 고치면 배울 수 있어요."),
    "conflicts": gettext_lazy("맞는 답 하나만 검토완료로 두세요."),
    "foreign_questions": gettext_lazy("파일의 열이나 글자 인코딩이 바뀌지 않았는지 살펴보세요."),
    "foreign_answers": gettext_lazy("파일의 열이나 글자 인코딩이 바뀌지 않았는지 살펴보세요."),
    "unknown_tokens": gettext_lazy("낯선 글자가 섞여 있지 않은지 살펴보세요."),
    "new_words": gettext_lazy("처음 보는 질문의 점수는 어림으로만 보세요."),
    "one_visitor": gettext_lazy("일부러 이상한 말을 가르치려 한 것은 아닌지 살펴보세요."),
}

# By the case of `Why` in `core.evolve.plan`.
_BEGINNINGS = {
    "asked": gettext_lazy("처음부터 배우라고 해서 그렇게 했어요."),
    "no model": gettext_lazy("이어서 배울 모델이 없었어요."),
    "no record": gettext_lazy("%(run)s 버전에는 무엇을 배우고 답했는지 기록이 없어서 이어서 배울 수 없었어요."),
    "settings": gettext_lazy("%(run)s 버전을 만든 뒤로 학습 설정이 바뀌었어요."),
    "damaged": gettext_lazy("%(run)s 버전의 파일이 손상되어 이어서 배울 수 없었어요."),
    "changed": gettext_lazy(
        "%(run)s 버전 뒤로 %(pairs)s쌍 가운데 %(new)s쌍이 새롭거나 바뀌었고, 질문 %(gone)s개가 없어졌어요."
    ),
    "too different": gettext_lazy(
        "%(run)s 버전 뒤로 %(pairs)s쌍 가운데 %(new)s쌍이 새롭거나 바뀌었고, 질문 %(gone)s개가 없어졌어요. "
        "이렇게 많이 바뀌면 처음부터 배우는 편이 나아요."
    ),
    "vocabulary": gettext_lazy("어휘가 정해 둔 크기 %(limit)s개를 넘어서 다시 추려야 했어요."),
}


class _Figures(dict[str, str]):
    """Figures from JSON as they stand in a sentence. What is missing, or no figure, is a dash."""

    def __init__(self, values: object) -> None:
        found = values if isinstance(values, Mapping) else {}
        super().__init__({str(name): _written(value) for name, value in found.items()})

    def __missing__(self, name: str) -> str:
        return "–"


def _written(value: object) -> str:
    match value:
        case bool():
            return "–"
        case int():
            return f"{value:,}"
        case float():
            return number_format(value, 1)
        case str():
            return value
    return "–"


def _say(sentence: object, figures: object) -> str:
    return str(sentence) % _Figures(figures)


def bar_text(bar: Bar) -> str:
    """Say what the gate measured for a bar; nothing for one from before there were figures, or of a later version."""
    sentence = _BARS.get((str(bar.name), str(bar.case)))
    if sentence is None or not (bar.figures or bar.case):
        return ""
    return " ".join([_say(sentence, bar.figures), *_more(str(bar.name), bool(bar.passed), bar.figures)])


def _more(name: str, passed: bool, figures: Mapping[str, Any]) -> Iterator[str]:
    """Say by how much a bar was missed, and what else belongs to it."""
    if name == "loads" and not passed and "asked" in figures:
        yield _("모두 똑같아야 해요.")
    if number(figures, "missing"):
        yield _say(_("기준에 %(missing)s개가 모자라요."), figures)
    if number(figures, "too_many"):
        yield _say(_("기준보다 %(too_many)s개를 더 잃었어요."), figures)
    if name == "unseen" and (chance := number(figures, "chance")) is not None:
        said = {"chance": share(chance)}
        if not passed:
            yield _say(
                _("실력이 같은 모델이 우연히 이만큼 못할 확률은 %(chance)s뿐이라, 정말 못해진 것으로 봐요."), said
            )
        elif (number(figures, "chrf") or 0) < (number(figures, "before") or 0):
            yield _say(_("실력이 같은 모델도 %(chance)s는 우연히 이만큼 못하니, 못해졌다고 볼 수 없어요."), said)
    for one in objects(figures, "broken"):
        given = text(one, "given") or _("아무 말도 못 했어요")
        yield _("못 지킨 질문: “%(question)s” (지금 답: %(given)s)") % {
            "question": text(one, "question"),
            "given": given,
        }
    if number(figures, "unheld"):
        yield _say(_("꼭 지켜야 하지만 배우지 않는 답이 %(unheld)s개 있어서, 그 질문은 묻지 않았어요."), figures)


def finding_text(code: str, severity: str, figures: object) -> str:
    """Say what was found in the data, and what to do about it; nothing without figures."""
    if not isinstance(figures, Mapping) or not figures:
        return ""
    if code.endswith(("_skew", "_drift")):
        return _movement_text(severity, figures)
    if code not in _FINDINGS:
        return ""
    advice = [str(_ADVICE[code])] if severity != "info" and code in _ADVICE else []
    return " ".join([_say(_FINDINGS[code], figures), *advice])


def _movement_text(severity: str, figures: Mapping[str, Any]) -> str:
    index, chance, changed = (number(figures, name) or 0.0 for name in ("index", "chance", "changed"))
    if severity == "info":
        return _("눈에 띄는 차이가 없어요.")
    said = {"index": f"{index:.2f}", "chance": f"{chance:.2f}"}
    if index >= changed:
        return _say(
            _(
                "차이: %(index)s. 우연이라면 %(chance)s보다 작아요. "
                "전혀 다른 데이터로 보이니 파일을 제대로 가져왔는지 살펴보세요."
            ),
            said,
        )
    return _say(_("차이: %(index)s. 우연이라면 %(chance)s보다 작아요. 왜 달라졌는지 살펴보세요."), said)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Why a training went on from the model before it, or did not, and the settings that had changed."""

    text: str
    changed: list[str]


def beginning(version: Version) -> Beginning | None:
    """Say how the training of a version came to begin as it did; None where that was not written down."""
    training = version.run.manifest.training if version.run else {}
    because = training.get("because")
    if not isinstance(because, Mapping) or text(because, "case") not in _BEGINNINGS:
        return None
    found = because.get("figures")
    figures = found if isinstance(found, Mapping) else {}
    changed = figures.get("changed")
    return Beginning(
        text=_say(_BEGINNINGS[text(because, "case")], {**figures, "run": label_of(text(figures, "run"))}),
        changed=[str(one) for one in changed] if isinstance(changed, list) else [],
    )
