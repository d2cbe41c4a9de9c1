"""Event streams as bytes: what a client's parser needs, and the official clients often hide."""

import json

from contract_tests.check import MAY, MUST, SHOULD, check
from contract_tests.expect import cooperate, expect, show
from contract_tests.samples import REPEAT_UNICODE
from contract_tests.server import Server
from contract_tests.sources import issue, live, peer, rfc, sdk
from contract_tests.wire.sse import BOM, Frame, line_ends
from contract_tests.wire.stream import DONE, Stream

NEEDS = ("chat.stream",)
FIELDS = frozenset({"data", "event", "id", "retry"})
EVENTS = rfc("WHATWG HTML §9.2")


async def _frames(server: Server) -> list[Frame]:
    stream = await server.chat_stream()
    expect(stream.payloads, "an event stream", stream.exchange.brief())
    return stream.frames


async def _payloads(server: Server) -> list[str]:
    return [frame.data for frame in await _frames(server) if frame.data is not None]


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError):
        return False
    return True


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


# --- events ---


@check(
    "sse.event.json",
    MUST,
    "The data of every event is one JSON value, or `[DONE]`.",
    sdk("_streaming.ServerSentEvent.json"),
    issue("mnfst/llm-gateway#2053", "Wei-Shaw/sub2api#1471"),
    needs=NEEDS,
    clients="openai-node: could not parse message into JSON",
)
async def event_json(server: Server) -> None:
    for payload in await _payloads(server):
        expect(payload == DONE or _is_json(payload), "one JSON value", payload)


@check(
    "sse.event.blank",
    MUST,
    "A blank line stands between two events.",
    EVENTS,
    sdk("_streaming.SSEDecoder.decode"),
    issue("Wei-Shaw/sub2api#1471"),
    needs=NEEDS,
    clients="every strict parser makes one text of two chunks",
)
async def event_blank(server: Server) -> None:
    for frame in await _frames(server):
        lines = frame.values("data")
        values = [line for line in lines if line == DONE or _is_json(line)]
        whole = len(values) < 2 or _is_json(frame.data or "")
        expect(whole, "one value before each blank line", frame.lines)


@check(
    "sse.event.prefix",
    MUST,
    "The word `data:` stands once before each event's data.",
    EVENTS,
    issue("openclaw/openclaw#97474"),
    needs=NEEDS,
    clients="openai-node: unexpected token d",
)
async def event_prefix(server: Server) -> None:
    for payload in await _payloads(server):
        expect(not payload.lstrip().startswith("data:"), "no `data:` in the data", payload)


@check(
    "sse.event.data",
    MUST,
    "No event is without data.",
    sdk("_streaming.SSEDecoder.decode dispatches it, and json() fails"),
    issue("earendil-works/pi#8430", "openai/openai-python#2722", "openai/openai-python#3833"),
    needs=NEEDS,
    clients="openai-python and openai-node parse an empty text, and the stream dies",
)
async def event_data(server: Server) -> None:
    for frame in await _frames(server):
        fields = [name for name, _ in frame.fields if name in FIELDS]
        expect(not fields or (frame.data or "").strip(), "data, or a comment alone", frame.lines)


@check(
    "sse.event.line",
    MAY,
    "The data of an event is one line.",
    live("one data line an event"),
    issue("0xPlaygrounds/rig#534", "SamSaffron/term-llm#454"),
    needs=NEEDS,
    clients="clients that read line by line, such as rig",
)
async def event_line(server: Server) -> None:
    for frame in await _frames(server):
        expect(len(frame.values("data")) < 2, "one line of data", frame.lines)


# --- lines ---


@check(
    "sse.line.known",
    SHOULD,
    "Every line is blank, a comment, or one of the fields data, event, id and retry.",
    EVENTS,
    issue("0xPlaygrounds/rig#534"),
    needs=NEEDS,
    clients="parsers drop any other line in silence",
)
async def line_known(server: Server) -> None:
    for frame in await _frames(server):
        unknown = [name for name, _ in frame.fields if name not in FIELDS]
        expect(not unknown, "a field that parsers know", frame.lines)


@check(
    "sse.line.plain",
    SHOULD,
    "The events of chat chunks have neither a name nor an id.",
    live("data lines only"),
    sdk("_streaming.Stream treats events named thread.* differently"),
    needs=NEEDS,
    clients="EventSource does not hand named events to `onmessage`",
)
async def line_plain(server: Server) -> None:
    for frame in await _frames(server):
        named = [name for name, _ in frame.fields if name in {"event", "id"}]
        expect(not named, "no `event:` and no `id:`", frame.lines)


@check(
    "sse.line.end",
    SHOULD,
    "All lines end alike, in LF or in CR LF.",
    peer("openai-python", "test_sse_framing"),
    EVENTS,
    needs=NEEDS,
    clients="clients that split the stream at blank lines",
)
async def line_end(server: Server) -> None:
    stream = await server.chat_stream()
    expect(stream.payloads, "an event stream", stream.exchange.brief())
    ends = line_ends(stream.exchange)
    expect(ends in ({b"\n"}, {b"\r\n"}), "one kind of line end", sorted(ends))


@check(
    "sse.end.blank",
    SHOULD,
    "The stream ends with a blank line, so that its last event counts.",
    EVENTS,
    peer("llmprobe", "stream framing"),
    needs=NEEDS,
    clients="browsers and the official clients drop an event without it",
)
async def end_blank(server: Server) -> None:
    last = (await _frames(server))[-1]
    expect(last.finished, "a blank line after the last event", last.lines)


# --- bytes ---


@check(
    "sse.bytes.utf8",
    MUST,
    "The stream is UTF-8.",
    EVENTS,
    rfc("RFC 8259 §8.1"),
    issue("mattn/tensai#110"),
    needs=NEEDS,
    clients="parsers replace what they cannot read, or fail",
)
async def utf8(server: Server) -> None:
    for stream in (await server.chat_stream(), await server.chat_stream(REPEAT_UNICODE)):
        try:
            stream.exchange.body.decode()
        except UnicodeDecodeError as error:
            around = stream.exchange.body[max(0, error.start - 20) : error.end + 20]
            expect(False, "UTF-8", around)


@check(
    "sse.bytes.bom",
    SHOULD,
    "The stream begins without a byte order mark.",
    peer("openai-python", "test_sse_framing"),
    sdk("_streaming.SSEDecoder.decode knows no mark"),
    needs=NEEDS,
    clients="openai-python loses the first chunk",
)
async def bom(server: Server) -> None:
    body = (await server.chat_stream()).exchange.body
    expect(not body.startswith(BOM), "no byte order mark", body[:20])


# --- the end ---


def _terminators(stream: Stream) -> list[str]:
    """The data that mean `[DONE]`, in whatever spelling."""
    letters = "\"'[] \n."
    return [one for one in stream.payloads if one.strip(letters).lower() == "done"]


@check(
    "sse.done.literal",
    MUST,
    "The end is the word `[DONE]`, neither quoted nor spelt in another way.",
    sdk("_streaming.Stream: sse.data.startswith"),
    issue("openai/openai-openapi#240", "mistralai/client-ts#36"),
    needs=NEEDS,
    clients="the SDKs parse any other word as a chunk, and fail",
)
async def done_literal(server: Server) -> None:
    terminators = _terminators(await server.chat_stream())
    cooperate(terminators, "the stream has no end of its own")
    for payload in terminators:
        expect(payload == DONE, "[DONE]", show(payload))


@check(
    "sse.done.once",
    MUST,
    "The stream says `[DONE]` once.",
    sdk("_streaming.Stream stops at the first"),
    live("once, as the last event"),
    needs=NEEDS,
    clients="proxies that pass on what follows the first",
)
async def done_once(server: Server) -> None:
    terminators = _terminators(await server.chat_stream())
    cooperate(terminators, "the stream has no end of its own")
    expect(len(terminators) == 1, "one [DONE]", f"{len(terminators)} of them")
