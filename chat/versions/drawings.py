"""The plots of the pages: how versions scored one after another, and how a training went."""

from collections.abc import Mapping, Sequence

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chat.versions.plots import Axes, Plot, Series, plot
from chat.versions.records import Version
from core.evolve.curves import Points, read_curves
from core.evolve.errors import EvolveError

_MOST_VERSIONS = 40  # of the plot of scores; older ones are in the table


def scores_plot(versions: Sequence[Version]) -> Plot | None:
    """Draw the scores of the versions, given newest first; None where there are not two to compare."""
    made = [version for version in versions if version.run and not version.bundled][:_MOST_VERSIONS][::-1]
    if len(made) < 2:
        return None
    learned = [(float(at), version.scores.learned_percent) for at, version in enumerate(made)]
    unseen = [(float(at), version.scores.chrf) for at, version in enumerate(made)]
    return plot(
        _("버전별 점수"),
        [
            Series(_("배운 질문 (맞힌 비율)"), [(at, value) for at, value in learned if value is not None]),
            Series(_("처음 보는 질문 (chrF)"), [(at, value) for at, value in unseen if value is not None]),
        ],
        Axes(bounds=(0, 100), x_labels=[_day(version) for version in made]),
    )


def curve_plots(version: Version) -> list[Plot]:
    """Draw how a training went: perplexity, which falls, and the BLEU of the held-out dev pairs, which rises."""
    curves = _curves(version)
    perplexity = [
        Series(label, curves[measure])
        for measure, label in (("ppl", _("배우는 질문")), ("dev_ppl", _("따로 둔 질문")))
        if measure in curves
    ]
    bleu = [Series(_("따로 둔 질문"), curves["dev_bleu"])] if "dev_bleu" in curves else []
    drawn = (
        plot(_("퍼플렉시티 (낮을수록 좋아요)"), perplexity, Axes(logarithmic=True)),
        plot(_("BLEU (높을수록 좋아요)"), bleu),
    )
    return [one for one in drawn if one]


def compared_curve_plots(versions: Sequence[Version]) -> list[Plot]:
    """Draw each measure of several trainings into one plot."""
    curves = [(version.label, _curves(version)) for version in versions]
    titles = {
        "ppl": (_("배우는 질문의 퍼플렉시티 (낮을수록 좋아요)"), Axes(logarithmic=True)),
        "dev_ppl": (_("따로 둔 질문의 퍼플렉시티 (낮을수록 좋아요)"), Axes(logarithmic=True)),
        "dev_bleu": (_("따로 둔 질문의 BLEU (높을수록 좋아요)"), Axes()),
    }
    drawn = [
        plot(title, [Series(label, found[measure]) for label, found in curves if measure in found], axes)
        for measure, (title, axes) in titles.items()
    ]
    return [one for one in drawn if one]


def _curves(version: Version) -> Mapping[str, Points]:
    """Return a version's curves; none where its file can't be read, which the rest of the page survives."""
    if version.run is None:
        return {}
    try:
        return read_curves(version.run.path)
    except EvolveError:
        return {}


def _day(version: Version) -> str:
    """When the version was made, as short as an axis needs it."""
    return date_format(timezone.localtime(version.created_at), "m-d H:i") if version.created_at else version.name
