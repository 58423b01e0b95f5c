"""What visitors say about answers, and the notes that they have seen."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chat.models import Chat, Feedback, Visitor
from tests.chat.consumers.sockets import answered, say, talking

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def make_chat_async(make_chat):
    return sync_to_async(make_chat)


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
