"""Streamed chat completions: the chunks, and what all of them have in common."""

from typing import TYPE_CHECKING, Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import at, expect
from contract_tests.reading import choice_of
from contract_tests.server import SENTENCE, Server
from contract_tests.sources import doc, issue, peer, sdk, spec
from contract_tests.wire.stream import DONE

if TYPE_CHECKING:
    from openai import AsyncOpenAI

CHUNK = "CreateChatCompletionStreamResponse"
NEEDS = ("chat.stream",)
KNOWN = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})


@check(
    "chat.stream.object",
    MUST,
    'The object of every chunk is "chat.completion.chunk".',
    spec(f"{CHUNK}/properties/object/enum"),
    spec(f"{CHUNK}/required"),
    needs=NEEDS,
    clients="clients that tell chunks from whole completions by it",
)
async def chunk_object(server: Server) -> None:
    for chunk in (await server.chat_stream()).chunks:
        expect(at(chunk, "object") == "chat.completion.chunk", '"chat.completion.chunk"', chunk)


@check(
    "chat.stream.id",
    MUST,
    "Every chunk of a stream has the same id, which is not empty.",
    doc(f"{CHUNK}/properties/id"),
    peer("llama.cpp", "test_chat_completion_stream"),
    issue(
        "ggml-org/llama.cpp#5876",
        "microsoft/foundry-local#144",
        "BerriAI/litellm#1571",
        "jundot/omlx#2462",
    ),
    needs=NEEDS,
    clients="openai-go's accumulator refuses the chunk; aggregators split the answer",
)
async def same_id(server: Server) -> None:
    ids = [at(chunk, "id", of=str) for chunk in (await server.chat_stream()).chunks]
    expect(len(set(ids)) == 1 and ids[0], "one id for all chunks", sorted(set(ids)))


@check(
    "chat.stream.created",
    MUST,
    "Every chunk of a stream has the same time of creation.",
    doc(f"{CHUNK}/properties/created"),
    issue("jundot/omlx#2462"),
    needs=NEEDS,
    clients="clients that group chunks by it",
)
async def same_created(server: Server) -> None:
    times = {at(chunk, "created", of=int) for chunk in (await server.chat_stream()).chunks}
    expect(len(times) == 1, "one time for all chunks", sorted(times))


@check(
    "chat.stream.model",
    SHOULD,
    "Every chunk of a stream names the same model.",
    spec(f"{CHUNK}/properties/model"),
    peer("llama.cpp", "test_chat_completion_stream"),
    issue("jundot/omlx#2462", "anomalyco/opencode#42918"),
    needs=NEEDS,
    clients="price tables that look the model up for each chunk",
)
async def same_model(server: Server) -> None:
    models = {at(chunk, "model", of=str) for chunk in (await server.chat_stream()).chunks}
    expect(len(models) == 1 and "" not in models, "one model for all chunks", sorted(models))


@check(
    "chat.stream.fingerprint",
    SHOULD,
    "The chunks of a stream do not differ in `system_fingerprint`.",
    doc(f"{CHUNK}/properties/system_fingerprint"),
    peer("llama.cpp", "test_chat_completion_stream"),
    needs=NEEDS,
)
async def same_fingerprint(server: Server) -> None:
    chunks = (await server.chat_stream()).chunks
    seen = {repr(one) for chunk in chunks if (one := chunk.get("system_fingerprint")) is not None}
    expect(len(seen) <= 1, "one fingerprint at most", sorted(seen))


@check(
    "chat.stream.choices",
    SHOULD,
    "Every chunk has a choice, unless it carries the usage.",
    doc(f"{CHUNK}/properties/choices"),
    issue(
        "AbanteAI/archive-old-cli-mentat#429",
        "pydantic/pydantic-ai#164",
        "run-llama/llama_index#7640",
    ),
    needs=NEEDS,
    clients="clients that read `chunk.choices[0]`: IndexError",
)
async def no_empty_choices(server: Server) -> None:
    for chunk in (await server.chat_stream()).chunks:
        choices = at(chunk, "choices", of=list)
        expect(choices or chunk.get("usage"), "a choice in every chunk", chunk)


@check(
    "chat.stream.done",
    MUST,
    "The last event of a stream is `[DONE]`.",
    doc("ChatCompletionStreamOptions/anyOf/0/properties/include_usage"),
    peer("llmprobe", "streamingDoneSeen"),
    issue(
        "ikawrakow/ik_llama.cpp#467",
        "diegosouzapw/OmniRoute#6777",
        "oobabooga/textgen#4778",
        "EricLBuehler/mistral.rs#1226",
    ),
    needs=NEEDS,
    clients="inference-benchmarker: the connection closed before completion; others wait",
)
async def done(server: Server) -> None:
    stream = await server.chat_stream()
    last = stream.payloads[-1] if stream.payloads else stream.exchange.brief()
    expect(last == DONE, "`data: [DONE]` at the end", last)


@check(
    "chat.stream.obfuscation",
    MUST,
    "With `include_obfuscation: false` no chunk has an `obfuscation`.",
    doc("ChatCompletionStreamOptions/anyOf/0/properties/include_obfuscation"),
    doc(f"{CHUNK}/properties/obfuscation"),
    needs=("chat.stream.obfuscation",),
    clients="whoever turned it off to save the bandwidth",
)
async def obfuscation(server: Server) -> None:
    stream = await server.chat_stream(stream_options={"include_obfuscation": False})
    for chunk in stream.chunks:
        expect("obfuscation" not in chunk, "no `obfuscation`", chunk)


@check(
    "chat.stream.sdk",
    SHOULD,
    "The official client's streaming helper puts a whole completion together.",
    sdk("lib.streaming.chat get_final_completion"),
    sdk("lib.streaming._deltas.accumulate_delta"),
    needs=NEEDS,
    clients="openai-python's `client.chat.completions.stream()`",
)
async def sdk_helper(server: Server) -> None:
    final = await _put_together(server)
    choice = choice_of(final)
    expect(len(final["choices"]) == 1, "one choice", final)
    expect(at(choice, "message", "role") == "assistant", 'the role "assistant"', choice)
    expect(at(choice, "finish_reason", of=str) in KNOWN, "a finish_reason", choice)


async def _put_together(server: Server) -> Any:
    async def helped(client: "AsyncOpenAI") -> Any:
        async with client.chat.completions.stream(
            model=server.model(), messages=[{"role": "user", "content": SENTENCE}]
        ) as stream:
            final = await stream.get_final_completion()
        # The helper leaves fields as they came, whatever their types.
        return final.model_dump(warnings=False)

    await server.chat_stream()  # what is no stream at all is not for the client to say
    return await server.sdk(helped, "the client to read the stream")
