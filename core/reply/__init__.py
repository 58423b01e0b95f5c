"""Answers: text in, text out, from the model that is live, many askers at once.

A `Responder` puts the questions of all askers into one queue (`Batcher`), answers them batch by batch (`Answerer`)
from a memory of reviewed answers and the live model (`LiveModel`), and takes a new model without a pause (`HotSwap`).
It knows no sockets, no database and no training. Importing it loads neither the engine nor the morpheme analyser.
"""

from core.reply.blocklist import Blocklist
from core.reply.errors import ReplyBusy, ReplyError, ReplyTimeout
from core.reply.reply import MODES, Candidate, Mode, Near, Reply, Source
from core.reply.responder import Responder

__all__ = [
    "MODES",
    "Blocklist",
    "Candidate",
    "Mode",
    "Near",
    "Reply",
    "ReplyBusy",
    "ReplyError",
    "ReplyTimeout",
    "Responder",
    "Source",
]
