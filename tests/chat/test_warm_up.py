from types import SimpleNamespace

import pytest

from chat import responder, selectors, services, warm_up
from chat.inbox.groups import open_questions
from chat.models import BlockRule, Chat
from core.reply import ReplyBusy, ReplyError, ReplyTimeout

pytestmark = pytest.mark.django_db


def outstanding(fake, **options):
    return warm_up.answer_outstanding(fake, up_to=selectors.last_chat_id(), **options)


def test_questions_left_over_are_answered_oldest_first(fake, make_chat):
    make_chat("하나", "")
    make_chat("둘", "이미 답했어요")
    make_chat("셋", "")
    assert outstanding(fake) == 2
    assert fake.asked == ["하나", "셋"]
    assert Chat.objects.get(question="하나").answer == "answer to 하나"
    assert Chat.objects.get(question="둘").answer == "이미 답했어요"
    assert outstanding(fake) == 0


def test_only_questions_of_before_are_taken(fake, make_chat):
    make_chat("하나", "")
    before = selectors.last_chat_id()
    make_chat("둘", "")
    assert warm_up.answer_outstanding(fake, up_to=before) == 1
    assert fake.asked == ["하나"]


def test_pairs_without_an_answer_are_no_questions(fake, make_chat):
    make_chat("하나", "", origin="import")
    assert outstanding(fake) == 0


def test_a_question_that_times_out_holds_up_no_other(fake, make_chat):
    make_chat("하나", "")
    make_chat("둘", "")
    fake.errors = {"하나": ReplyTimeout("slow")}
    assert outstanding(fake) == 1
    assert Chat.objects.get(question="하나").answered_at is None


def test_visitors_who_are_here_come_first(fake, make_chat):
    make_chat("하나", "")
    fake.errors = {"하나": ReplyBusy("full")}
    assert outstanding(fake, pause=lambda seconds: fake.errors.clear()) == 1


def test_without_answers_to_be_had_the_questions_stay(fake, make_chat):
    make_chat("하나", "")
    fake.errors = {"하나": ReplyError("closed")}
    with pytest.raises(ReplyError):
        outstanding(fake)
    assert Chat.objects.unanswered().count() == 1


def test_a_row_deleted_meanwhile_is_passed_over(fake, make_chat, monkeypatch):
    gone = make_chat("하나", "")
    make_chat("둘", "")
    rows = selectors.unanswered(up_to=gone.pk + 1)
    monkeypatch.setattr(selectors, "unanswered", lambda up_to: rows)
    gone.delete()
    assert outstanding(fake) == 1


@pytest.mark.django_db(transaction=True)
def test_start_answers_in_the_background(fake, make_chat):
    make_chat("하나", "")
    warm_up.start().join(10)
    assert Chat.objects.get().answer == "answer to 하나"


@pytest.mark.django_db(transaction=True)
def test_start_without_a_model_is_logged_and_gathers_open_questions_all_the_same(
    monkeypatch, caplog, settings, make_chat
):
    def none():
        raise ReplyError("no model here")

    settings.ANALYSER = "mecab"
    open_questions.cache_clear()
    make_chat("오늘 날씨가 어때?")
    monkeypatch.setattr(warm_up, "get_responder", none)
    warm_up.start().join(10)
    assert "no model here" in caplog.text
    assert open_questions().is_complete
    open_questions.cache_clear()


class TestTheOneResponder:
    @pytest.fixture(autouse=True)
    def nothing_open(self):
        before = responder.set_responder(None)
        yield
        responder.set_responder(before)

    def test_is_opened_once_with_the_settings(self, monkeypatch, settings, tmp_path, make_chat):
        opened = []

        def open_it(data_dir, **options):
            opened.append((data_dir, options))
            return SimpleNamespace()

        settings.DATA_DIR, settings.OUT_DIR, settings.REPLY_TIMEOUT = tmp_path, tmp_path / "model", 7.0
        settings.ANALYSER, settings.REPLY_MODE = "mecab", "memory"
        monkeypatch.setattr(responder.Responder, "open", open_it)
        make_chat(verify="approved")
        assert responder.opened_responder() is None
        assert responder.get_responder() is responder.get_responder() is responder.opened_responder()
        ((data_dir, options),) = opened
        assert options.pop("memory").find("안녕")[0].answer == "반가워요"
        assert data_dir == tmp_path
        assert options == {"out_dir": tmp_path / "model", "mode": "memory", "analyser": "mecab", "timeout": 7.0}

    def test_hears_of_what_is_decided_and_blocked_later(self, monkeypatch, make_chat, boss):
        server = SimpleNamespace()

        def open_it(data_dir, *, memory, **options):
            server.memory = memory
            return server

        monkeypatch.setattr(responder.Responder, "open", open_it)
        responder.learn_changes()  # nothing is open yet
        responder.get_responder()
        chat = make_chat()
        services.set_verify(chats=Chat.objects.filter(pk=chat.pk), verify="approved", reviewer=boss)
        BlockRule.objects.create(pattern="바보")
        assert server.memory.find("안녕") == [] and not server.rules.blocks("바보")
        responder.learn_changes()
        assert server.memory.find("안녕")[0].row == chat.pk
        assert server.rules.blocks("바보")

    def test_that_cannot_be_opened_is_not_tried_for_every_question(self, monkeypatch):
        tries = []

        def fail(data_dir, **options):
            tries.append(1)
            raise ReplyError("no model")

        monkeypatch.setattr(responder.Responder, "open", fail)
        for _ in range(3):
            with pytest.raises(ReplyError, match="no model"):
                responder.get_responder()
        assert len(tries) == 1
        monkeypatch.setattr(responder, "RETRY_AFTER", 0.0)
        with pytest.raises(ReplyError):
            responder.get_responder()
        assert len(tries) == 2
