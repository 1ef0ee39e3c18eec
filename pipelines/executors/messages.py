"""What the server and a worker say to each other over a pipe: JSON, and bytes beside it. Nothing is ever unpickled."""

import json
import struct
import threading
from typing import IO, Any

HEAD = struct.Struct("<II")


class Line:
    """One end of a pair of pipes. Any thread may send; one thread receives."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()

    def send(self, message: dict[str, Any], data: bytes = b"") -> None:
        """Say something; BrokenPipeError or ValueError if the other end is gone."""
        text = json.dumps(message, separators=(",", ":")).encode()
        with self._lock:
            self._writer.write(HEAD.pack(len(text), len(data)) + text + data)
            self._writer.flush()

    def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """Wait for what the other end says; None if it is gone."""
        head = self._reader.read(HEAD.size)
        if len(head) < HEAD.size:
            return None
        text_length, data_length = HEAD.unpack(head)
        text, data = self._reader.read(text_length), self._reader.read(data_length)
        if len(text) < text_length or len(data) < data_length:
            return None
        message: dict[str, Any] = json.loads(text)
        return message, data

    def close(self) -> None:
        self._reader.close()
        self._writer.close()
