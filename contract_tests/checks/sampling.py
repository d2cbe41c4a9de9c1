"""Temperature, `top_p`, `seed` and the penalties in chat: what is accepted must show.

Whether a text may differ at all is the server's nature: `chat.sampling`. Where it may, an extreme
value has to be seen in texts of a creative prompt; where it may not, nothing can be said.
"""

from typing import Any

from contract_tests.check import MUST, SHOULD, Level, check
from contract_tests.expect import cooperate, expect
from contract_tests.probes import refused
from contract_tests.reading import choice_of, content_of
from contract_tests.samples import CHAT
from contract_tests.server import Server
from contract_tests.sources import Source, doc, live, peer, spec
from contract_tests.verdict import Unsupported

COMMON = "ModelResponseProperties/properties"
OWN = "CreateChatCompletionRequest/allOf/1/properties"
SILENT = peer("llmprobe", "a parameter is honoured or refused, never ignored in silence")

SHORT = 24  # tokens: nobody wants to wait for a long text at temperature 2
ANYTHING = "Write one short sentence about whatever you like."
REPEATED = "Repeat exactly: " + " ".join(["fox"] * 30)
POEM = "Write six lines about the sea. Say the word sea in each of the six lines."
TINY = 0.0001


async def _ask(server: Server, prompt: str = ANYTHING, tokens: int = SHORT, **params: Any) -> str:
    """The text at those parameters; the model must say something."""
    fresh = bool(params.pop("fresh", False))
    params["max_completion_tokens"] = tokens
    body = server.chat_body(prompt, **params)
    answer = await server.post(CHAT, body, fresh=fresh)
    if refused(answer):
        raise Unsupported(f"the server refuses {', '.join(params)} together")
    expect(answer.status == 200, "200", answer.brief())
    text = content_of(choice_of(answer.json))
    cooperate(text, "the model says nothing in so few tokens")
    return text


def _seeds(server: Server) -> range:
    """Three seeds, others in each attempt."""
    return range(3 * server.attempt, 3 * server.attempt + 3)


async def _hot(server: Server) -> list[str]:
    return [await _ask(server, temperature=2, seed=seed) for seed in _seeds(server)]


def _accepts(name: str, level: Level, values: tuple[float, ...], source: Source, needs: str) -> Any:
    shown = ", ".join(str(value) for value in values)

    @check(
        f"sampling.{name}.accepted", level, f"`{name}` is accepted: {shown}.", source, needs=needs
    )
    async def accepts(server: Server) -> None:
        for value in values:
            params: dict[str, Any] = {name: value}
            body = server.chat_body(**params)
            answer = await server.post(CHAT, body, fresh=False)
            expect(answer.status == 200, f"200 for {name}: {value}", answer.brief())

    return accepts


temperature_accepted = _accepts(
    "temperature", MUST, (0, 0.5, 1), spec(f"{COMMON}/temperature"), "chat.temperature"
)
top_p_accepted = _accepts("top_p", SHOULD, (0, 0.5, 1), spec(f"{COMMON}/top_p"), "chat.top_p")
frequency_accepted = _accepts(
    "frequency_penalty", MUST, (-2, 2), spec(f"{OWN}/frequency_penalty"), "chat.penalties"
)
presence_accepted = _accepts(
    "presence_penalty", MUST, (-2, 2), spec(f"{OWN}/presence_penalty"), "chat.penalties"
)
seed_accepted = _accepts("seed", SHOULD, (0, -1, 2**53 - 1), spec(f"{OWN}/seed"), "chat.seed")


@check(
    "sampling.temperature.two",
    MUST,
    "A temperature of 2 is accepted.",
    spec(f"{COMMON}/temperature/anyOf/0/maximum"),
    needs="chat.temperature",
)
async def temperature_two(server: Server) -> None:
    body = server.chat_body(ANYTHING, temperature=2, seed=1, max_completion_tokens=SHORT)
    if not await server.target.has("chat.seed"):
        del body["seed"]
    answer = await server.post(CHAT, body, fresh=False)
    expect(answer.status == 200, "200", answer.brief())


@check(
    "sampling.temperature.high",
    SHOULD,
    "A temperature of 2 shows in the text.",
    doc(f"{COMMON}/temperature/anyOf/0"),
    SILENT,
    needs=("chat.temperature", "chat.seed", "chat.sampling"),
    cooperative=True,
)
async def temperature_high(server: Server) -> None:
    texts = await _hot(server)
    cold = await _ask(server, temperature=0)
    expect(set(texts) != {cold}, "other texts than at temperature 0", texts)


@check(
    "sampling.temperature.zero",
    SHOULD,
    "At temperature 0 texts are more alike than at temperature 2.",
    doc(f"{COMMON}/temperature/anyOf/0"),
    SILENT,
    needs=("chat.temperature", "chat.seed", "chat.sampling"),
    clients="tests and evaluations that must be repeatable",
    cooperative=True,
)
async def temperature_zero(server: Server) -> None:
    hot = await _hot(server)
    cooperate(len(set(hot)) == len(hot), "the texts at temperature 2 are too much alike")
    cold = [await _ask(server, temperature=0, seed=seed) for seed in _seeds(server)]
    expect(len(set(cold)) < len(cold), "texts that are alike at temperature 0", cold)


@check(
    "sampling.top_p.tiny",
    SHOULD,
    "A tiny `top_p` leaves the likeliest token alone, whatever the temperature.",
    doc(f"{COMMON}/top_p/anyOf/0"),
    SILENT,
    needs=("chat.top_p", "chat.temperature", "chat.seed", "chat.sampling"),
    cooperative=True,
)
async def top_p_tiny(server: Server) -> None:
    hot = await _hot(server)
    cooperate(len(set(hot)) == len(hot), "the texts at temperature 2 are too much alike")
    texts = [await _ask(server, temperature=2, top_p=TINY, seed=one) for one in _seeds(server)]
    expect(len(set(texts)) < len(texts), f"texts that are alike with top_p {TINY}", texts)


@check(
    "sampling.seed.repeats",
    SHOULD,
    "The same seed and parameters give the same text.",
    doc(f"{OWN}/seed"),
    peer("llama.cpp", "test_consistent_result_same_seed"),
    needs=("chat.seed", "chat.sampling"),
    clients="tests and evaluations that must be repeatable",
    cooperative=True,
)
async def seed_repeats(server: Server) -> None:
    # OpenAI promises its best effort only: one text of three may differ.
    texts = [await _ask(server, temperature=2, seed=7, fresh=True) for _ in range(3)]
    expect(len(set(texts)) < len(texts), "the same text for the same seed", texts)


@check(
    "sampling.seed.differs",
    SHOULD,
    "Other seeds give other texts at a high temperature.",
    doc(f"{OWN}/seed"),
    peer("llama.cpp", "test_different_result_different_seed"),
    needs=("chat.seed", "chat.temperature", "chat.sampling"),
    cooperative=True,
)
async def seed_differs(server: Server) -> None:
    texts = await _hot(server)
    expect(len(set(texts)) > 1, "different texts for different seeds", texts)


@check(
    "sampling.seed.range",
    MUST,
    "A seed outside 64 bits is refused.",
    spec(f"{OWN}/seed/maximum"),
    peer("vllm", "test_long_seed"),
    needs="chat.seed",
)
async def seed_range(server: Server) -> None:
    for seed in (2**64, -(2**64)):
        await server.refuses(CHAT, server.chat_body(seed=seed), fresh=False)


@check(
    "sampling.seed.integer",
    MUST,
    "A seed that is no integer is refused.",
    spec(f"{OWN}/seed/type"),
    needs="chat.seed",
)
async def seed_integer(server: Server) -> None:
    for seed in (1.5, "seven"):
        await server.refuses(CHAT, server.chat_body(seed=seed), fresh=False)


@check(
    "sampling.frequency_penalty.shows",
    SHOULD,
    "A `frequency_penalty` of 2 shows in a text that repeats one word.",
    doc(f"{OWN}/frequency_penalty"),
    SILENT,
    needs=("chat.penalties", "chat.deterministic", "chat.sampling"),
    cooperative=True,
)
async def frequency(server: Server) -> None:
    params: dict[str, Any] = {"tokens": 64, "temperature": 0}
    plain = await _ask(server, REPEATED, **params)
    cooperate(plain.count("fox") >= 10, "the model does not repeat the word")
    text = await _ask(server, REPEATED, frequency_penalty=2, **params)
    expect(text != plain, "another text than without the penalty", text)


@check(
    "sampling.presence_penalty.shows",
    SHOULD,
    "A `presence_penalty` of 2 gives another text than one of -2.",
    doc(f"{OWN}/presence_penalty"),
    SILENT,
    live("the two differ in any longer text"),
    needs=("chat.penalties", "chat.deterministic", "chat.sampling"),
    cooperative=True,
)
async def presence(server: Server) -> None:
    params: dict[str, Any] = {"tokens": 64, "temperature": 0}
    low = await _ask(server, POEM, presence_penalty=-2, **params)
    cooperate(len(low.split()) > 12, "the model says too little")
    high = await _ask(server, POEM, presence_penalty=2, **params)
    expect(high != low, "another text than with a presence_penalty of -2", high)
