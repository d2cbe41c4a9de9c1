"""How an event stream travels: its headers, its pace, its end; and that nothing else is one."""

from contract_tests.check import MAY, MUST, SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.samples import CHAT
from contract_tests.server import Server
from contract_tests.sources import doc, issue, peer, rfc, sdk, spec
from contract_tests.target import THROTTLED
from contract_tests.wire.client import LEFT_OPEN
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import DONE, Stream

NEEDS = ("chat.stream",)
CONTENT = "/paths/~1chat~1completions/post/responses/200/content"
PROXIES = "anything behind nginx or an ingress comes in one piece"
NUMBERS = f"Write these numbers again: {' '.join(str(number) for number in range(1, 71))}"
SLOW_S = 0.2  # of generation; a quicker answer cannot show whether it was held back
BURST_S = 0.03  # no model writes the numbers in that time
NUMBERS_CHARACTERS = 150


async def _stream(server: Server) -> Exchange:
    return (await server.chat_stream()).exchange


@check(
    "http.stream.type",
    MUST,
    "A stream is sent as `text/event-stream`.",
    spec(f"{CONTENT}/text~1event-stream"),
    rfc("WHATWG HTML §9.2"),
    issue("microsoft/foundry-dev-tools#195", "nearai/private-ml-sdk#20", "ollama/ollama#8991"),
    needs=NEEDS,
    clients="EventSource and httpx-sse refuse to read it",
)
async def stream_type(server: Server) -> None:
    answer = await _stream(server)
    expect(answer.media_type == "text/event-stream", "`text/event-stream`", answer.headers)


@check(
    "http.stream.honoured",
    MUST,
    "`stream: true` is answered with events, not with one body.",
    doc("CreateChatCompletionRequest/allOf/1/properties/stream"),
    issue("tinyhumansai/tinyagents#56", "mistralai/mistral-vibe#619"),
    needs=NEEDS,
    clients="the SDKs iterate over nothing: a silently empty answer",
)
async def honoured(server: Server) -> None:
    stream = await server.chat_stream()
    expect(len(stream.payloads) > 1, "two data events at least", stream.exchange.brief())


@check(
    "http.plain.json",
    MUST,
    "Without `stream`, or with false, the answer is one JSON value and nothing else.",
    spec(f"{CONTENT}/application~1json"),
    doc("CreateChatCompletionRequest/allOf/1/properties/stream"),
    issue("decolua/9router#3492", "diegosouzapw/OmniRoute#3708"),
    needs="chat",
    clients="Vercel AI SDK, and whoever parses the body as JSON",
)
async def plain(server: Server) -> None:
    for body in (server.chat_body(), server.chat_body(stream=False)):
        answer = await server.post(CHAT, body, fresh=False)
        cooperate(answer.status != THROTTLED, "the server throttles")
        expect(answer.status == 200, "200", answer.brief())
        expect(answer.media_type != "text/event-stream", "no event stream", answer.headers)
        at(answer.json, "choices", of=list)


@check(
    "http.stream.no_length",
    SHOULD,
    "A stream has no content-length.",
    rfc("RFC 9112 §6.1"),
    needs=NEEDS,
    clients="a length is known only to a server that has held the stream back",
)
async def no_length(server: Server) -> None:
    length = (await _stream(server)).header("content-length")
    expect(length is None, "no `content-length`", length)


@check(
    "http.stream.no_cache",
    MAY,
    "A stream is sent with `Cache-Control: no-cache` or `no-store`.",
    rfc("RFC 9111 §5.2.2"),
    issue("BerriAI/litellm#29557", "langgenius/dify#41755"),
    needs=NEEDS,
    clients=PROXIES,
)
async def no_cache(server: Server) -> None:
    control = (await _stream(server)).header("cache-control") or ""
    names = {part.strip().lower() for part in control.split(",")}
    expect(names & {"no-cache", "no-store"}, "`no-cache` or `no-store`", control)


@check(
    "http.stream.no_buffering",
    MAY,
    "A stream is sent with `X-Accel-Buffering: no`.",
    issue("BerriAI/litellm#29557", "langgenius/dify#41755", "seaavey/SRouter#104"),
    needs=NEEDS,
    clients=PROXIES,
)
async def no_buffering(server: Server) -> None:
    value = (await _stream(server)).header("x-accel-buffering")
    expect((value or "").strip().lower() == "no", "`X-Accel-Buffering: no`", value)


@check(
    "http.stream.gzip",
    SHOULD,
    "A client that accepts gzip reads the same stream of events.",
    rfc("RFC 9110 §8.4"),
    sdk("httpx asks for gzip with each request"),
    needs=NEEDS,
    clients="every SDK, for it asks for gzip",
)
async def gzip(server: Server) -> None:
    body = server.chat_body(stream=True)
    answer = await server.post(CHAT, body, headers={"Accept-Encoding": "gzip, deflate"})
    cooperate(answer.status != THROTTLED, "the server throttles")
    expect(answer.fault is None and answer.status == 200, "200", answer.brief())
    expect(DONE in Stream(answer).payloads[-1:], "a stream that ends with [DONE]", answer.brief())


@check(
    "http.stream.closes",
    MUST,
    "The answer ends with `[DONE]`; the connection is not left waiting.",
    rfc("RFC 9112 §6.3"),
    issue(
        "agentscope-ai/agentscope-java#2073", "cohere-ai/cohere-python#756", "vastsa/PI-Desktop#217"
    ),
    needs=NEEDS,
    clients="clients that read to the end hang until their timeout",
)
async def closes(server: Server) -> None:
    stream = await server.chat_stream()
    fault = stream.exchange.fault
    expect(fault != LEFT_OPEN, "the end of the answer after [DONE]", fault)


@check(
    "http.stream.whole",
    MUST,
    "The body of a stream is complete: its last chunk, of length zero, comes.",
    rfc("RFC 9112 §7.1"),
    sdk("httpx raises RemoteProtocolError"),
    issue("jundot/omlx#1267", "dstackai/dstack#1208", "npuichigo/openai_trtllm#31"),
    needs=NEEDS,
    clients="httpx, requests and urllib raise after the last event; curl hides it",
)
async def whole(server: Server) -> None:
    answer = await _stream(server)
    expect(answer.fault in {None, LEFT_OPEN}, "the end of the body", answer.fault)


@check(
    "http.stream.incremental",
    SHOULD,
    "Events are sent as they come to be, not all at the end.",
    doc("CreateChatCompletionRequest/allOf/1/properties/stream"),
    peer("ogx", "test_response_streaming_incremental_content"),
    issue("kekzl/imp#754", "router-for-me/CLIProxyAPI#460", "nicedreamzapp/claude-code-local#39"),
    needs=NEEDS,
    clients="chat windows stay empty until the end; load generators measure nonsense",
    alone=True,
)
async def incremental(server: Server) -> None:
    # One token of the same prompt tells what does not depend on the length of the answer: the
    # network, the prompt, the loading of the model. It comes first, so that a cached prompt
    # makes the generation look shorter, never longer.
    one = await server.post(CHAT, server.chat_body(NUMBERS, max_tokens=1))
    cooperate(one.status == 200 and not one.fault, "an answer of one token was refused")
    stream = await server.chat_stream(NUMBERS, fresh=True)
    times_s = [frame.at_s for frame in stream.frames if frame.data is not None]
    generated_s = stream.exchange.duration_s - one.duration_s
    long_enough = len(stream.text()) >= NUMBERS_CHARACTERS and generated_s >= SLOW_S
    cooperate(long_enough, "the answer was too short or too quick to tell")
    spread_s = times_s[-1] - times_s[0]
    seen = f"{len(times_s)} events within {spread_s:.3f} s, after {times_s[0]:.3f} s"
    expect(spread_s > BURST_S, "events spread over the time of the generation", seen)
