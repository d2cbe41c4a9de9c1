"""`POST /completions`: n, echo, suffix, best_of, stop, seed."""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.checks.completions import COUNT, text_of
from contract_tests.expect import at, cooperate, expect
from contract_tests.probes import refused
from contract_tests.reading import choice_of, choices_of, steady, tokens_of
from contract_tests.samples import COMPLETIONS
from contract_tests.server import JSON, SENTENCE, Server, refusal
from contract_tests.sources import doc, issue, live, peer, spec
from contract_tests.verdict import Unsupported

REQUEST = "CreateCompletionRequest/properties"
EXACT = ("completions.stop", "completions.deterministic")
ABSENT = ["\u0001", "\u0002", "\u0003", "\u0004", "\u0005"]  # which no text has


@check(
    "completions.n",
    MUST,
    "`n` gives that many choices, with the indices from 0.",
    doc(f"{REQUEST}/n"),
    needs="completions.n",
)
async def several_choices(server: Server) -> None:
    body = await server.complete(max_tokens=16, n=2)
    indices = sorted(at(choice, "index", of=int) for choice in choices_of(body))
    expect(indices == [0, 1], "two choices, with the indices 0 and 1", body)


@check(
    "completions.echo.text",
    MUST,
    "With `echo`, the text begins with the prompt.",
    doc(f"{REQUEST}/echo"),
    peer("vllm", "test_echo_logprob_completion"),
    issue("stdapi-ai/stdapi.ai#259", "raullenchai/Rapid-MLX#461"),
    needs="completions.echo",
    clients="evaluations that read the prompt back get another text than they asked for",
)
async def echo(server: Server) -> None:
    text = text_of(await server.complete(max_tokens=16, echo=True))
    expect(text.startswith(SENTENCE), f"a text that starts with {SENTENCE!r}", repr(text))


async def _echo_only(server: Server) -> JSON:
    params = {"prompt": SENTENCE, "max_tokens": 0, "echo": True}
    request = {"model": server.model("completions"), **params}
    answer = await server.post(COMPLETIONS, request, fresh=False)
    if refused(answer):
        raise Unsupported("max_tokens 0 is refused")
    expect(answer.status == 200, "200", answer.brief())
    body: JSON = at(answer.json, of=dict)
    return body


@check(
    "completions.echo.only",
    SHOULD,
    "With `echo` and `max_tokens` 0, the text is the prompt and no more.",
    spec(f"{REQUEST}/max_tokens/minimum"),
    live("max_tokens 0"),
    needs="completions.echo",
    clients="lm-eval asks so for the log probabilities of a prompt",
)
async def echo_only(server: Server) -> None:
    text = text_of(await _echo_only(server))
    expect(text == SENTENCE, repr(SENTENCE), repr(text))


@check(
    "completions.echo.usage",
    SHOULD,
    "With `echo` and `max_tokens` 0, no completion tokens are counted.",
    doc("CompletionUsage/properties/completion_tokens"),
    needs="completions.echo",
)
async def echo_usage(server: Server) -> None:
    body = await _echo_only(server)
    expect(tokens_of(body, "completion_tokens") == 0, "0 completion tokens", body["usage"])


@check(
    "completions.suffix",
    SHOULD,
    "A `suffix` is used, or refused.",
    doc(f"{REQUEST}/suffix"),
    peer("ogx", "test_openai_completion_non_streaming_suffix"),
    needs="completions.suffix",
    clients="editors that fill in code get a text that does not fit what follows",
)
async def suffix(server: Server) -> None:
    plain = await server.complete(max_tokens=16, temperature=0)
    body = await server.complete(max_tokens=16, temperature=0, suffix=f" {COUNT}")
    counts = [tokens_of(one) for one in (plain, body)]
    used = counts[0] != counts[1] or text_of(plain) != text_of(body)
    expect(used, "another text, or more prompt tokens, than without a suffix", body)


def _small(server: Server, **params: Any) -> JSON:
    return {"model": server.model("completions"), "prompt": COUNT, "max_tokens": 2, **params}


@check(
    "completions.best_of.maximum",
    MUST,
    "A `best_of` above 20 is refused.",
    spec(f"{REQUEST}/best_of/maximum"),
    needs="completions.best_of",
)
async def best_of_maximum(server: Server) -> None:
    await server.refuses(COMPLETIONS, _small(server, best_of=21))


@check(
    "completions.best_of.less_than_n",
    MUST,
    "A `best_of` below `n` is refused.",
    doc(f"{REQUEST}/best_of"),
    needs=("completions.best_of", "completions.n"),
)
async def best_of_less(server: Server) -> None:
    await server.refuses(COMPLETIONS, _small(server, best_of=2, n=3))


@check(
    "completions.best_of.stream",
    MUST,
    "A `best_of` above 1 cannot be streamed: it is refused.",
    doc(f"{REQUEST}/best_of"),
    needs=("completions.best_of", "completions.stream"),
)
async def best_of_stream(server: Server) -> None:
    body = _small(server, best_of=2, stream=True)
    await server.refuses(COMPLETIONS, body)


@check(
    "completions.best_of.choices",
    MUST,
    "`best_of` candidates are generated, but only `n` are returned.",
    doc(f"{REQUEST}/best_of"),
    needs="completions.best_of",
)
async def best_of_choices(server: Server) -> None:
    body = await server.complete(COUNT, max_tokens=4, best_of=3)
    expect(len(choices_of(body)) == 1, "one choice", body)


@check(
    "completions.best_of.usage",
    SHOULD,
    "The usage counts all the `best_of` candidates.",
    doc(f"{REQUEST}/best_of"),
    needs="completions.best_of",
    cooperative=True,
)
async def best_of_usage(server: Server) -> None:
    body = await server.complete(COUNT, max_tokens=4, best_of=3)
    cut = at(choice_of(body), "finish_reason") == "length"
    cooperate(cut, "the model ended its answer by itself")
    expect(tokens_of(body, "completion_tokens") > 4, "more tokens than one candidate has", body)


async def _halves(server: Server) -> tuple[str, str, str]:
    """A text that the server is going to say, a word in its middle, and what is before that."""
    text = text_of(await server.complete(max_tokens=16, temperature=0))
    words = [word for word in text.split() if word.isalpha() and word.isascii()]
    words = [word for word in words if text.find(word) > len(text) // 4]
    cooperate(words, "the model says no word to stop at")
    word = words[len(words) // 2]
    return text, word, text[: text.find(word)]


async def _stops(
    server: Server, stop: str | list[str], text: str, before: str, told: str = ""
) -> None:
    seen = text_of(await server.complete(max_tokens=16, temperature=0, stop=stop))
    ends = seen.rstrip() == before.rstrip()
    if not ends:
        steady(text, await server.complete(max_tokens=16, temperature=0, fresh=True))
    expect(ends, f"{before!r}, up to the stop {stop!r}", f"{told}{seen!r}")


@check(
    "completions.stop.string",
    SHOULD,
    "A `stop` that is a string ends the text before it.",
    spec("StopConfiguration/oneOf/0"),
    doc("StopConfiguration"),
    needs=EXACT,
)
async def stop_string(server: Server) -> None:
    text, word, before = await _halves(server)
    await _stops(server, word, text, before)


@check(
    "completions.stop.array",
    SHOULD,
    "Any of up to four `stop` sequences ends the text before it.",
    spec("StopConfiguration/oneOf/1"),
    peer("ogx", "test_openai_completion_stop_sequence"),
    needs=EXACT,
)
async def stop_array(server: Server) -> None:
    text, word, before = await _halves(server)
    await _stops(server, [*ABSENT[:3], word], text, before)


@check(
    "completions.stop.finish",
    SHOULD,
    "An answer that a `stop` sequence ended has the `finish_reason` stop.",
    doc("CreateCompletionResponse/properties/choices/items/properties/finish_reason"),
    needs=EXACT,
)
async def stop_finish(server: Server) -> None:
    _, word, before = await _halves(server)
    body = await server.complete(max_tokens=16, temperature=0, stop=word)
    ended = text_of(body).rstrip() == before.rstrip()
    cooperate(ended, "the stop did not end the text: see completions.stop.string")
    expect(at(choice_of(body), "finish_reason") == "stop", "`stop`", body)


@check(
    "completions.stop.five",
    MUST,
    "Five `stop` sequences are refused, or each of them ends the text.",
    spec("StopConfiguration/oneOf/1/maxItems"),
    doc("StopConfiguration"),
    needs=EXACT,
)
async def stop_five(server: Server) -> None:
    text, word, before = await _halves(server)
    stop = [*ABSENT[:4], word]
    request = {"model": server.model("completions"), "prompt": SENTENCE, "max_tokens": 16}
    body = {**request, "temperature": 0, "stop": stop}
    answer = await server.post(COMPLETIONS, body, fresh=False)
    if not answer.ok:
        refusal(answer)
        return
    await _stops(server, stop, text, before, told="200, and the fifth did not stop: ")


@check(
    "completions.stop.maximum",
    SHOULD,
    "More than four `stop` sequences are refused.",
    spec("StopConfiguration/oneOf/1/maxItems"),
    needs="completions.stop",
)
async def stop_maximum(server: Server) -> None:
    await server.refuses(COMPLETIONS, _small(server, stop=ABSENT))


@check(
    "completions.seed",
    SHOULD,
    "The same request with the same `seed` gives the same text.",
    doc(f"{REQUEST}/seed"),
    peer("llama.cpp", "test_consistent_result_same_seed"),
    needs=("completions.seed", "completions.deterministic"),
)
async def seed(server: Server) -> None:
    options: dict[str, Any] = {"max_tokens": 16, "temperature": 1, "seed": 7, "fresh": True}
    texts = [text_of(await server.complete(**options)) for _ in range(2)]
    expect(texts[0] == texts[1], repr(texts[0]), repr(texts[1]))
