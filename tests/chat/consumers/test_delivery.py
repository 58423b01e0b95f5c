"""Every question gets its own answer, once, whatever else goes on or goes wrong."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import OperationalError

from chat import exchange, services
from chat.consumers import MAX_IN_FLIGHT
from chat.models import Chat
from core.reply import ReplyBusy, ReplyError, ReplyTimeout
from tests.chat.consumers.sockets import rows, say, talking

pytestmark = pytest.mark.django_db(transaction=True)


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
        answers = [await socket.receive_json_from(timeout=20) for _ in range(count)]
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


@pytest.fixture
def broken(monkeypatch):
    """Break what writes to the database, by its name."""

    def refuse(**fields):
        raise OperationalError("database or disk is full")

    return lambda name: monkeypatch.setattr(services, name, refuse)


async def test_a_question_that_cannot_be_stored_is_an_error_frame(application, fake, broken):
    broken("store_question")
    async with talking(application) as socket:
        await say(socket, "안녕", "m1")
        frame = await socket.receive_json_from()
    assert (frame["error"]["code"], frame["id"]) == ("unavailable", "m1")
    assert fake.asked == []


async def test_nothing_is_sent_that_is_not_stored(application, fake, broken):
    broken("store_answer")
    async with talking(application) as socket:
        await say(socket, "안녕", "m1")
        assert "error" in await socket.receive_json_from()
    assert (await rows())[0].answered_at is None


async def test_one_slow_query_stalls_nobody_else(application, fake, monkeypatch):
    store, begun, answered = services.store_question, threading.Event(), threading.Event()

    def slow_for_one(**fields):
        if fields["question"] == "느린 질문":
            begun.set()
            answered.wait(10)
        return store(**fields)

    monkeypatch.setattr(services, "store_question", slow_for_one)
    async with talking(application) as slow, talking(application) as quick:
        await say(slow, "느린 질문")
        await asyncio.to_thread(begun.wait, 10)
        await say(quick, "빠른 질문")
        assert (await quick.receive_json_from(timeout=20))["message"] == "answer to 빠른 질문"
        answered.set()
        await slow.receive_json_from(timeout=20)


async def test_a_blocked_shared_database_thread_stalls_no_conversation(application, fake):
    """A slow query of a view or a library takes the one thread that Django shares; the chat uses its own."""
    begun, answered = threading.Event(), threading.Event()

    def block():
        begun.set()
        return answered.wait(10)

    blocked = asyncio.create_task(sync_to_async(block)())
    await asyncio.to_thread(begun.wait, 10)
    async with talking(application) as socket:
        await say(socket, "안녕")
        await socket.receive_json_from(timeout=20)
    assert not blocked.done()
    answered.set()
    assert await blocked
