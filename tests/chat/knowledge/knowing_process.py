"""A process that knows what is reviewed: it reads questions from its input and writes what memory answers to each.

python knowing_process.py DATABASE
"""

import os
import sys

import django
from django.conf import settings


class Syllables:
    """An analyser that finds a morpheme in each character."""

    def morphemes(self, text: str) -> list[str]:
        return [character for character in text if character != " "]


def main(database: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "chatbot.settings"
    settings.DATABASES["default"]["NAME"] = database
    django.setup()

    from chat.knowledge.knowledge import Knowledge
    from core.memory import Memory
    from core.text import Tokenizer

    knowledge = Knowledge(Memory(Tokenizer(Syllables())))
    knowledge.load()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        knowledge.sync()
        found = knowledge.memory.find(line.strip(), 1)
        sys.stdout.write(f"{found[0].answer if found else ''}\n")
        sys.stdout.flush()


main(sys.argv[1])
