"""Columns that fill themselves."""

from typing import Any

from django.db import models

from core.memory import digest
from core.text import question_key


def question_digest(question: str) -> str:
    """Return what two questions share when they are the same question, in 64 characters."""
    return digest(question_key(question))


class QuestionKeyField(models.CharField):
    """The digest of the row's question, however a row is made: ``save`` and ``bulk_create`` both ask here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"max_length": 64, "editable": False}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Leave out what is always the same."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"], kwargs["editable"]
        return name, path, args, kwargs

    def pre_save(self, model_instance: Any, add: bool) -> str:
        """Work the digest out before a row is written."""
        digest = question_digest(model_instance.question)
        setattr(model_instance, self.attname, digest)
        return digest
