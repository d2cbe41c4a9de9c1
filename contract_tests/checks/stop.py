"""`stop` in chat: where the text ends, and what the stream lets out before it knows.

The exact checks take the answer at temperature 0, and ask again with a piece of it as the stop
sequence. White space at the end of a text counts for nothing, for some servers trim it.
"""

from typing import Any

from contract_tests.check import MUST, SHOULD, Level, check
from contract_tests.expect import cooperate, expect
from contract_tests.reading import choice_of, content_of, steady
from contract_tests.samples import CHAT
from contract_tests.server import Server, refusal
from contract_tests.sources import Source, doc, issue, peer, spec

STOP = spec("CreateChatCompletionRequest/allOf/1/properties/stop")
FORMS = spec("StopConfiguration/oneOf")
TEXT = doc("StopConfiguration")
FINISH = doc("CreateChatCompletionResponse/properties/choices/items/properties/finish_reason")
IGNORED = issue("Blaizzy/mlx-vlm#1044", "huggingface/text-generation-inference#1724")
CLIENTS = "agents whose prompts end each turn with a marker"

EXACT = ("chat.stop", "chat.deterministic")
STREAMED = ("chat.stream", "chat.stop", "chat.deterministic")
FOX = "fox"  # stands in the middle of the default sentence
ABSENT = ["qzx1", "qzx2", "qzx3", "qzx4", "qzx5"]
WORDS = 6
SPAN = 9  # characters: several tokens of any tokenizer


async def _ask(server: Server, stream: bool = False, **params: Any) -> tuple[str, list[Any]]:
    """The text and the finish reasons of the first choice."""
    if stream:
        streamed = await server.chat_stream(**params)
        return streamed.text(), streamed.finishes()
    choice = choice_of(await server.chat(**params))
    return content_of(choice), [choice.get("finish_reason")]


async def _full(server: Server) -> str:
    text, _ = await _ask(server, temperature=0)
    cooperate(len(text.split()) >= WORDS, "the answer has too few words to be stopped in them")
    return text


async def _ends(
    server: Server, text: str, stop: Any, wanted: str, *, stream: bool = False, told: str = ""
) -> None:
    got, _ = await _ask(server, stream, temperature=0, stop=stop)
    if got.rstrip() == wanted.rstrip():
        return
    cooperate(got, "the model said nothing before the stop sequence")
    steady(text, await server.chat(temperature=0, fresh=True))
    steady(got, (await _ask(server, stream, temperature=0, stop=stop, fresh=True))[0])
    expect(False, f"{wanted!r} with stop {stop!r}", f"{told}{got!r}")


def _words(text: str) -> list[str]:
    """Words of the text's middle, in the order in which they first occur; none begins it."""
    words = text.split()
    middle = {word for word in words[len(words) // 2 : -1] if text.index(word) > 0}
    cooperate(len(middle) > 1, "the answer repeats itself")
    return sorted(middle, key=text.index)


def _across(text: str) -> str:
    """A piece of the text that begins and ends within words, so that it crosses tokens."""
    word = _words(text)[0]
    start = text.index(word) + len(word) - 1
    return text[start : start + SPAN]


def _exact(
    name: str, level: Level, rule: str, *sources: Source | tuple[Source, ...], stream: bool = False
) -> Any:
    """A check of where the text ends; the name's last part says which stop sequences are sent."""
    kind = name.rpartition(".")[2]

    @check(name, level, rule, *sources, needs=STREAMED if stream else EXACT, clients=CLIENTS)
    async def ends(server: Server) -> None:
        text = await _full(server)
        first, second = _words(text)[:2]
        stop: Any = {
            "string": first,
            "text": first,
            "array": [second, first],
            "four": [*ABSENT[:3], first],
            "across": _across(text),
            "unmatched": text[-4:] + ABSENT[0],
        }[kind]
        wanted = {"unmatched": text, "across": text[: text.index(_across(text))]}
        await _ends(server, text, stop, wanted.get(kind, text[: text.index(first)]), stream=stream)

    return ends


string = _exact(
    "stop.string", MUST, "`stop` may be a string; the text ends before it.", FORMS, IGNORED
)
array = _exact(
    "stop.array",
    MUST,
    "Of several stop sequences, the one that comes first in the text ends it.",
    TEXT,
    IGNORED,
)
four = _exact(
    "stop.four",
    MUST,
    "Up to four stop sequences are accepted, and each of them stops.",
    spec("StopConfiguration/oneOf/1/maxItems"),
)
across = _exact(
    "stop.across",
    MUST,
    "A stop sequence of several tokens stops too.",
    peer("vllm", "test_stop_strings"),
    IGNORED,
)
unmatched = _exact(
    "stop.unmatched",
    SHOULD,
    "Text that only begins like a stop sequence is not lost.",
    STOP,
    peer("vllm", "test_stop_strings"),
)


@check(
    "stop.excluded",
    MUST,
    "The text does not contain the stop sequence.",
    TEXT,
    IGNORED,
    needs="chat.stop",
    clients=CLIENTS,
    cooperative=True,
)
async def excluded(server: Server) -> None:
    plain, _ = await _ask(server)
    cooperate(FOX in plain, f"the model does not say {FOX!r}")
    text, _ = await _ask(server, stop=[FOX])
    expect(FOX not in text, f"no {FOX!r} in the text", text)


async def _finishes(server: Server, *, stream: bool) -> None:
    plain, reasons = await _ask(server)
    cooperate(FOX in plain and reasons == ["stop"], f"the model does not say {FOX!r} and stop")
    text, reasons = await _ask(server, stream, stop=[FOX])
    same = text.rstrip() == plain.partition(FOX)[0].rstrip()
    cooperate(same, "the stop sequence did not stop the text, or the model said something else")
    expect(reasons == ["stop"], 'finish_reason "stop" after a stop sequence', reasons)


@check(
    "stop.finish",
    MUST,
    'A text that a stop sequence ends has finish_reason "stop".',
    FINISH,
    needs="chat.stop",
    cooperative=True,
)
async def finish(server: Server) -> None:
    await _finishes(server, stream=False)


@check(
    "stop.five",
    MUST,
    "Five stop sequences are refused, or each of them stops.",
    spec("StopConfiguration/oneOf/1/maxItems"),
    TEXT,
    needs=EXACT,
    clients=CLIENTS,
)
async def five(server: Server) -> None:
    text = await _full(server)
    word = _words(text)[0]
    stop = [*ABSENT[:4], word]
    body = server.chat_body(temperature=0, stop=stop)
    answer = await server.post(CHAT, body, fresh=False)
    if not answer.ok:
        refusal(answer)
        return
    told = "200, and the fifth did not stop: "
    await _ends(server, text, stop, text[: text.index(word)], told=told)


@check(
    "stop.maximum",
    SHOULD,
    "More than four stop sequences are refused.",
    spec("StopConfiguration/oneOf/1/maxItems"),
    needs="chat.stop",
)
async def maximum(server: Server) -> None:
    await server.refuses(CHAT, server.chat_body(stop=ABSENT), fresh=False)


@check(
    "stop.wrong_type",
    MUST,
    "A stop sequence that is no string is refused.",
    FORMS,
    needs="chat.stop",
)
async def wrong_type(server: Server) -> None:
    for stop in (5, [5], {"stop": FOX}):
        await server.refuses(CHAT, server.chat_body(stop=stop), fresh=False)


@check(
    "stop.empty_list",
    SHOULD,
    "An empty list of stop sequences is refused, or stops nothing.",
    spec("StopConfiguration/oneOf/1/minItems"),
    needs="chat.stop",
)
async def empty_list(server: Server) -> None:
    answer = await server.post(CHAT, server.chat_body(stop=[]), fresh=False)
    if not answer.ok:
        refusal(answer)
        return
    plain, _ = await _ask(server)
    expect(content_of(choice_of(answer.json)) or not plain, "a text", answer.brief())


stream_text = _exact(
    "stop.stream.text",
    MUST,
    "A streamed text ends before the stop sequence.",
    TEXT,
    IGNORED,
    stream=True,
)
stream_across = _exact(
    "stop.stream.across",
    SHOULD,
    "A stream never lets out the beginning of a stop sequence that crosses its chunks.",
    TEXT,
    issue("ggml-org/llama.cpp#13780"),
    stream=True,
)
stream_unmatched = _exact(
    "stop.stream.unmatched",
    SHOULD,
    "Text that a stream held back is sent if no stop sequence comes of it.",
    STOP,
    peer("vllm", "test_stop_strings"),
    stream=True,
)


@check(
    "stop.stream.excluded",
    MUST,
    "The streamed text does not contain the stop sequence.",
    TEXT,
    IGNORED,
    needs=("chat.stream", "chat.stop"),
    clients=CLIENTS,
    cooperative=True,
)
async def stream_excluded(server: Server) -> None:
    plain, _ = await _ask(server)
    cooperate(FOX in plain, f"the model does not say {FOX!r}")
    text, _ = await _ask(server, stream=True, stop=[FOX])
    expect(FOX not in text, f"no {FOX!r} in the streamed text", text)


@check(
    "stop.stream.finish",
    MUST,
    'A stream that a stop sequence ends has finish_reason "stop".',
    FINISH,
    needs=("chat.stream", "chat.stop"),
    cooperative=True,
)
async def stream_finish(server: Server) -> None:
    await _finishes(server, stream=True)
