"""The versions of the model: where they lie, which one is live, and how one becomes live.

It owns `data/models/<run>/`, `data/initial/` and the link `data/current`. It knows files, sums and links; it
knows nothing of corpora, training or answering. Whatever happens, a crash, a full disk or a killed process,
`data/current` points to a whole run.
"""

from core.registry.errors import RegistryError
from core.registry.manifest import Manifest, Run
from core.registry.publications import Publication, Reason
from core.registry.store import INITIAL, Draft, Registry

__all__ = ["INITIAL", "Draft", "Manifest", "Publication", "Reason", "Registry", "RegistryError", "Run"]
