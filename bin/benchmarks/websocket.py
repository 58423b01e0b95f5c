"""A websocket client that does as little as it can, so that a benchmark measures the server: text frames alone."""

from __future__ import annotations

import base64
import os
import socket
import struct

_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9
_FINAL, _MASKED = 0x80, 0x80


class WebSocket:
    """One connection (RFC 6455), blocking. Frames are whole, unfragmented and shorter than 64 KiB."""

    def __init__(self, host: str, port: int, path: str, timeout: float) -> None:
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")
        self._shake_hands(host, port, path)

    def _shake_hands(self, host: str, port: int, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode("ascii")
        )
        status = self._stream.readline()
        if b" 101 " not in status:
            raise ConnectionError(f"the server opens no websocket: {status!r}")
        while self._stream.readline().strip():
            pass

    def ask(self, text: str) -> str:
        """Send one text and return the next one that comes."""
        self._send(_TEXT, text.encode("utf-8"))
        while True:
            kind, content = self._receive()
            if kind == _TEXT:
                return content.decode("utf-8")
            if kind == _CLOSE:
                raise ConnectionError("the server closed the websocket")
            if kind == _PING:
                self._send(0xA, content)

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._socket.close()

    def _send(self, kind: int, content: bytes) -> None:
        length = (
            bytes([_MASKED | len(content)]) if len(content) < 126 else struct.pack("!BH", _MASKED | 126, len(content))
        )
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(content))
        self._socket.sendall(bytes([_FINAL | kind]) + length + mask + masked)

    def _receive(self) -> tuple[int, bytes]:
        kind, length = self._read(2)
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        return kind & 0x0F, self._read(length)

    def _read(self, count: int) -> bytes:
        content = self._stream.read(count)
        if len(content) < count:
            raise ConnectionError("the server is gone")
        return content
