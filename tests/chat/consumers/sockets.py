"""Talking through a socket, as the page does."""

from contextlib import asynccontextmanager

from channels.testing import WebsocketCommunicator

from chat.models import Chat


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


async def answered(socket, text="안녕"):
    """Ask, and return the row with the answer."""
    await say(socket, text)
    return (await socket.receive_json_from())["chat"]
