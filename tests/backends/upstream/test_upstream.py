"""What an `Upstream` promises every backend that asks through it."""

from collections.abc import Iterator

import pytest

from backends.protocol.errors import APIError, BackendUnavailable
from backends.upstream import Upstream, server_sent_events
from backends.upstream.retry import RetryPolicy
from tests.backends.openai.bodies import ERROR, EVENTS
from tests.backends.openai.wicked import CLOSE, END, JSON_TYPE, Wicked, chunk, head, stream, whole


@pytest.fixture(scope="module")
def wicked() -> Iterator[Wicked]:
    with Wicked() as upstream:
        yield upstream


async def test_an_unreadable_body_is_noticed(wicked: Wicked) -> None:
    start = head(200, JSON_TYPE, ("transfer-encoding", "chunked"))
    wicked.answer([start, 0.1, b"zz\r\n{}\r\n", CLOSE])
    upstream = Upstream(f"http://127.0.0.1:{wicked.port}", silence_s=60)
    with pytest.raises(BackendUnavailable):
        async with upstream.ask("POST", "/x", b"{}") as response:
            assert [piece async for piece in upstream.pieces(response)] == []
    await upstream.aclose()


async def test_events_are_read_however_they_are_cut(wicked: Wicked) -> None:
    wicked.answer([stream(), *(chunk(EVENTS[n : n + 9]) for n in range(0, len(EVENTS), 9)), END])
    upstream = Upstream(f"http://127.0.0.1:{wicked.port}")
    async with upstream.succeed("POST", "/x", b"{}") as response:
        events = [event async for event in server_sent_events(upstream.pieces(response), 1_000_000)]
    assert events[-1].data == b"[DONE]"
    assert len(events) == EVENTS.count(b"data: ")
    await upstream.aclose()


async def test_a_refusal_is_raised_with_its_wait(wicked: Wicked) -> None:
    wicked.answer([whole(ERROR, ("retry-after", "2"), status=429)])
    upstream = Upstream(f"http://127.0.0.1:{wicked.port}", policy=RetryPolicy(attempts=1))
    with pytest.raises(APIError) as refused:
        async with upstream.succeed("GET", "/x"):
            pass
    assert (refused.value.status, refused.value.retry_after_s) == (429, 2)
    assert len(wicked.asked) == 1
    await upstream.aclose()


async def test_a_path_is_encoded_where_it_is_not(wicked: Wicked) -> None:
    wicked.answer([whole(b"{}")])
    upstream = Upstream(f"http://127.0.0.1:{wicked.port}/v1/")
    for path in ("/a b/ö", "/a%20b/%2F?q=%41+b"):
        async with upstream.ask("GET", path):
            pass
    assert [asked.target for asked in wicked.asked] == ["/v1/a%20b/%C3%B6", "/v1/a%20b/%2F?q=%41+b"]
    await upstream.aclose()


@pytest.mark.parametrize("url", ["ftp://a", "a", "http://"])
def test_an_upstream_is_at_a_url(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        Upstream(url)
