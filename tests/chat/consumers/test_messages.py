"""A question and its answer: what is stored and sent, for whom, and which frames are refused."""

import json

import pytest
from channels.testing import WebsocketCommunicator

from core.reply import Candidate, Near, Reply
from tests.chat.consumers.sockets import answered, rows, say, talking

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize("path", ["/ws/", "/ws/chat/", "/ws/chat/a b/", "/ws/chat/" + "x" * 65 + "/", "/"])
async def test_other_addresses_are_refused(application, path):
    socket = WebsocketCommunicator(application, path)
    connected, _ = await socket.connect()
    assert not connected


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
