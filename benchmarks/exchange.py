"""The two requests of the benchmark, and one exchange with a server before it is loaded."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass

HOST = "127.0.0.1"
API_KEY = "sk-bench"
PATH = "/v1/chat/completions"
HEADERS = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
TIMEOUT_S = 10

SYSTEM = "You are a careful assistant. Answer in plain words and name what you do not know."
USER = (
    "We run a small web shop and the nightly import of prices has become slow. It reads a file "
    "of two million lines, compares each line with a row in the database and writes the rows "
    "that changed. Last month it took forty minutes and now it takes three hours. Where would "
    "you look first, and what would you measure before you change anything at all?"
)


class AnswerError(Exception):
    """A server's answer that would make the comparison meaningless."""


@dataclass(frozen=True)
class Answer:
    """What one server sends for the two requests."""

    chat: bytes
    stream: bytes
    text: str
    chunks: int
    text_chunks: int


def body(model: str, *, stream: bool) -> bytes:
    """The request as compact JSON, the way the clients send it."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": USER}]
    request = {"model": model, "messages": messages, "temperature": 0.7}
    return json.dumps(
        request | ({"stream": True} if stream else {}), separators=(",", ":")
    ).encode()


def answer(port: int, model: str) -> Answer:
    """The server's answers, with the events of the stream counted."""
    chat = fetch(port, "POST", PATH, body(model, stream=False))
    stream = fetch(port, "POST", PATH, body(model, stream=True))
    text, streamed = chat_text(chat), stream_texts(stream)
    if not text or "".join(streamed) != text:
        raise AnswerError(f"chat and stream differ: {text[:80]!r}, {''.join(streamed)[:80]!r}")
    return Answer(chat, stream, text, len(streamed), sum(map(bool, streamed)))


def chat_text(chat: bytes) -> str:
    """The text of a whole answer."""
    try:
        text: str = json.loads(chat)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        raise AnswerError(f"no chat completion: {chat[:200]!r}") from error
    return text


def stream_texts(stream: bytes) -> list[str]:
    """The text of each chunk of a stream, some of them empty; `[DONE]` is no chunk."""
    events = [line[5:].strip() for line in stream.splitlines() if line.startswith(b"data:")]
    try:
        return [_delta(json.loads(event)) for event in events if event != b"[DONE]"]
    except (ValueError, LookupError, TypeError) as error:
        raise AnswerError(f"no stream of chunks: {stream[-200:]!r}") from error


def first_model(port: int) -> str:
    """The first model that the server lists."""
    name: str = json.loads(fetch(port, "GET", "/v1/models"))["data"][0]["id"]
    return name


def fetch(
    port: int,
    method: str,
    path: str,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The body of a 200; anything else is raised."""
    connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, content, {**HEADERS, **(headers or {})})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise AnswerError(f"{method} {path} gave {response.status}: {content[:200]!r}")
    return content


def _delta(chunk: dict[str, list[dict[str, dict[str, str | None]]]]) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
