"""How this installation trains: its settings, with what one run asks for."""

from collections.abc import Mapping
from dataclasses import replace

from django.conf import settings

from core.evolve import EvolveSettings
from core.evolve.gate import GateSettings
from core.evolve.settings import FlagValue


def run_settings(
    *,
    from_scratch: bool = False,
    force: bool = False,
    by: str = "",
    engine: Mapping[str, FlagValue] | None = None,
    threads: int | None = None,
) -> EvolveSettings:
    """Return the settings of one run. Raises EvolveError for a flag that the engine cannot take.

    ``by`` names who asked for it, ``engine`` holds flags of the engine that win over the defaults, ``threads``
    wins over the installation's own limit.
    """
    defaults = EvolveSettings()
    return replace(
        defaults,
        engine={**defaults.engine, **(engine or {})},
        analyser=settings.ANALYSER,
        threads=threads or settings.TRAINING_THREADS or defaults.threads,
        from_scratch=from_scratch,
        force=force,
        by=by,
        gate=GateSettings(min_learned=settings.GATE_MIN_LEARNED, max_lost=settings.GATE_MAX_LOST),
    )
