"""`n` in chat: how many choices come, and that each is whole."""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.checks.limits import is_cut
from contract_tests.expect import cooperate, expect
from contract_tests.probes import refused
from contract_tests.reading import choices_of, content_of, tokens_of
from contract_tests.samples import CHAT
from contract_tests.server import SENTENCE, Messages, Server
from contract_tests.sources import doc, issue, peer, spec
from contract_tests.verdict import Unsupported
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import Stream

COUNT = doc("CreateChatCompletionRequest/allOf/1/properties/n")
DEFAULT = spec("CreateChatCompletionRequest/allOf/1/properties/n/default")
CHOICES = spec("CreateChatCompletionResponse/properties/choices")
CHUNKS = spec("CreateChatCompletionStreamResponse/properties/choices")
MERGED = issue(
    "abetlen/llama-cpp-python#1906", "vllm-project/vllm-omni#4269", "theopenco/llmgateway#3155"
)
CLIENTS = "self-consistency and best-of-n votes count one answer"
ANYTHING = "Write one short sentence about whatever you like."


async def _two(server: Server, messages: Messages = SENTENCE, **params: Any) -> Exchange:
    """The answer to n = 2, which some servers refuse together with other parameters."""
    body = server.chat_body(messages, n=2, **params)
    answer = await server.post(CHAT, body, fresh=False)
    if params and refused(answer):
        raise Unsupported(f"the server refuses n = 2 with {', '.join(params)}")
    expect(answer.status == 200, "200", answer.brief())
    return answer


@check(
    "choices.default",
    MUST,
    "Without `n` there is one choice, with index 0.",
    DEFAULT,
    needs="chat",
)
async def default(server: Server) -> None:
    indexes = [one.get("index") for one in choices_of(await server.chat())]
    expect(indexes == [0], "one choice, with index 0", f"the indexes {indexes}")


@check(
    "choices.one",
    SHOULD,
    "`n` of one is accepted, and gives one choice.",
    spec("CreateChatCompletionRequest/allOf/1/properties/n/minimum"),
    needs="chat",
    clients="frameworks that send `n: 1` with every request",
)
async def one(server: Server) -> None:
    indexes = [choice.get("index") for choice in choices_of(await server.chat(n=1))]
    expect(indexes == [0], "one choice, with index 0", f"the indexes {indexes}")


@check(
    "choices.two",
    MUST,
    "`n` of two gives two choices, with the indexes 0 and 1.",
    COUNT,
    spec("CreateChatCompletionResponse/properties/choices/items/properties/index"),
    MERGED,
    needs="chat.n",
    clients=CLIENTS,
)
async def two(server: Server) -> None:
    indexes = [choice.get("index") for choice in choices_of((await _two(server)).json)]
    expect(sorted(map(str, indexes)) == ["0", "1"], "the indexes 0 and 1", f"{indexes}")


@check(
    "choices.whole",
    MUST,
    "Each choice has a text and a finish_reason of its own.",
    spec("CreateChatCompletionResponse/properties/choices/items/required"),
    MERGED,
    needs="chat.n",
    clients=CLIENTS,
    cooperative=True,
)
async def whole(server: Server) -> None:
    plain = choices_of(await server.chat())
    cooperate(plain and content_of(plain[0]), "the model says nothing")
    for choice in choices_of((await _two(server)).json):
        expect(content_of(choice), "a text", choice)
        expect(choice.get("finish_reason"), "a finish_reason", choice)


@check(
    "choices.limit",
    MUST,
    "The limit of tokens holds for each choice.",
    spec("CreateChatCompletionRequest/allOf/1/properties/max_completion_tokens"),
    needs="chat.n",
)
async def limit(server: Server) -> None:
    plain = choices_of(await server.chat())
    cooperate(plain and not is_cut(content_of(plain[0])), "the answer is a few words")
    choices = choices_of((await _two(server, max_completion_tokens=1)).json)
    cut = any(is_cut(content_of(choice)) for choice in choices)
    cooperate(cut, "the limit did not cut the answer: see limits.max_completion_tokens")
    reasons = [choice.get("finish_reason") for choice in choices]
    expect(
        all(one == "length" for one in reasons), 'finish_reason "length" in each choice', reasons
    )


@check(
    "choices.usage",
    SHOULD,
    "`usage` counts the tokens of all choices.",
    COUNT,
    peer("vllm", "n above one"),
    needs="chat.n",
    clients="costs are counted too low",
)
async def usage(server: Server) -> None:
    body = (await _two(server, max_completion_tokens=1)).json
    texts = [content_of(one) for one in choices_of(body) if one.get("finish_reason") == "length"]
    cut = len(texts) == 2 and all(text and is_cut(text) for text in texts)
    cooperate(cut, "there are not two choices of one token each")
    count = tokens_of(body, "completion_tokens")
    expect(count == 2, "one completion token for each choice", body["usage"])


@check(
    "choices.differ",
    SHOULD,
    "At a high temperature the choices are not all the same.",
    COUNT,
    peer("vllm", "n above one"),
    needs=("chat.n", "chat.sampling"),
    clients=CLIENTS,
    cooperative=True,
)
async def differ(server: Server) -> None:
    answers = []
    for seed in range(3):
        params = {"temperature": 2, "max_completion_tokens": 24, "seed": seed}
        answers.append(
            [content_of(one) for one in choices_of((await _two(server, ANYTHING, **params)).json)]
        )
    cooperate(all(texts and all(texts) for texts in answers), "a choice has no text")
    cooperate(len({texts[0] for texts in answers}) > 1, "the model says the same each time")
    expect(any(len(set(texts)) > 1 for texts in answers), "different choices", answers)


@check(
    "choices.stream.two",
    MUST,
    "`n` of two streams the chunks of both choices, each with its index.",
    spec("CreateChatCompletionStreamResponse/properties/choices/items/properties/index"),
    MERGED,
    needs=("chat.n", "chat.stream"),
    clients=CLIENTS,
)
async def stream_two(server: Server) -> None:
    stream = Stream(await _two(server, stream=True))
    indexes = {str(choice.get("index")) for choice in stream.choices}
    expect(indexes == {"0", "1"}, "chunks of the indexes 0 and 1", sorted(indexes))


@check(
    "choices.stream.finish",
    MUST,
    "Each streamed choice ends with one finish_reason.",
    CHUNKS,
    MERGED,
    needs=("chat.n", "chat.stream"),
    clients=CLIENTS,
)
async def stream_finish(server: Server) -> None:
    stream = Stream(await _two(server, stream=True))
    for index in (0, 1):
        reasons = stream.finishes(index)
        expect(len(reasons) == 1, f"one finish_reason for choice {index}", reasons)


@check(
    "choices.stream.text",
    MUST,
    "The chunks of the streamed choices are not mixed up.",
    CHUNKS,
    MERGED,
    needs=("chat.n", "chat.stream", "chat.deterministic"),
    clients=CLIENTS,
)
async def stream_text(server: Server) -> None:
    choices = choices_of((await _two(server, temperature=0)).json)
    texts = [content_of(choice) for choice in choices]
    cooperate(len(texts) == 2 and len(set(texts)) == 1, "the choices differ at temperature 0")
    stream = Stream(await _two(server, temperature=0, stream=True))
    streamed = [stream.text(index) for index in (0, 1)]
    expect(len(set(streamed)) == 1, f"the texts {texts}", streamed)
