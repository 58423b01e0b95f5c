from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from chat.training import locks, services
from chat.training.locks import Purpose
from chat.training.run import TrainingRun
from core.evolve import EvolveError, Progress
from core.evolve.gate import Bar, GateResult

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

INDEX, STATE, START = (reverse(f"training:{name}") for name in ("index", "state", "start"))
Reason, Status = TrainingRun.Reason, TrainingRun.Status


@pytest.fixture
def staff(client, django_user_model):
    """A reviewer with some permissions, logged in."""

    def log_in(*codenames):
        user = django_user_model.objects.create_user("kim", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return user

    return log_in


@pytest.fixture
def begun():
    run = services.start(run_id=services.request_training(reason=Reason.BUTTON).pk)
    services.beat(run_id=run.pk, progress=Progress("train", 250, 1000, loss=1.5, words_per_second=4321.0, eta_s=150))
    return run


def test_the_button_asks_for_a_training(client, staff):
    user = staff("view_trainingrun", "start_training")
    assert "지금 다시 학습" in client.get(INDEX).content.decode()
    assert client.post(START, {"from_scratch": "on", "force": "on"}).url == INDEX
    run = TrainingRun.objects.get()
    assert (run.status, run.requested_by, run.from_scratch) == (Status.QUEUED, user, True)
    assert not run.force, "publishing below the bars takes the permission to publish"


def test_who_may_publish_may_force(client, staff):
    staff("start_training", "publish_model")
    client.post(START, {"force": "on"})
    assert TrainingRun.objects.get().force


def test_who_may_only_look_has_no_buttons(client, staff, begun):
    staff("view_trainingrun")
    page = client.get(INDEX).content.decode()
    assert "250 / 1,000" in page
    assert 'method="post" action="/admin/training/' not in page
    cancel = reverse("training:cancel", args=[begun.pk])
    assert [client.post(url).status_code for url in (START, cancel)] == [403, 403]


def test_visitors_are_sent_to_the_login(client):
    assert client.get(INDEX).url.startswith(reverse("admin:login"))
    assert client.get(START, follow=False).status_code == 302


def test_progress_is_shown_without_scripts(client, boss, begun):
    client.force_login(boss)
    page = client.get(INDEX).content.decode()
    for text in ("배우기", 'value="25"', "250 / 1,000", "1.500", "4,321", "2분 30초", "학습 취소하기", "새로고침"):
        assert text in page
    assert "지금 다시 학습" not in page


def test_the_part_that_moves_has_a_key_that_changes_with_the_buttons(client, boss, begun):
    client.force_login(boss)
    first = client.get(STATE).json()
    assert "250 / 1,000" in first["html"]
    services.beat(run_id=begun.pk, progress=Progress("train", 500, 1000))
    second = client.get(STATE).json()
    assert ("500 / 1,000" in second["html"], second["key"]) == (True, first["key"])
    client.post(reverse("training:cancel", args=[begun.pk]))
    third = client.get(STATE).json()
    assert third["key"] != first["key"]
    assert "취소하고 있어요" in third["html"]


def test_a_training_that_is_silent_says_so(client, boss, begun):
    client.force_login(boss)
    TrainingRun.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    assert "한동안 소식이 없어요" in client.get(STATE).json()["html"]


def test_cancelling_says_what_is_so_far(client, boss, begun):
    client.force_login(boss)
    cancel = client.post(reverse("training:cancel", args=[begun.pk]), follow=True).content.decode()
    assert "취소하고 있어요." in cancel and "취소했어요." not in cancel
    waiting = services.request_training(reason=Reason.BUTTON)
    assert "취소했어요." in client.post(reverse("training:cancel", args=[waiting.pk]), follow=True).content.decode()


def test_what_gets_ready_shows_no_share_of_what_is_done(client, boss, begun):
    client.force_login(boss)
    assert 'value="25"' in client.get(STATE).json()["html"]
    services.beat(run_id=begun.pk, progress=Progress("train", 0, 1000))
    html = client.get(STATE).json()["html"]
    assert "<progress" in html and "value=" not in html


def test_cancelling_what_has_ended_says_so(client, boss, begun):
    client.force_login(boss)
    services.cancel(run_id=begun.pk)
    page = client.post(reverse("training:cancel", args=[begun.pk]), follow=True).content.decode()
    assert "그 학습은 이미 끝났어요" in page


def test_an_order_without_a_trainer_says_what_is_missing(client, boss, data_dir):
    client.force_login(boss)
    assert "manage.py trainer" in client.get(INDEX).content.decode()
    with locks.hold(data_dir, Purpose.TRAINER):
        assert "manage.py trainer" not in client.get(INDEX).content.decode()


def test_a_rejected_version_is_told_with_the_bars_it_missed_and_by_how_much(client, boss, summary):
    client.force_login(boss)
    figures = {"lost": 34, "earlier": 1000, "allowed": 10, "too_many": 24}
    bars = (
        Bar("loads", True, 1.0, 1.0, "loads"),
        Bar("lost", False, 0.034, 0.01, "lost 34", "", figures),
    )
    run = services.start(run_id=services.request_training(reason=Reason.BUTTON).pk)
    services.finish(run_id=run.pk, summary=summary(status="rejected", gate=GateResult(False, False, bars)))
    page = client.get(INDEX).content.decode()
    assert (
        "<li>전에 맞던 답 1,000개 가운데 34개를 잃었어요. 10개까지는 괜찮아요. 기준보다 24개를 더 잃었어요.</li>"
        in page
    )
    assert "lost 34" not in page


def test_a_version_that_was_overtaken_says_what_to_do(client, boss, summary):
    client.force_login(boss)
    run = services.start(run_id=services.request_training(reason=Reason.BUTTON).pk)
    services.finish(run_id=run.pk, summary=summary(status="overtaken"))
    page = client.get(INDEX).content.decode()
    assert "내보내지는 않았어요." in page and "배우는 동안 답하는 모델이 바뀌었어요." in page


def test_the_history_tells_each_outcome_in_plain_words_and_leads_to_the_version(client, boss, summary, settings):
    client.force_login(boss)
    settings.TRAIN_AT = "03:30"

    def begin():
        return services.start(run_id=services.request_training(reason=Reason.BUTTON).pk).pk

    services.finish(run_id=begin(), summary=summary(warm=True))
    services.fail(run_id=begin(), error=EvolveError("the engine was ended by SIGKILL <b>"))
    services.cancel(run_id=begin())
    services.interrupt(run_id=begin(), cause="killed")
    page = client.get(INDEX).content.decode()
    for text in (
        reverse("versions:detail", args=["20260101-000000-abcd"]),
        "새 모델을 내보냈어요.",
        "<li>지금 모델에 이어서 배웠어요.</li>",
        "배우는 프로그램이 도중에 멈췄어요",
        "SIGKILL &lt;b&gt;",
        "취소했어요. 지금 답하는 모델은 그대로예요.",
        f"{TrainingRun.objects.queued().get().pk}번 학습에서 이어서 해요.",
        "날마다 03:30에 저절로 배워요.",
    ):
        assert text in page
