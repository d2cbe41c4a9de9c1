"""Tool calls in a stream: fragments that a client puts together by their `index`."""

import warnings
from collections import defaultdict
from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.checks.tools import NAMES, pressed, read
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import calls_of, choice_of, content_of
from contract_tests.samples import ASK_BOTH, ASK_WEATHER, TIME, WEATHER
from contract_tests.server import JSON, Server
from contract_tests.sources import doc, issue, peer, sdk, spec
from contract_tests.verdict import Broken
from contract_tests.wire.stream import Stream

NEEDS = ("chat.stream", "chat.tools")
BOTH = [WEATHER, TIME]
CHUNK = "ChatCompletionMessageToolCallChunk"
DELTA = "ChatCompletionStreamResponseDelta"
DELTAS = "lib/streaming/_deltas.py, which joins texts"
CHOICE = "CreateChatCompletionStreamResponse/properties/choices/items"


def _fragments(stream: Stream) -> list[JSON]:
    """Every entry of `delta.tool_calls`, in order."""
    found: list[JSON] = []
    for delta in stream.deltas():
        calls = delta.get("tool_calls")
        count = len(at(delta, "tool_calls", of=list)) if calls is not None else 0
        found += [at(delta, "tool_calls", place, of=dict) for place in range(count)]
    return found


def _by_index(fragments: list[JSON]) -> list[list[JSON]]:
    """The fragments of each call."""
    calls: dict[int, list[JSON]] = defaultdict(list)
    for fragment in fragments:
        calls[at(fragment, "index", of=int)].append(fragment)
    return [calls[index] for index in sorted(calls)]


def _pieces(fragments: list[JSON], key: str) -> list[str]:
    """The pieces of a call's name or arguments, without nulls."""
    functions = [at(one, "function", of=dict) for one in fragments if one.get("function")]
    return [at(one, key, of=str) for one in functions if one.get(key) is not None]


async def _called(server: Server, asked: str = ASK_WEATHER, **params: Any) -> Stream:
    """A stream that calls a tool and was not cut off."""
    stream = await server.chat_stream(asked, **await pressed(server, params))
    cooperate(_fragments(stream), "the model called no tool")
    cooperate("length" not in stream.finishes(), "the call was cut off")
    return stream


@check(
    "tools.stream.index",
    MUST,
    "Every fragment of a call has an `index`, an integer.",
    spec(f"{CHUNK}/required"),
    issue("ollama/ollama#7881", "openai/openai-python#3246", "open-webui/open-webui#27190"),
    needs=NEEDS,
    clients="openai-python raises TypeError, Open WebUI hangs, others lose the arguments",
    cooperative=True,
)
async def index(server: Server) -> None:
    for fragment in _fragments(await _called(server)):
        expect(at(fragment, "index", of=int) >= 0, "`index` from 0", fragment)


@check(
    "tools.stream.id",
    MUST,
    "The first fragment of a call has its `id`.",
    spec(f"{CHUNK}/properties/id"),
    issue("vllm-project/vllm#18412", "binaricat/Netcatty#1007", "BerriAI/litellm#33223"),
    needs=NEEDS,
    clients="LiteLLM drops the call; the next turn is refused",
    cooperative=True,
)
async def call_id(server: Server) -> None:
    for fragments in _by_index(_fragments(await _called(server))):
        expect(at(fragments[0], "id", of=str), "an `id`", fragments[0])


@check(
    "tools.stream.id_once",
    MUST,
    "The `id` of a call is sent once.",
    sdk(DELTAS),
    issue("BerriAI/litellm#11407"),
    needs=NEEDS,
    clients="openai-python joins them to an id that nobody knows",
    cooperative=True,
)
async def id_once(server: Server) -> None:
    for fragments in _by_index(_fragments(await _called(server))):
        again = [one["id"] for one in fragments[1:] if one.get("id")]
        expect(not again, "no second `id`", again)


@check(
    "tools.stream.id_empty",
    SHOULD,
    "Fragments after the first leave out `id`, and do not send an empty one.",
    spec(f"{CHUNK}/properties/id"),
    issue("symfony/ai#2220", "spring-projects/spring-ai#6369"),
    needs=NEEDS,
    clients="Spring AI and Symfony AI take each for a new call",
    cooperative=True,
)
async def id_empty(server: Server) -> None:
    for fragments in _by_index(_fragments(await _called(server))):
        empty = [one for one in fragments if one.get("id") == ""]
        expect(not empty, "no empty `id`", empty)


@check(
    "tools.stream.type",
    MUST,
    'The first fragment of a function\'s call has the type "function".',
    spec(f"{CHUNK}/properties/type"),
    needs=NEEDS,
    cooperative=True,
)
async def call_type(server: Server) -> None:
    for fragments in _by_index(_fragments(await _called(server))):
        expect(at(fragments[0], "type") == "function", '`type` "function"', fragments[0])


@check(
    "tools.stream.name",
    MUST,
    "The name of the function is whole in the first fragment of the call, and sent once.",
    sdk(DELTAS),
    issue("NousResearch/hermes-agent#8259", "continuedev/continue#5849", "vllm-project/vllm#18412"),
    needs=NEEDS,
    clients="openai-python and hermes-agent call read_fileread_file",
    cooperative=True,
)
async def name(server: Server) -> None:
    for fragments in _by_index(_fragments(await _called(server, tools=BOTH))):
        first = at(fragments[0], "function", "name", of=str)
        expect(first in NAMES, "the name of a tool", fragments[0])
        joined = "".join(_pieces(fragments, "name"))
        expect(joined == first, f"the pieces of the name to be {first}", joined)


@check(
    "tools.stream.arguments",
    MUST,
    "The argument fragments of a call join to the text of a JSON object.",
    doc(f"{CHUNK}/properties/function/properties/arguments"),
    peer("llmprobe", "stream-tools"),
    issue("vllm-project/vllm#32152", "ggml-org/llama.cpp#20198"),
    needs=NEEDS,
    clients="the tool cannot run",
    cooperative=True,
)
async def arguments(server: Server) -> None:
    for fragments in _by_index(_fragments(await _called(server))):
        read("".join(_pieces(fragments, "arguments")))


@check(
    "tools.stream.arguments_text",
    MUST,
    "`arguments` of a fragment is a text, which may be empty, and never null.",
    spec(f"{CHUNK}/properties/function/properties/arguments"),
    needs=NEEDS,
    clients="typed clients in Go, Rust and Java",
    cooperative=True,
)
async def arguments_text(server: Server) -> None:
    for fragment in _fragments(await _called(server)):
        if fragment.get("function") and "arguments" in at(fragment, "function", of=dict):
            at(fragment, "function", "arguments", of=str)


@check(
    "tools.stream.finish",
    SHOULD,
    'A stream with tool calls has one finish_reason, and it is "tool_calls".',
    doc(f"{CHOICE}/properties/finish_reason"),
    issue("RayBytes/ChatMock#114", "skye-harris/hass_local_openai_llm#92", "ml-explore/mlx-lm#782"),
    needs=NEEDS,
    clients="the last reason wins, and the tools are dropped; or they run twice",
    cooperative=True,
)
async def finish(server: Server) -> None:
    # Of its own will: OpenAI's own examples allow for "stop" where a call was demanded.
    finishes = (await _called(server, tool_choice="auto")).finishes()
    expect(finishes == ["tool_calls"], '"tool_calls" once', finishes)


@check(
    "tools.stream.finish_last",
    SHOULD,
    "No fragment of a call comes after the finish_reason.",
    spec(f"{CHOICE}/required"),
    peer("vllm", "test_chat_streaming_of_tool_and_reasoning"),
    needs=NEEDS,
    clients="agents run the tool at the finish_reason, without the rest of its arguments",
    cooperative=True,
)
async def finish_last(server: Server) -> None:
    finished = False
    for choice in (await _called(server)).of(0):
        delta = choice.get("delta")
        late = finished and isinstance(delta, dict) and delta.get("tool_calls")
        expect(not late, "nothing after the finish_reason", choice)
        finished |= choice.get("finish_reason") is not None


@check(
    "tools.stream.parallel",
    MUST,
    "Each of several calls has an `index` of its own, from 0 on, and an id of its own.",
    spec(f"{CHUNK}/properties/index"),
    issue("ollama/ollama#15457", "ai-dynamo/dynamo#4723", "LibreChat-AI/agents#260"),
    needs=NEEDS,
    clients="LangChain, LibreChat and smolagents merge the calls into one",
    cooperative=True,
)
async def parallel(server: Server) -> None:
    fragments = _fragments(await _called(server, ASK_BOTH, tools=BOTH))
    # A second call shows by its name, whatever its index and id.
    begun = [one for one in fragments if _pieces([one], "name") not in ([], [""])]
    cooperate(len(begun) > 1, "the model made one call")
    calls = _by_index(fragments)
    indexes = [at(call[0], "index") for call in calls]
    expect(indexes == list(range(len(begun))), f"{len(begun)} indexes from 0", indexes)
    ids = [at(call[0], "id") for call in calls]
    expect(len({str(one) for one in ids}) == len(ids), "each id once", ids)


@check(
    "tools.stream.same",
    SHOULD,
    "A streamed reply calls the tools, and says the text, of the whole one.",
    spec(f"{DELTA}/properties/tool_calls"),
    issue("sgl-project/sglang#34214", "vllm-project/vllm#42210"),
    needs=(*NEEDS, "chat.deterministic"),
    clients="text before a call is lost without a trace",
)
async def same(server: Server) -> None:
    params = await pressed(server, {"temperature": 0})
    choice = choice_of(await server.chat(ASK_WEATHER, **params))
    stream = await server.chat_stream(ASK_WEATHER, **params)
    cooperate(choice.get("finish_reason") != "length", "the reply was cut off")
    whole = [
        (at(call, "function", "name"), read(at(call, "function", "arguments", of=str)))
        for call in calls_of(choice)
    ]
    streamed = [
        ("".join(_pieces(call, "name")), read("".join(_pieces(call, "arguments"))))
        for call in _by_index(_fragments(stream))
    ]
    expect(streamed == whole, f"the calls {whole}", streamed)
    text = content_of(choice)
    expect(stream.text() == text, f"the text {text!r}", stream.text())


@check(
    "tools.stream.sdk",
    MUST,
    "The official client puts the call together.",
    sdk("ChatCompletionStreamState"),
    issue("openai/openai-python#3246"),
    needs=NEEDS,
    clients="client.chat.completions.stream()",
    cooperative=True,
)
async def sdk_stream(server: Server) -> None:
    from openai.lib.streaming.chat import ChatCompletionStreamState  # noqa: PLC0415 - see sdk()
    from openai.types.chat import ChatCompletionChunk  # noqa: PLC0415 - see sdk()

    stream = await _called(server)
    state = ChatCompletionStreamState[None]()
    try:
        with warnings.catch_warnings(action="ignore"):
            for chunk in stream.chunks:
                state.handle_chunk(ChatCompletionChunk.construct(**chunk))
            message = state.get_final_completion().choices[0].message
            made = [
                (call.function.name, call.function.arguments) for call in message.tool_calls or ()
            ]
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise Broken("a stream that the client reads", repr(error)) from error
    expect(made, "a call", stream.exchange.brief())
    for called, text in made:
        expect(called in NAMES, "the name of a tool", called)
        read(at({"arguments": text}, "arguments", of=str))
