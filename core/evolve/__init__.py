"""One run of evolving: reviewed pairs → corpus → vocabulary → training → scores → a published model version.

It is what `manage.py makedata` does, callable without Django. The engine runs as `python -m core.nmt` in a process
of its own, so this package never imports TensorFlow and memory is given back. However a run ends, `data/current`
points to a whole model: the new one, or the one before.
"""

from core.evolve.errors import EvolveError
from core.evolve.pipeline import evolve
from core.evolve.progress import Phase, Progress
from core.evolve.scores import Scores
from core.evolve.settings import EvolveSettings
from core.evolve.summary import RunSummary

__all__ = ["EvolveError", "EvolveSettings", "Phase", "Progress", "RunSummary", "Scores", "evolve"]
