"""`MOCK_TTFT_MS` and `MOCK_ITL_MS`: streaming is real, and a whole answer takes as long."""

import time

import pytest

from tests.adapter.chats import DONE, Body, ask, chat_body, events
from tests.server import Serve


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("more", [{}, {"logprobs": True}, {"stop": "zzz"}], ids=str)
def test_the_first_chunk_comes_well_before_the_last(serve: Serve, n: int, more: Body) -> None:
    body = chat_body("one two three four five six", stream=True, n=n, **more)
    arrivals: list[float] = []
    with serve(MOCK_TTFT_MS="100", MOCK_ITL_MS="50").http() as http:
        sent = time.monotonic()
        with http.stream("POST", "/v1/chat/completions", json=body) as answer:
            raw = b""
            for piece in answer.iter_raw():
                arrivals.append(time.monotonic())
                raw += piece
    assert events(raw)[-1] == DONE
    assert arrivals[0] - sent >= 0.1
    assert arrivals[-1] - arrivals[0] >= 0.2


def test_the_whole_answer_takes_as_long_as_its_stream(serve: Serve) -> None:
    with serve(MOCK_TTFT_MS="100", MOCK_ITL_MS="50").http() as http:
        sent = time.monotonic()
        ask(http, "one two three four")
        assert time.monotonic() - sent >= 0.1 + 3 * 0.05
