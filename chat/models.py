"""What was said and what reviewers made of it. Rules that must always hold are constraints here."""

from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce, NullIf
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chat.feedback.feedback import Feedback
from chat.feedback.visitor import Visitor
from chat.fields import QuestionKeyField
from chat.inbox.models import Claim, Decision
from chat.knowledge.deletion import forget
from chat.knowledge.revision import Forgotten, MemoryRevision
from chat.knowledge.rules import BlockRule
from chat.knowledge.verdicts import Verdict
from chat.training.run import TrainingRun

__all__ = [
    "BlockRule",
    "Category",
    "Chat",
    "Claim",
    "Decision",
    "Feedback",
    "Forgotten",
    "MemoryRevision",
    "SetupStep",
    "TrainingRun",
    "Verdict",
    "Visitor",
]


class SetupStep(models.Model):
    """Something that was done once for this database and is not done again, even if its traces are deleted."""

    name = models.CharField(max_length=50, unique=True)
    done_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("설치 단계")

    def __str__(self) -> str:
        return self.name


class Category(models.Model):
    """A subject reviewers sort pairs by."""

    name = models.CharField(_("이름"), max_length=100, unique=True)

    class Meta:
        verbose_name = _("분류")
        verbose_name_plural = pgettext_lazy("plural", "분류")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ChatQuerySet(models.QuerySet["Chat"]):
    """Named parts of the table."""

    def conversation(self) -> Self:
        """Rows that visitors wrote."""
        return self.filter(origin=Chat.Origin.CONVERSATION)

    def unanswered(self) -> Self:
        """Questions that were stored and have no answer yet, oldest first."""
        return self.conversation().filter(answered_at__isnull=True).order_by("pk")

    def approved(self) -> Self:
        """Rows that may be trained on."""
        return self.filter(verify=Chat.Verify.APPROVED)

    def of_kept_visitors(self) -> Self:
        """Rows without those of visitors that staff dropped."""
        return self.exclude(session__in=Visitor.objects.dropped().values("key"))

    def without_answer(self) -> Self:
        """Rows in which nothing stands but what was said for want of an answer."""
        return self.filter(source=Chat.Source.FALLBACK, correction="")

    def with_best_answer(self) -> Self:
        """Annotate ``best_answer``: the correction where there is one, else the answer as served."""
        nothing = models.Value("", output_field=models.TextField())
        return self.annotate(best_answer=Coalesce(NullIf(F("correction"), nothing), F("answer")))

    @transaction.atomic
    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows; every process forgets what they taught, and what they held to be wrong stays so."""
        forget(self)
        return super().delete()

    delete.alters_data = True  # no template may call it
    delete.queryset_only = True  # `Chat.objects.delete()` would be a slip of the hand


class Chat(models.Model):
    """One question and its answer: from a conversation, or a pair that was imported or written by hand.

    ``answer`` is what was served and never changes for a conversation; a reviewer's ``correction`` stands
    beside it. A conversation row with ``answered_at`` empty is a question whose answer is still owed.
    """

    class Verify(models.TextChoices):
        """What a reviewer decided. Only approved rows are trained on."""

        PENDING = "pending", _("검토전")
        APPROVED = "approved", _("검토완료")
        DELETE = "delete", _("삭제필요")

    class Source(models.TextChoices):
        """Which part of the responder gave the answer."""

        MEMORY = "memory", _("기억")
        NEURAL = "neural", _("신경망")
        FALLBACK = "fallback", _("대체 문장")

    class Origin(models.TextChoices):
        """How the row came here."""

        CONVERSATION = "conversation", pgettext_lazy("origin", "대화")
        HAND = "hand", _("직접 입력")
        IMPORT = "import", _("가져오기")
        STARTER = "starter", _("기본 말뭉치")

    question = models.TextField(_("질문"))
    # The same for two rows that ask the same, however they spell it.
    question_key = QuestionKeyField(default="")
    answer = models.TextField(_("나간 답"), blank=True, default="")
    correction = models.TextField(
        _("고친 답"), blank=True, default="", help_text=_("비워 두면 나간 답을 그대로 배워요.")
    )
    verify = models.CharField(_("검토"), max_length=10, choices=Verify, default=Verify.PENDING)
    canary = models.BooleanField(
        _("꼭 지켜야 할 답"),
        default=False,
        help_text=_("이 질문에 이 답을 못 하는 모델은 내보내지 않아요. 검토완료인 대화만 지켜요."),
    )
    category = models.ForeignKey(
        Category,
        verbose_name=_("분류"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="chats",
    )
    origin = models.CharField(
        _("들어온 길"), max_length=12, choices=Origin, default=Origin.CONVERSATION, editable=False
    )

    source = models.CharField(_("답한 곳"), max_length=10, choices=Source, blank=True, default="", editable=False)
    score = models.FloatField(_("점수"), null=True, blank=True, editable=False)
    model_version = models.CharField(_("모델"), max_length=100, blank=True, default="", editable=False)
    # For reviewers: the reviewed rows nearest to the question, and what else could have been answered, best first.
    nearest = models.JSONField(_("가까운 대화"), default=list, blank=True, editable=False)
    candidates = models.JSONField(_("다른 후보"), default=list, blank=True, editable=False)
    # How near the nearest of them is, from 0 to 1: the queue of reviewers is ordered by it.
    similarity = models.GeneratedField(
        expression=Cast(KeyTextTransform("similarity", KeyTransform(0, "nearest")), models.FloatField()),
        output_field=models.FloatField(null=True),
        db_persist=True,
    )
    blocked = models.BooleanField(_("막은 질문"), default=False, editable=False)
    # For the visitor: questions that have an answer, offered where this one had none.
    offers = models.JSONField(_("대신 권한 질문"), default=list, blank=True, editable=False)
    # When what this row teaches changed last, in the order of MemoryRevision; 0 for never.
    revision = models.BigIntegerField(default=0, editable=False)

    session = models.CharField(_("방문자"), max_length=64, blank=True, default="", editable=False)
    room = models.CharField(_("대화방"), max_length=64, blank=True, default="", editable=False)
    client_id = models.CharField(_("메시지 번호"), max_length=64, blank=True, default="", editable=False)
    # Digest of the normalised question and answer of a row that is no conversation: no pair is stored twice.
    pair_key = models.CharField(max_length=64, blank=True, default="", editable=False)

    created_at = models.DateTimeField(_("물은 때"), auto_now_add=True)
    answered_at = models.DateTimeField(_("답한 때"), null=True, blank=True, editable=False)
    reviewed_at = models.DateTimeField(_("검토한 때"), null=True, blank=True, editable=False)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("검토자"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = ChatQuerySet.as_manager()

    class Meta:
        verbose_name = _("대화")
        verbose_name_plural = pgettext_lazy("plural", "대화")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "client_id"],
                condition=~Q(client_id=""),
                name="chat_one_row_per_client_message",
            ),
            models.UniqueConstraint(fields=["pair_key"], condition=~Q(pair_key=""), name="chat_no_pair_twice"),
            models.CheckConstraint(condition=~Q(question=""), name="chat_has_a_question"),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=0, score__lte=1), name="chat_score_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(verify__in=["pending", "approved", "delete"]), name="chat_verify_is_known"
            ),
            models.CheckConstraint(
                condition=Q(source__in=["", "memory", "neural", "fallback"]), name="chat_source_is_known"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=["conversation", "hand", "import", "starter"]),
                name="chat_origin_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["session", "-id"], name="chat_by_visitor"),
            models.Index(fields=["verify", "-id"], name="chat_by_verify"),
            models.Index(fields=["created_at"], name="chat_by_time"),
            models.Index(fields=["reviewed_at"], name="chat_by_review"),
            # With the decision: by it alone a database would look at all rows that have it, for each row of a queue.
            models.Index(fields=["question_key", "verify"], name="chat_by_question"),
            # What the inbox chooses and orders its queue by, so that rows, which are large, are hardly read for it.
            models.Index(
                fields=[
                    *("verify", "origin", "question_key", "source", "score", "similarity", "blocked"),
                    *("session", "answered_at", "reviewed_at"),
                ],
                name="chat_queue",
            ),
            models.Index(fields=["revision"], name="chat_by_revision"),
            models.Index(
                fields=["id"],
                condition=Q(answered_at__isnull=True, origin="conversation"),
                name="chat_unanswered",
            ),
            models.Index(fields=["-id"], condition=Q(canary=True), name="chat_canaries"),
        ]

    def __str__(self) -> str:
        return Truncator(self.question).chars(40)

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row as `ChatQuerySet.delete` does."""
        forget(Chat.objects.filter(pk=self.pk))
        return super().delete(*args, **kwargs)

    @property
    def is_conversation(self) -> bool:
        """Whether a visitor wrote this, so that question and answer are history and stay as they are."""
        return self.origin == self.Origin.CONVERSATION

    @property
    def is_answered(self) -> bool:
        """Whether the answer is stored."""
        return self.answered_at is not None
