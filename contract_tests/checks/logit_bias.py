"""`logit_bias` in chat: bans and forces tokens, and refuses what is no bias.

No vocabulary is known here. A forced id shows in any vocabulary, for the text is then not the usual
one; the ids to ban come from the server's own `/tokenize`.
"""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import cooperate, expect
from contract_tests.probes import refused
from contract_tests.reading import choice_of, content_of, steady, tokens_of
from contract_tests.samples import CHAT
from contract_tests.server import Server
from contract_tests.sources import doc, peer, spec
from contract_tests.verdict import Unsupported

PLACE = "CreateChatCompletionRequest/allOf/1/properties/logit_bias"
NEEDS = "chat.logit_bias"
FORCED = 1000  # every vocabulary has it, and hardly any answer begins with it
SHORT = 16  # tokens
SPELT = 1.3  # times as many tokens
MANY = 250  # OpenAI takes 300 biases at most
WRONG: dict[str, dict[str, Any]] = {
    "key": {"fox": 1},
    "value": {"100": "much"},
    "range": {"100": 101},
    "vocabulary": {"4294967295": 1},
}


async def _biased(server: Server, bias: dict[str, int]) -> tuple[str, int]:
    """The beginning of the answer with that bias, which is not empty, and how many tokens it is."""
    body = server.chat_body(logit_bias=bias, max_completion_tokens=SHORT)
    answer = await server.post(CHAT, body, fresh=False)
    if refused(answer):
        raise Unsupported("the server refuses such a logit_bias")
    expect(answer.status == 200, "200", answer.brief())
    text = content_of(choice_of(answer.json))
    cooperate(text, "the biased answer has no text")
    return text, tokens_of(answer.json, "completion_tokens")


async def _tokens(server: Server, text: str) -> list[int]:
    """The ids of a text, asked in vLLM's way or else in llama.cpp's."""
    ways: list[dict[str, Any]] = [{"prompt": text}, {"content": text}]
    for way in ways:
        body = {"model": server.model(), **way}
        answer = await server.post("/tokenize", body, fresh=False)
        tokens = answer.json.get("tokens") if answer.ok and isinstance(answer.json, dict) else None
        if isinstance(tokens, list) and tokens:
            return [token for token in tokens if isinstance(token, int)]
    return []


@check(
    "sampling.logit_bias.force",
    MUST,
    "A bias of 100 forces a token, so that the usual answer does not come.",
    doc(PLACE),
    peer("llama.cpp", "test_logit_bias"),
    needs=NEEDS,
    clients="classifiers that bias towards their labels",
)
async def force(server: Server) -> None:
    plain = content_of(choice_of(await server.chat()))
    text, _ = await _biased(server, {str(FORCED): 100})
    expect(not plain.startswith(text), f"token {FORCED} again and again", text)


@check(
    "sampling.logit_bias.ban",
    MUST,
    "A bias of -100 bans a token: no answer comes whose tokens are all banned.",
    doc(PLACE),
    peer("llama.cpp", "test_logit_bias"),
    needs=(NEEDS, "tokenize"),
    clients="filters of unwanted words",
)
async def ban(server: Server) -> None:
    plain = content_of(choice_of(await server.chat()))
    tokens = await _tokens(server, plain)
    cooperate(0 < len(tokens) <= MANY, "the answer's tokens are not known")
    text, count = await _biased(server, {str(token): -100 for token in tokens})
    if plain.startswith(text):
        # A model may spell the same words in shorter tokens, which takes more of them.
        usual = await _tokens(server, text)
        spelt = count > SPELT * len(usual)
        expect(spelt, f"anything but {plain!r}, whose tokens are banned", text)


@check(
    "sampling.logit_bias.none",
    SHOULD,
    "A bias of zero changes nothing.",
    doc(PLACE),
    needs=(NEEDS, "chat.deterministic"),
)
async def none(server: Server) -> None:
    plain = content_of(choice_of(await server.chat(temperature=0)))
    text = content_of(choice_of(await server.chat(temperature=0, logit_bias={str(FORCED): 0})))
    if text != plain:
        steady(plain, await server.chat(temperature=0, fresh=True))
    expect(text == plain, repr(plain), repr(text))


def _refuses(wrong: str, rule: str) -> Any:
    @check(
        f"sampling.logit_bias.{wrong}",
        SHOULD,
        rule,
        spec(f"{PLACE}/additionalProperties") if wrong == "value" else doc(PLACE),
        peer("vllm", "test_chat_logit_bias_validation"),
        needs=NEEDS,
    )
    async def refuses(server: Server) -> None:
        body = server.chat_body(logit_bias=WRONG[wrong])
        await server.refuses(CHAT, body, fresh=False)

    return refuses


key = _refuses("key", "A bias for something that is no token id is refused.")
value = _refuses("value", "A bias that is no number is refused.")
outside = _refuses("range", "A bias outside -100 to 100 is refused.")
vocabulary = _refuses("vocabulary", "A bias for an id outside the vocabulary is refused.")


@check(
    "sampling.logit_bias.object",
    MUST,
    "A `logit_bias` that is no object is refused.",
    spec(f"{PLACE}/type"),
    needs=NEEDS,
)
async def no_object(server: Server) -> None:
    for bias in ([1], "fox"):
        body = server.chat_body(logit_bias=bias)
        await server.refuses(CHAT, body, fresh=False)


@check(
    "sampling.logit_bias.named",
    SHOULD,
    "The refusal of a bias names its token, in `message` or `param`.",
    peer("vllm", "test_chat_logit_bias_validation"),
    needs=NEEDS,
)
async def named(server: Server) -> None:
    for bias in WRONG.values():
        body = server.chat_body(logit_bias=bias)
        answer = await server.post(CHAT, body, fresh=False)
        if refused(answer):
            told = f"{answer.error.get('message')} {answer.error.get('param')}"
            expect(next(iter(bias)) in told, f"{next(iter(bias))!r} in the refusal", answer.brief())
