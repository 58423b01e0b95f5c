import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib import auth
from django.utils import timezone

from chat import exchange, services
from chat.consumers import MAX_IN_FLIGHT
from chat.models import Chat, Feedback, Visitor
from chatbot.routing import build_application
from core.reply import Candidate, Near, Reply, ReplyBusy, ReplyError, ReplyTimeout

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def application():
    return build_application()


@pytest.fixture
async def visit():
    """Make a visitor's session and return the headers of its browser."""
    from django.contrib.sessions.backends.db import SessionStore

    def make(visitor, login=None, **cookies):
        session = SessionStore()
        session["visitor"] = visitor
        if login is not None:
            session.update(
                {
                    auth.SESSION_KEY: str(login.pk),
                    auth.BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
                    auth.HASH_SESSION_KEY: login.get_session_auth_hash(),
                }
            )
        session.create()
        pairs = {"sessionid": session.session_key, **cookies}
        return [(b"cookie", "; ".join(f"{name}={value}" for name, value in pairs.items()).encode())]

    return sync_to_async(make)


@pytest.fixture
def make_chat_async(make_chat):
    return sync_to_async(make_chat)


@pytest.fixture(autouse=True)
async def every_exchange_ends():
    yield
    await exchange.finish_all()


@asynccontextmanager
async def talking(application, headers=(), room="main"):
    socket = WebsocketCommunicator(application, f"/ws/chat/{room}/", headers=list(headers))
    connected, _ = await socket.connect()
    assert connected
    try:
        yield socket
    finally:
        await socket.disconnect()


async def say(socket, text, client_id=None):
    await socket.send_json_to({"message": text} | ({"id": client_id} if client_id else {}))


async def rows():
    return [chat async for chat in Chat.objects.order_by("pk")]


async def test_an_exchange_is_stored_and_answered(application, fake):
    async with talking(application) as socket:
        await say(socket, " 안녕 ", "m1")
        answer = await socket.receive_json_from()
    (chat,) = await rows()
    assert answer == {
        "message": "answer to 안녕",
        "chat": chat.pk,
        "id": "m1",
        "source": "neural",
        "score": 0.5,
        "model": "run-1",
    }
    assert (chat.question, chat.answer, chat.room, chat.client_id) == ("안녕", "answer to 안녕", "main", "m1")
    assert chat.verify == "pending" and chat.origin == "conversation" and chat.answered_at


async def test_a_client_that_knows_only_messages_works(application, fake):
    async with talking(application) as socket:
        await say(socket, "안녕")
        assert (await socket.receive_json_from())["message"] == "answer to 안녕"


async def test_the_session_tells_the_visitor(application, fake, visit):
    async with talking(application, await visit("someone")) as socket:
        await say(socket, "안녕")
        await socket.receive_json_from()
    assert (await rows())[0].session == "someone"


async def test_sockets_without_a_session_are_different_visitors(application, fake):
    for _ in range(2):
        async with talking(application) as socket:
            await say(socket, "안녕", "same-id")
            await socket.receive_json_from()
    first, second = await rows()
    assert first.session and second.session and first.session != second.session


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "bad_json"),
        ("{}", "bad_message"),
        ('{"message": "  "}', "bad_message"),
        ('{"message": 7}', "bad_message"),
        (r'{"message": "\ud800"}', "bad_message"),
        (r'{"message": "\u0000"}', "bad_message"),
        ('{"message": "안녕", "id": 3}', "bad_message"),
        (json.dumps({"message": "가" * 601}), "too_long"),
        ('{"message": "' + "가" * 100_000, "too_long"),
        (b"\x00\x01", "binary"),
    ],
)
async def test_bad_frames_get_an_error_and_the_socket_stays_open(application, fake, frame, code):
    async with talking(application) as socket:
        await socket.send_to(**{"bytes_data" if isinstance(frame, bytes) else "text_data": frame})
        error = await socket.receive_json_from()
        assert error["error"]["code"] == code
        await say(socket, "안녕")
        assert (await socket.receive_json_from())["message"] == "answer to 안녕"
    assert len(await rows()) == 1


@pytest.mark.parametrize(
    ("headers", "korean"),
    [
        ([], True),
        ([(b"accept-language", b"en-US,en;q=0.9,ko;q=0.5")], False),
        ([(b"accept-language", b"fr-FR,fr;q=0.9")], True),
        ([(b"accept-language", b"en"), (b"cookie", b"django_language=ko")], True),
    ],
)
async def test_errors_speak_the_visitors_language(application, fake, headers, korean):
    async with talking(application, headers) as socket:
        await socket.send_to(text_data="{")
        detail = (await socket.receive_json_from())["error"]["detail"]
    assert detail.isascii() != korean


async def test_fifty_sockets_each_get_the_answer_to_their_own_question(application, fake):
    questions = [f"질문 {number}" for number in range(50)]
    fake.delays = {question: 0.2 * (number % 7) / 7 for number, question in enumerate(questions)}

    async def talk(question):
        async with talking(application) as socket:
            await say(socket, question, "m1")
            return (await socket.receive_json_from(timeout=20))["message"]

    answers = await asyncio.gather(*map(talk, questions))
    assert answers == [f"answer to {question}" for question in questions]
    assert await Chat.objects.filter(answered_at__isnull=False).acount() == 50


async def test_a_slow_answer_does_not_hold_up_a_quick_one(application, fake):
    fake.delays = {"느린 질문": 0.4}
    async with talking(application) as socket:
        await say(socket, "느린 질문", "slow")
        await say(socket, "빠른 질문", "quick")
        assert (await socket.receive_json_from())["id"] == "quick"
        assert (await socket.receive_json_from())["id"] == "slow"


async def test_answers_without_ids_come_in_the_order_of_the_questions(application, fake):
    fake.delays = {"하나": 0.3, "둘": 0.1}
    async with talking(application) as socket:
        for question in ("하나", "둘", "셋"):
            await say(socket, question)
        answers = [(await socket.receive_json_from())["message"] for _ in range(3)]
    assert answers == ["answer to 하나", "answer to 둘", "answer to 셋"]


async def test_more_messages_than_are_worked_on_at_once_are_all_answered(application, fake):
    count = MAX_IN_FLIGHT + 20
    async with talking(application) as socket:
        for number in range(count):
            await say(socket, f"질문 {number}", f"m{number}")
        answers = [await socket.receive_json_from(timeout=10) for _ in range(count)]
    assert {answer["id"]: answer["message"] for answer in answers} == {
        f"m{number}": f"answer to 질문 {number}" for number in range(count)
    }


async def test_same_id_at_once_is_one_exchange(application, fake):
    fake.delays = {"안녕": 0.2}
    async with talking(application) as socket:
        await say(socket, "안녕", "m1")
        await say(socket, "안녕", "m1")
        answers = [await socket.receive_json_from() for _ in range(2)]
    assert answers[0] == answers[1]
    assert fake.asked == ["안녕"]
    assert len(await rows()) == 1


async def test_same_id_after_the_answer_gives_the_stored_answer(application, fake):
    async with talking(application) as socket:
        await say(socket, "안녕", "m1")
        first = await socket.receive_json_from()
        await say(socket, "안녕", "m1")
        assert await socket.receive_json_from() == first
    assert fake.asked == ["안녕"]


async def test_same_id_from_another_socket_of_the_visitor_is_one_exchange(application, fake, visit):
    fake.delays = {"안녕": 0.2}
    headers = await visit("someone")
    async with talking(application, headers) as first, talking(application, headers) as second:
        await say(first, "안녕", "m1")
        await say(second, "안녕", "m1")
        assert await first.receive_json_from() == await second.receive_json_from()
    assert fake.asked == ["안녕"]
    assert len(await rows()) == 1


async def test_same_id_of_another_visitor_is_another_exchange(application, fake, visit):
    async with (
        talking(application, await visit("one")) as first,
        talking(application, await visit("two")) as second,
    ):
        await say(first, "안녕", "m1")
        await say(second, "잘 가", "m1")
        assert (await first.receive_json_from())["message"] == "answer to 안녕"
        assert (await second.receive_json_from())["message"] == "answer to 잘 가"


async def test_a_closed_socket_cancels_no_save(application, fake):
    fake.delays = {"안녕": 0.2}
    async with talking(application) as socket:
        await say(socket, "안녕", "m1")
        await asyncio.sleep(0.05)
    await exchange.finish_all()
    (chat,) = await rows()
    assert chat.answer == "answer to 안녕"


async def test_a_killed_consumer_cancels_no_save(application, fake):
    fake.delays = {"안녕": 0.2}
    socket = WebsocketCommunicator(application, "/ws/chat/main/")
    await socket.connect()
    await say(socket, "안녕", "m1")
    await asyncio.sleep(0.05)
    socket.future.cancel()
    await exchange.finish_all()
    (chat,) = await rows()
    assert chat.answer == "answer to 안녕"


async def test_reconnecting_and_sending_again_brings_the_answer_that_was_missed(application, fake, visit):
    fake.delays = {"안녕": 0.2}
    headers = await visit("someone")
    async with talking(application, headers) as socket:
        await say(socket, "안녕", "m1")
    async with talking(application, headers) as socket:
        await say(socket, "안녕", "m1")
        assert (await socket.receive_json_from())["message"] == "answer to 안녕"
    assert fake.asked == ["안녕"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReplyTimeout("slow"), "timeout"),
        (ReplyBusy("full"), "busy"),
        (ReplyError("no model"), "unavailable"),
        (RuntimeError("a bug"), "internal"),
    ],
)
async def test_a_failed_answer_is_told_and_can_be_asked_for_again(application, fake, error, code):
    fake.errors = {"안녕": error}
    async with talking(application) as socket:
        await say(socket, "안녕", "m1")
        frame = await socket.receive_json_from()
        assert (frame["error"]["code"], frame["id"]) == (code, "m1")
        assert (await rows())[0].answered_at is None
        fake.errors = {}
        await say(socket, "안녕", "m1")
        assert (await socket.receive_json_from())["message"] == "answer to 안녕"
    assert len(await rows()) == 1


async def test_a_question_that_cannot_be_stored_is_an_error_frame(application, fake, monkeypatch):
    from django.db import OperationalError

    def locked(**fields):
        raise OperationalError("database is locked")

    monkeypatch.setattr(services, "store_question", locked)
    async with talking(application) as socket:
        await say(socket, "안녕", "m1")
        frame = await socket.receive_json_from()
    assert (frame["error"]["code"], frame["id"]) == ("unavailable", "m1")
    assert fake.asked == []


async def test_nothing_is_sent_that_is_not_stored(application, fake, monkeypatch):
    from django.db import OperationalError

    def full(**fields):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(services, "store_answer", full)
    async with talking(application) as socket:
        await say(socket, "안녕", "m1")
        assert "error" in await socket.receive_json_from()
    assert (await rows())[0].answered_at is None


async def test_one_slow_query_stalls_nobody_else(application, fake, monkeypatch):
    store = services.store_question

    def slow_for_one(**fields):
        if fields["question"] == "느린 질문":
            time.sleep(0.8)
        return store(**fields)

    monkeypatch.setattr(services, "store_question", slow_for_one)
    async with talking(application) as slow, talking(application) as quick:
        await say(slow, "느린 질문")
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await say(quick, "빠른 질문")
        await quick.receive_json_from()
        assert time.monotonic() - begun < 0.5
        await slow.receive_json_from(timeout=3)


async def test_a_blocked_shared_database_thread_stalls_no_conversation(application, fake):
    """A slow query of a view or a library takes the one thread that Django shares; the chat uses its own."""
    blocked = asyncio.create_task(sync_to_async(time.sleep)(1.0))
    await asyncio.sleep(0.05)
    begun = time.monotonic()
    async with talking(application) as socket:
        await say(socket, "안녕")
        await socket.receive_json_from()
    assert time.monotonic() - begun < 0.7
    await blocked


@pytest.mark.parametrize("path", ["/ws/", "/ws/chat/", "/ws/chat/a b/", "/ws/chat/" + "x" * 65 + "/", "/"])
async def test_other_addresses_are_refused(application, path):
    socket = WebsocketCommunicator(application, path)
    connected, _ = await socket.connect()
    assert not connected


# --- Feedback, and who answers ------------------------------------------------------------------------------------


async def answered(socket, text="안녕"):
    """Ask, and return the row with the answer."""
    await say(socket, text)
    return (await socket.receive_json_from())["chat"]


async def test_feedback_on_an_answer_is_stored_and_told(application, fake):
    async with talking(application) as socket:
        chat = await answered(socket)
        await socket.send_json_to({"feedback": {"chat": chat, "thumb": "down"}})
        told = await socket.receive_json_from()
        assert told == {"feedback": {"chat": chat, "thumb": "down", "reaction": "", "suggested": False, "ask": True}}
        await socket.send_json_to({"feedback": {"chat": chat, "suggestion": "반가워요"}})
        told = await socket.receive_json_from()
        assert told["feedback"] == {"chat": chat, "thumb": "down", "reaction": "", "suggested": True, "ask": False}
    assert (await Feedback.objects.aget()).suggestion == "반가워요"


async def test_feedback_on_the_answer_of_somebody_else_is_refused(application, fake):
    async with talking(application) as mine, talking(application) as other:
        chat = await answered(mine)
        await other.send_json_to({"feedback": {"chat": chat, "thumb": "up"}})
        refused = await other.receive_json_from()
        assert (refused["error"]["code"], refused["chat"]) == ("not_yours", chat)
    assert not await Feedback.objects.aexists()


async def test_a_thumb_while_an_answer_is_awaited_waits_for_nothing(application, fake):
    fake.delays = {"느린 질문": 0.3}
    async with talking(application) as socket:
        chat = await answered(socket)
        await say(socket, "느린 질문")
        await socket.send_json_to({"feedback": {"chat": chat, "thumb": "up"}})
        assert "feedback" in await socket.receive_json_from()
        assert "message" in await socket.receive_json_from()


async def test_seen_notes_are_marked(application, fake, visit, make_chat_async):
    chat = await make_chat_async(session="v", verify="approved", correction="어서 와요", reviewed_at=timezone.now())
    visitor = await Visitor.objects.acreate(key="v")
    await Feedback.objects.acreate(chat=chat, visitor=visitor, thumb="down")
    await Chat.objects.aupdate(reviewed_at=timezone.now())
    async with talking(application, await visit("v")) as socket:
        await socket.send_json_to({"seen": [chat.pk]})
        await answered(socket)
        for _ in range(50):
            if (await Feedback.objects.aget()).told_at:
                break
            await asyncio.sleep(0.02)
    assert (await Feedback.objects.aget()).told_at


async def test_the_answer_before_is_told_to_the_responder(application, fake, visit):
    async with talking(application, await visit("someone")) as socket:
        await answered(socket, "하나")
        await answered(socket, "둘")
    async with talking(application, await visit("somebody else")) as socket:
        await answered(socket, "셋")
    assert fake.avoided == ["", "answer to 하나", ""]


async def test_staff_may_choose_who_answers(application, fake, visit, django_user_model):
    user = await django_user_model.objects.acreate_user("kim", is_staff=True)
    headers = await visit("someone", login=user)
    async with talking(application, headers) as socket:
        await socket.send_json_to({"message": "안녕", "mode": "neural"})
        assert (await socket.receive_json_from())["message"] == "answer to 안녕"
        await answered(socket)
        assert fake.modes == ["neural", None]
        await django_user_model.objects.aupdate(is_staff=False)
        await socket.send_json_to({"message": "안녕", "mode": "neural"})
        assert (await socket.receive_json_from())["error"]["code"] == "not_allowed"


@pytest.mark.parametrize("headers", [True, False])
async def test_others_may_not(application, fake, visit, headers):
    async with talking(application, await visit("someone") if headers else ()) as socket:
        await socket.send_json_to({"message": "안녕", "mode": "neural", "id": "m1"})
        refused = await socket.receive_json_from()
    assert (refused["error"]["code"], refused["id"]) == ("not_allowed", "m1")
    assert fake.asked == []


async def test_provenance_is_stored_and_only_offers_are_sent(application, fake):
    fake.replies = {
        "안녕": Reply(
            "아직 몰라요",
            "fallback",
            0.0,
            "run-1",
            nearest=(Near(3, "안녕하세요", "반가워요", 0.5),),
            candidates=(Candidate("반가워요", "neural", 0.25),),
            offers=("안녕하세요",),
        )
    }
    async with talking(application) as socket:
        await say(socket, "안녕")
        frame = await socket.receive_json_from()
    (chat,) = await rows()
    assert chat.nearest == [{"row": 3, "question": "안녕하세요", "answer": "반가워요", "similarity": 0.5}]
    assert chat.candidates == [{"text": "반가워요", "source": "neural", "score": 0.25}]
    assert chat.offers == frame["offers"] == ["안녕하세요"]
    assert not frame.keys() & {"nearest", "candidates"}
