"""Uploads pass as they come in where nothing is decided by them, no faster than they are taken."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.adapter.watching import soon
from tests.backends.openai.test_large import FAR_BELOW_ALL_MB, MB, memory_mb
from tests.backends.openai.wicked import Wicked, whole
from tests.server import Serve, Server

KIND = "multipart/form-data; boundary=b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b\r\n'
HEAD += b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
END = b"\r\n--b--\r\n"


class Taker:
    """An upstream of one request, which reads its body when it is told to."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.go = threading.Event()
        self.begun = threading.Event()
        self.gone = threading.Event()
        self.head = b""
        self.body_bytes = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            connection, _ = self.listener.accept()
            with connection:
                self._take(connection)
        self.gone.set()

    def _take(self, connection: socket.socket) -> None:
        while b"\r\n\r\n" not in self.head:
            self.head += connection.recv(1000)
        self.head, _, begun = self.head.partition(b"\r\n\r\n")
        self.body_bytes = len(begun)
        self.begun.set()
        self.go.wait(30)
        connection.settimeout(5)
        told = self.head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        while self.body_bytes < int(told or 1 << 40):
            piece = connection.recv(1 << 20)
            if not piece:
                return
            self.body_bytes += len(piece)
        connection.sendall(whole(b'{"id":"file-1"}'))


@pytest.fixture
def taker() -> Iterator[Taker]:
    taker = Taker()
    yield taker
    taker.go.set()
    taker.listener.close()


def through(serve: Serve, port: int, **environment: str) -> Server:
    return serve(
        "--backend",
        "openai",
        **{
            "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "OPENAI_API_KEY": "k",
            "OPENAI_MODELS": "*",
            "PASSTHROUGH_ALL": "true",
            "MAX_BODY_MB": "300",
            **environment,
        },
    )


def parts(pieces: int) -> Iterator[bytes]:
    yield HEAD
    for _ in range(pieces):
        yield bytes(MB)
    yield END


def upload(server: Server, pieces: int, *, length: bool = True) -> httpx.Response:
    headers = {"content-type": KIND}
    if length:
        headers["content-length"] = str(len(HEAD) + pieces * MB + len(END))
    with server.http() as http:
        return http.post("/v1/files", content=parts(pieces), headers=headers)


def test_a_slow_upstream_holds_the_upload_back(serve: Serve, taker: Taker) -> None:
    server = through(serve, taker.port)
    before = memory_mb(server)
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(upload(server, 200)), daemon=True)
    asking.start()
    assert taker.begun.wait(10)
    time.sleep(2)
    assert memory_mb(server) - before < FAR_BELOW_ALL_MB
    taker.go.set()
    asking.join(30)
    assert answers[0].json() == {"id": "file-1"}
    assert taker.body_bytes == len(HEAD) + 200 * MB + len(END)
    assert memory_mb(server) - before < FAR_BELOW_ALL_MB


def test_an_upload_arrives_byte_for_byte_and_is_not_sent_twice(
    serve: Serve, wicked: Wicked
) -> None:
    server = through(serve, wicked.port)
    wicked.answer([whole(b"{}")])
    assert upload(server, 3).status_code == 200
    assert wicked.asked[0].body == b"".join(parts(3))
    assert wicked.asked[0].header("content-type") == KIND
    wicked.answer([whole(b"{}", status=503)], [whole(b"{}")])
    assert upload(server, 1).status_code == 503
    assert len(wicked.asked) == 1


def test_an_upload_that_is_too_large_is_refused(serve: Serve, taker: Taker) -> None:
    server = through(serve, taker.port, MAX_BODY_MB="2")
    assert upload(server, 3).status_code == 413
    assert not taker.begun.is_set()
    taker.go.set()
    answer = upload(server, 3, length=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


def test_an_upstream_that_takes_nothing_has_its_time(serve: Serve, taker: Taker) -> None:
    server = through(serve, taker.port, OPENAI_SILENCE_S="1")
    answer = upload(server, 100)
    assert answer.status_code == 504


def test_a_client_that_leaves_takes_its_upload_along(serve: Serve, taker: Taker) -> None:
    server = through(serve, taker.port)
    taker.go.set()
    lines = ("POST /v1/files HTTP/1.1", "host: a", f"content-type: {KIND}", "content-length: 9000")
    with server.connect() as raw:
        raw.sendall("\r\n".join([*lines, "", ""]).encode() + HEAD)
        assert taker.begun.wait(10)
        time.sleep(0.3)
    assert taker.gone.wait(5)
    assert soon(lambda: '"status": 499' in server.log or '"status":499' in server.log)
    assert '"crash"' not in server.log


def test_a_client_that_leaves_after_its_upload_is_seen_too(serve: Serve, wicked: Wicked) -> None:
    server = through(serve, wicked.port)
    wicked.answer([30.0])
    with server.http() as http, pytest.raises(httpx.ReadTimeout):
        http.post("/v1/files", content=HEAD + END, headers={"content-type": KIND}, timeout=0.5)
    assert wicked.asked[0].gone.wait(5)


def test_a_form_is_read_first_where_its_model_decides(serve: Serve, wicked: Wicked) -> None:
    server = through(serve, wicked.port, ALLOWED_MODELS="whisper-1")
    wicked.answer([whole(b"{}")])
    with server.http() as http:
        for model, status in (("whisper-1", 200), ("dear", 404)):
            answer = http.post(
                "/v1/audio/transcriptions", data={"model": model}, files={"file": b"RIFF"}
            )
            assert answer.status_code == status
    assert len(wicked.asked) == 1
