"""One training as people see it: who asked for it, how far it is, and what came of it.

The versions themselves are files (see `core.registry`); a row here is the order for one and its history. Which
model is live is never asked of this table.
"""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    """Named parts of the table."""

    def queued(self) -> Self:
        """The one that waits, if any."""
        return self.filter(status=TrainingRun.Status.QUEUED)

    def running(self) -> Self:
        """The one that is being worked off, if any."""
        return self.filter(status=TrainingRun.Status.RUNNING)

    def unfinished(self) -> Self:
        """Both of them."""
        return self.filter(status__in=TrainingRun.UNFINISHED)


class TrainingRun(models.Model):
    """A training that was asked for. At most one waits and at most one runs, which the database holds.

    ``heartbeat_at`` is renewed every few seconds while a process works on the row: a running row without one
    was left by a process that was killed. ``error`` is for whoever looks after the machine, ``problem`` says
    the same to everybody.
    """

    class Status(models.TextChoices):
        """Where a training is; the last five are ends."""

        QUEUED = "queued", _("기다리는 중")
        RUNNING = "running", _("배우는 중")
        DONE = "done", _("다 배웠어요")
        REJECTED = "rejected", _("내보내지 않았어요")
        FAILED = "failed", _("실패했어요")
        CANCELLED = "cancelled", _("취소했어요")
        INTERRUPTED = "interrupted", _("중간에 멈췄어요")

    class Reason(models.TextChoices):
        """What a training was asked for by."""

        BUTTON = "button", _("관리 화면")
        SCHEDULE = "schedule", _("예약")
        APPROVALS = "approvals", _("검토완료가 모여서")
        COMMAND = "command", _("명령줄")

    class Problem(models.TextChoices):
        """What went wrong, in words for everybody."""

        DISK = "disk", _("디스크에 자리가 없어요. 쓰지 않는 모델 버전을 지운 뒤 다시 해 보세요.")
        CORPUS = "corpus", _("배울 대화를 모으지 못했어요. 검토완료한 대화가 있는지 살펴보세요.")
        ENGINE = "engine", _("배우는 프로그램이 도중에 멈췄어요. 다시 해 보고, 또 멈추면 관리자에게 알려 주세요.")
        REGISTRY = "registry", _("모델 파일을 다루다가 문제가 생겼어요. 관리자에게 알려 주세요.")
        DATABASE = "database", _("데이터베이스에 닿지 못했어요. 잠시 뒤에 다시 해 보세요.")
        UNEXPECTED = "unexpected", _("예상하지 못한 문제가 생겼어요. 관리자에게 알려 주세요.")

    UNFINISHED = ("queued", "running")

    status = models.CharField(_("상태"), max_length=12, choices=Status, default=Status.QUEUED)
    reason = models.CharField(_("시작한 까닭"), max_length=10, choices=Reason)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("시작한 사람"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    from_scratch = models.BooleanField(_("처음부터 다시 배우기"), default=False)
    force = models.BooleanField(_("기준에 못 미쳐도 내보내기"), default=False)
    # A run that a killed process left is tried again, but not for ever: it may be what kills the process.
    attempt = models.PositiveSmallIntegerField(_("몇 번째 시도"), default=1)

    created_at = models.DateTimeField(_("맡긴 때"), auto_now_add=True)
    started_at = models.DateTimeField(_("시작한 때"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("마지막 소식"), null=True, blank=True)
    finished_at = models.DateTimeField(_("끝난 때"), null=True, blank=True)

    progress = models.JSONField(_("진행"), default=dict, blank=True)
    cancel_requested = models.BooleanField(_("취소 요청"), default=False)
    version = models.CharField(_("모델 버전"), max_length=100, blank=True, default="")
    published = models.BooleanField(_("내보냄"), default=False)
    problem = models.CharField(_("문제"), max_length=12, choices=Problem, blank=True, default="")
    outcome = models.JSONField(_("결과"), default=dict, blank=True)
    error = models.TextField(_("자세한 오류"), blank=True, default="")

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("학습")
        verbose_name_plural = pgettext_lazy("plural", "학습")
        ordering = ["-pk"]
        # Rows are made by asking for a training and kept as history: nobody adds, changes or deletes one by hand.
        default_permissions = ("view",)
        permissions = [
            ("start_training", "학습을 시작하고 취소할 수 있어요"),
            ("publish_model", "모델을 내보내고 되돌릴 수 있어요"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="queued"), name="training_one_is_queued"),
            models.UniqueConstraint(fields=["status"], condition=Q(status="running"), name="training_one_is_running"),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "done", "rejected", "failed", "cancelled", "interrupted"]),
                name="training_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["button", "schedule", "approvals", "command"]),
                name="training_reason_is_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running"], finished_at__isnull=True)
                | (~Q(status__in=["queued", "running"]) & Q(finished_at__isnull=False)),
                name="training_has_an_end_when_it_ended",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["running", "done", "rejected"]) | Q(started_at__isnull=False),
                name="training_that_ran_was_started",
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_finished(self) -> bool:
        """Whether it has come to an end, whichever."""
        return self.status not in self.UNFINISHED
