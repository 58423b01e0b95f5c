"""`bin/` is on the path of what `bin/bench` imports, so it is here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "bin"))
