"""What the admin exports and imports: rows of chats as tables. Saving goes through services."""

import uuid
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from import_export import fields, resources, widgets
from import_export.results import Result

from chat import services
from chat.inbox.services import add, review
from chat.models import Category, Chat
from chat.pairfiles import MAX_TEXT_LENGTH, Problem, find_columns, find_problem

_REVIEWED = ("correction", "verify", "canary", "category")


def _problem_text(problem: Problem) -> str:
    return {
        "undecodable": _("읽을 수 없는 글자가 있어요. 파일의 글자 인코딩을 확인해 주세요."),
        "nul": _("쓸 수 없는 글자가 들어 있어요."),
        "empty": _("비어 있어요."),
        "too long": _("%d자가 넘어요.") % MAX_TEXT_LENGTH,
    }[problem.kind]


class CategoryWidget(widgets.ForeignKeyWidget):
    """A category by its name; one that is not there yet is made."""

    def __init__(self) -> None:
        super().__init__(Category, "name")

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Category | None:
        """Return the category of that name, None for no name."""
        name = str(value or "").strip()
        return Category.objects.get_or_create(name=name)[0] if name else None


class VerifyWidget(widgets.Widget):
    """A decision by its code or by its name in any language of the admin's."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """Return the code; an empty cell means not decided yet."""
        text = str(value or "").strip().lower()
        if not text:
            return Chat.Verify.PENDING
        for verify in Chat.Verify:
            if text in (verify.value, str(verify.label).lower()):
                return verify.value
        choices = ", ".join(f"{verify.value} ({verify.label})" for verify in Chat.Verify)
        raise ValueError(
            _("%(value)s: 검토 값이 아니에요. 쓸 수 있는 값: %(choices)s")
            % {
                "value": value,
                "choices": choices,
            }
        )


class YesNoWidget(widgets.Widget):
    """A mark that is there or not, as spreadsheets and people write it; an empty cell means not."""

    WORDS = {
        **dict.fromkeys(("", "0", "false", "no", "아니요", "아니오"), False),
        **dict.fromkeys(("1", "true", "yes", "예", "네"), True),
    }

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        """Return whether the mark is there."""
        text = "" if value is None else str(value).strip().lower()
        if text not in self.WORDS:
            raise ValueError(_("%(value)s: 예(1)나 아니요(0)로 적어 주세요.") % {"value": value})
        return self.WORDS[text]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        """Return the cell."""
        return "1" if value else "0"


class ChatResource(resources.ModelResource):
    """Chats as a table.

    An imported line changes the review of the row it came from (same id and question), or of the stored pair
    it repeats; any other line is a new pair. Nothing that was said in a conversation changes.
    """

    verify = fields.Field(attribute="verify", column_name="verify", widget=VerifyWidget())
    canary = fields.Field(attribute="canary", column_name="canary", widget=YesNoWidget())
    category = fields.Field(attribute="category", column_name="category", widget=CategoryWidget())
    reviewer = fields.Field(attribute="reviewer__username", column_name="reviewer", readonly=True)

    class Meta:
        model = Chat
        fields = (
            "id",
            "question",
            "answer",
            "correction",
            "verify",
            "canary",
            "category",
            "origin",
            "source",
            "score",
            "model_version",
            "created_at",
            "reviewed_at",
            "reviewer",
        )
        export_order = fields
        import_order = ("question", "answer", *_REVIEWED)
        import_id_fields = ()
        skip_unchanged = True
        report_skipped = True

    def get_import_fields(self) -> list[fields.Field]:
        """Return the fields a file may set; the others are history."""
        return [self.fields[name] for name in ("question", "answer", *_REVIEWED)]

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Give the columns the names used here. Raises ValidationError where one is missing."""
        headers = list(dataset.headers or [])
        columns = find_columns(headers)
        if columns is None:
            raise ValidationError(_("질문과 답 열이 필요해요. 첫 줄에 question, answer처럼 열 이름을 적어 주세요."))
        headers[columns.question], headers[columns.answer] = "question", "answer"
        if columns.category is not None:
            headers[columns.category] = "category"
        dataset.headers = headers
        self._batch = uuid.uuid4()  # what one file decides is one decision

    def before_import_row(self, row: dict[str, Any], **kwargs: Any) -> None:
        """Make text of what a spreadsheet may hold as a number, and check the pair."""
        for name in ("question", "answer", "correction"):
            if name in row:
                row[name] = "" if row[name] is None else str(row[name]).strip()
        problem = find_problem(row["question"], row.get("correction") or row["answer"])
        if problem:
            raise ValidationError({problem.part: _problem_text(problem)})

    def get_instance(self, instance_loader: Any, row: dict[str, Any]) -> Chat | None:
        """Find the stored row a line speaks of; an id counts only together with its question."""
        key = str(row.get("id") or "").strip()
        if key.isdecimal():
            chat = Chat.objects.filter(pk=int(key), question=row["question"]).first()
            if chat is not None:
                return chat
        return services.stored_pair(question=row["question"], answer=row["answer"])

    def import_field(self, field: fields.Field, instance: Chat, row: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        """Set a field, but never question or answer of a row that is stored."""
        if instance.pk is None or field.attribute in _REVIEWED:
            super().import_field(field, instance, row, *args, **kwargs)

    def validate_instance(self, instance: Chat, *args: Any, **kwargs: Any) -> None:
        """Refuse to approve what was said for want of an answer."""
        super().validate_instance(instance, *args, **kwargs)
        is_unknown = instance.source == Chat.Source.FALLBACK and not instance.correction
        if is_unknown and instance.verify == Chat.Verify.APPROVED:
            raise ValidationError({"correction": _("모른다고 한 말은 승인할 수 없어요. 알맞은 답을 적어 주세요.")})

    def before_save_instance(self, instance: Chat, row: dict[str, Any], **kwargs: Any) -> None:
        """Remember who imports: saving has no other way to know."""
        self._reviewer = kwargs["user"]

    def do_instance_save(self, instance: Chat, is_create: bool) -> None:
        """Save through the services, which note who reviewed what."""
        if is_create:
            add(user=self._reviewer, chat=instance, origin=Chat.Origin.IMPORT, batch=self._batch)
            return
        before = Chat.objects.get(pk=instance.pk)
        changed = [name for name in _REVIEWED if getattr(before, name) != getattr(instance, name)]
        review(user=self._reviewer, chat=instance, changed=changed, batch=self._batch)


def name_columns(result: Result) -> None:
    """Call the columns of an import's result what people call them, not what they are called in a file.

    Only for showing it: by a file's names its rows were read.
    """
    names = {field.name: str(field.verbose_name) for field in Chat._meta.fields} | {"answer": _("답")}
    result.diff_headers = [names.get(column, column) for column in result.diff_headers]
    for row in result.invalid_rows:
        row.error_dict = {names.get(column, column): errors for column, errors in row.error_dict.items()}
