"""Functions for Ampoule in Python, made a component by componentize-py.

The function's module defines what it handles; each may be missing:

    from ampoule import Context, Request, Response

    def http(request: Request, context: Context) -> Response: ...
    def invoke(payload, context: Context): ...            # payload and answer: what JSON has, and bytes
    def queue(batch: QueueBatch, context: Context): ...   # returns the failures: ids, or Failure(id, delay_seconds)
    def stream(batch: StreamBatch, context: Context): ... # the same; the first and all after it come again
    def scheduled(event: Scheduled, context: Context): ...

What the module does when it is imported happens once, at the build: every invocation starts from the memory as it was then.
`random` is seeded anew for each invocation; `os.environ`, `os.urandom`, `time` and `print` are live.
"""

import os
import re
import struct
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import parse_qs, urlsplit

MAX_DEPTH = 64
"""The host refuses deeper answers as well."""


@dataclass
class Context:
    id: str
    """The request id, as in the host's log."""
    function: str
    deadline_ms: float
    """Milliseconds since the epoch at which the invocation is ended."""

    def remaining_ms(self) -> float:
        return max(0.0, self.deadline_ms - time.time() * 1000)


@dataclass
class Request:
    method: str
    url: str
    """Absolute, as the caller sent it."""
    headers: list[tuple[str, str]]
    """In order, duplicates kept, names in lower case."""
    body: Optional[bytes]
    """None where there is none, which is not the same as empty."""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path or "/"

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    def header(self, name: str) -> Optional[str]:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def text(self) -> str:
        return (self.body or b"").decode("utf-8", "replace")


@dataclass
class Response:
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | str = b""

    @staticmethod
    def text(status: int, body: str) -> "Response":
        return Response(status, [("content-type", "text/plain; charset=utf-8")], body)


@dataclass
class Message:
    id: str
    timestamp_ms: float
    attempts: int
    """This delivery counted."""
    body: str | bytes
    attributes: dict[str, str] = field(default_factory=dict)
    group: Optional[str] = None


@dataclass
class QueueBatch:
    queue: str
    messages: list[Message]


@dataclass
class Record:
    id: str
    key: str
    timestamp_ms: float
    data: bytes


@dataclass
class StreamBatch:
    stream: str
    shard: str
    records: list[Record]


@dataclass
class Scheduled:
    schedule: str
    cron: str
    time_ms: float
    """When the tick was due."""


@dataclass
class Failure:
    id: str
    delay_seconds: Optional[int] = None


class InvalidEvent(Exception):
    """The host sent what docs/events.md does not describe."""


class UnsupportedEvent(Exception):
    """The function's module has no handler of that name."""


def handle(module: Any, event: bytes) -> bytes:
    """The answer's MessagePack. Raises what the handler raises."""
    value = decode(event)
    try:
        kind, context = value["type"], Context(value["id"], value["fn"], value["deadline"])
        if kind == "warm":
            return encode(None)
        argument = _READERS[kind](value) if kind in _READERS else None
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidEvent(f"the event lacks {error}") from error
    handler = getattr(module, kind, None) if kind in _READERS else None
    if not callable(handler):
        raise UnsupportedEvent(f"the function has no handler for {kind} events: def {kind}(…, context)")
    if "random" in sys.modules:
        sys.modules["random"].seed(os.urandom(32))
    return encode(_answer(kind, handler(argument, context)))


def world(module: Any) -> type:
    """The class that componentize-py exports, for the function's module."""
    import wit_world
    from componentize_py_types import Err

    class World(wit_world.WitWorld):
        def handle(self, event: bytes) -> bytes:
            try:
                return handle(module, event)
            except Exception as error:
                raise Err(encode({"name": type(error).__name__, "message": str(error), "stack": _stack(error)})) from None
            finally:
                sys.stdout.flush()
                sys.stderr.flush()

    return World


def _stack(error: BaseException) -> str:
    """The frames of the function, innermost last. The search path is /0, /1, … in a component."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    lines = [f'  File "{re.sub("^/[0-9]+/", "", frame.filename)}", line {frame.lineno}, in {frame.name}' for frame in frames]
    return "\n".join(lines)


def _answer(kind: str, result: Any) -> Any:
    if kind == "http":
        if isinstance(result, str):
            result = Response.text(200, result)
        if not isinstance(result, Response):
            raise TypeError(f"http returned {type(result).__name__}: it has to be a Response or a str")
        headers = [[str(name), str(value)] for name, value in result.headers]
        return {"status": result.status, "headers": headers, "body": result.body}
    if kind == "invoke":
        return {"payload": result}
    if kind == "scheduled":
        return {}
    failures = [Failure(one) if isinstance(one, str) else one for one in result or []]
    return {"failures": [{"id": f.id} if f.delay_seconds is None else {"id": f.id, "delay": f.delay_seconds} for f in failures]}


def _message(m: dict) -> Message:
    return Message(m["id"], m["timestamp"], m["attempts"], m["body"], m.get("attributes", {}), m.get("group"))


_READERS = {
    "http": lambda e: Request(e["method"], e["url"], [(name, value) for name, value in e["headers"]], e.get("body")),
    "invoke": lambda e: e.get("payload"),
    "queue": lambda e: QueueBatch(e["queue"], [_message(m) for m in e["messages"]]),
    "stream": lambda e: StreamBatch(
        e["stream"], e["shard"], [Record(r["id"], r["key"], r["timestamp"], r["data"]) for r in e["records"]]
    ),
    "scheduled": lambda e: Scheduled(e["schedule"], e["cron"], e["time"]),
}


def decode(data: bytes) -> Any:
    """MessagePack without extension types. Raises InvalidEvent: lengths are checked against what is left, depth against MAX_DEPTH."""
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise InvalidEvent("bytes after the end of the event")
    return value


_NUMBERS = [">f", ">d", ">B", ">H", ">I", ">Q", ">b", ">h", ">i", ">q"]


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        if length > len(self.data) - self.at:
            raise InvalidEvent("the event ends too early")
        self.at += length
        return self.data[self.at - length : self.at]

    def length(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise InvalidEvent("the event is nested too deep")
        code = self.take(1)[0]
        if code < 0x80:
            return code
        if code >= 0xE0:
            return code - 0x100
        if code < 0x90 or code in (0xDE, 0xDF):
            return self.map(code & 15 if code < 0x90 else self.length(2 if code == 0xDE else 4), depth)
        if code < 0xA0 or code in (0xDC, 0xDD):
            return self.array(code & 15 if code < 0xA0 else self.length(2 if code == 0xDC else 4), depth)
        if code < 0xC0 or 0xD9 <= code <= 0xDB:
            return self.take(code & 31 if code < 0xC0 else self.length(1 << (code - 0xD9))).decode("utf-8", "replace")
        if code == 0xC0:
            return None
        if code in (0xC2, 0xC3):
            return code == 0xC3
        if 0xC4 <= code <= 0xC6:
            return self.take(self.length(1 << (code - 0xC4)))
        if 0xCA <= code <= 0xD3:
            shape = _NUMBERS[code - 0xCA]
            return struct.unpack(shape, self.take(struct.calcsize(shape)))[0]
        raise InvalidEvent("the event has an extension type")

    def counted(self, items: int, bytes_each: int) -> int:
        # Every item takes that much at least, so a larger count is a lie.
        if items * bytes_each > len(self.data) - self.at:
            raise InvalidEvent("the event ends too early")
        return items

    def array(self, items: int, depth: int) -> list:
        return [self.value(depth + 1) for _ in range(self.counted(items, 1))]

    def map(self, entries: int, depth: int) -> dict:
        result = {}
        for _ in range(self.counted(entries, 2)):
            key = self.value(depth + 1)
            if not isinstance(key, str):
                raise InvalidEvent("a key is not a string")
            result[key] = self.value(depth + 1)
        return result


def encode(value: Any) -> bytes:
    """Raises TypeError for what JSON and bytes do not have, ValueError for what is nested too deep."""
    out = bytearray()
    _write(value, out, 0)
    return bytes(out)


def _write(value: Any, out: bytearray, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"the answer is nested deeper than {MAX_DEPTH}")
    if value is None:
        out.append(0xC0)
    elif isinstance(value, bool):
        out.append(0xC3 if value else 0xC2)
    elif isinstance(value, int) and -(2**63) <= value < 2**63:
        out += b"\xd3" + struct.pack(">q", value)
    elif isinstance(value, (int, float)):
        out += b"\xcb" + struct.pack(">d", value)
    elif isinstance(value, str):
        data = value.encode("utf-8", "replace")
        out += b"\xdb" + struct.pack(">I", len(data)) + data
    elif isinstance(value, (bytes, bytearray, memoryview)):
        out += b"\xc6" + struct.pack(">I", len(value)) + value
    elif isinstance(value, (list, tuple)):
        out += b"\xdd" + struct.pack(">I", len(value))
        for item in value:
            _write(item, out, depth + 1)
    elif isinstance(value, dict):
        out += b"\xdf" + struct.pack(">I", len(value))
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key is {type(key).__name__}: it has to be a str")
            _write(key, out, depth + 1)
            _write(item, out, depth + 1)
    else:
        raise TypeError(f"{type(value).__name__} cannot be sent: use what JSON has, or bytes")
