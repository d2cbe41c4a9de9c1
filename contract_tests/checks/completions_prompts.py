"""`POST /completions`: the four forms of a prompt, several prompts at once, and bad prompts."""

from typing import Any

from contract_tests.check import MAY, MUST, SHOULD, check
from contract_tests.checks.completions import COUNT, text_of
from contract_tests.checks.tokenize import tokens_of_text
from contract_tests.expect import at, cooperate, expect
from contract_tests.reading import choices_of, steady, tokens_of
from contract_tests.samples import COMPLETIONS
from contract_tests.server import JSON, SENTENCE, Server, refusal
from contract_tests.sources import issue, peer, spec

FORMS = "CreateCompletionRequest/properties/prompt/oneOf"
REPORTS = issue("tenstorrent/tt-inference-server#2581", "sgl-project/sglang#736")
# Ids that every vocabulary has, and one that none has.
TOKENS = [100, 101, 102]
TOO_HIGH = 2**31 - 1
EMPTY: tuple[Any, ...] = ("", [], [[]], None)


def _indices(body: JSON) -> list[int]:
    return sorted(at(choice, "index", of=int) for choice in choices_of(body))


@check(
    "completions.prompt.text",
    MUST,
    "A prompt that is a string gives one choice.",
    spec(f"{FORMS}/0"),
    needs="completions",
)
async def one_text(server: Server) -> None:
    body = await server.complete(max_tokens=16)
    expect(_indices(body) == [0], "one choice, with index 0", body)


@check(
    "completions.prompt.texts",
    MUST,
    "An array of strings gives a choice for each string.",
    spec(f"{FORMS}/1"),
    peer("vllm", "test_batch_completions"),
    REPORTS,
    needs="completions.batch",
    clients="lm-eval, HELM and LangChain's OpenAI class send their prompts in batches",
)
async def several_texts(server: Server) -> None:
    body = await server.complete([SENTENCE, COUNT], max_tokens=16)
    expect(_indices(body) == [0, 1], "two choices, with the indices 0 and 1", body)


@check(
    "completions.prompt.texts_n",
    MUST,
    "Several prompts with `n` give `n` choices for each prompt.",
    spec(f"{FORMS}/1"),
    peer("vllm", "test_batch_completions"),
    needs=("completions.batch", "completions.n"),
    clients="LangChain's OpenAI class slices the choices by prompt",
)
async def several_texts_n(server: Server) -> None:
    body = await server.complete([SENTENCE, COUNT], max_tokens=4, n=2)
    expect(_indices(body) == [0, 1, 2, 3], "four choices, with the indices 0 to 3", body)


@check(
    "completions.prompt.order",
    MUST,
    "Choice `index` answers prompt `index // n`.",
    spec(f"{FORMS}/1"),
    peer("vllm", "test_batch_completions"),
    issue("stdapi-ai/stdapi.ai#259"),
    needs=("completions.batch", "completions.n", "completions.echo"),
    clients="batch jobs file an answer under another prompt",
)
async def order(server: Server) -> None:
    prompts = [SENTENCE, COUNT]
    body = await server.complete(prompts, max_tokens=4, n=2, echo=True)
    for choice in choices_of(body):
        index = at(choice, "index", of=int)
        expect(0 <= index < 4, "an index from 0 to 3", choice)
        prompt = prompts[index // 2]
        starts = at(choice, "text", of=str).startswith(prompt)
        expect(starts, f"choice {index} to start with {prompt!r}", choice)


@check(
    "completions.prompt.own",
    MUST,
    "Each prompt of a batch gets the answer to itself.",
    spec(f"{FORMS}/1"),
    needs=("completions.batch", "completions.deterministic"),
    clients="batch jobs file an answer under another prompt",
    cooperative=True,
)
async def own_answer(server: Server) -> None:
    options: dict[str, Any] = {"max_tokens": 16, "temperature": 0}
    first, second = [text_of(await server.complete(one, **options)) for one in (SENTENCE, COUNT)]
    cooperate(first.strip() != second.strip(), "the model says the same to two prompts")
    body = await server.complete([SENTENCE, COUNT], **options)
    texts = {at(one, "index", of=int): at(one, "text", of=str) for one in choices_of(body)}
    # Batches may be computed with other roundings: only the other prompt's very answer is wrong.
    expect(texts.get(0, first) != second, f"the answer {first!r} to the first prompt", body)
    expect(texts.get(1, second) != first, f"the answer {second!r} to the second prompt", body)


@check(
    "completions.prompt.tokens",
    MUST,
    "A prompt that is an array of token ids gives one choice.",
    spec(f"{FORMS}/2"),
    peer("vllm", "test_single_completion"),
    REPORTS,
    issue("tenstorrent/tt-inference-server#1889"),
    needs="completions.tokens",
    clients="lm-eval's local-completions sends token ids",
)
async def tokens(server: Server) -> None:
    body = await server.complete(TOKENS, max_tokens=4)
    expect(_indices(body) == [0], "one choice, with index 0", body)


@check(
    "completions.prompt.token_arrays",
    MUST,
    "An array of token arrays gives a choice for each of them.",
    spec(f"{FORMS}/3"),
    peer("vllm", "test_batch_completions"),
    REPORTS,
    needs="completions.token_arrays",
    clients="lm-eval's local-completions sends batches of token ids",
)
async def token_arrays(server: Server) -> None:
    body = await server.complete([TOKENS, TOKENS[:2]], max_tokens=4)
    expect(_indices(body) == [0, 1], "two choices, with the indices 0 and 1", body)


@check(
    "completions.prompt.same",
    MUST,
    "A prompt's token ids give the same completion as its text.",
    spec(f"{FORMS}/2"),
    peer("vllm", "test_single_completion"),
    needs=("completions.tokens", "completions.deterministic", "tokenize"),
    clients="lm-eval scores prompts by their token ids",
)
async def same(server: Server) -> None:
    text = await server.complete(max_tokens=16, temperature=0)
    ids = await tokens_of_text(server, SENTENCE, "completions")
    body = await server.complete(ids, max_tokens=16, temperature=0)
    counts = [tokens_of(one) for one in (text, body)]
    cooperate(counts[0] == counts[1], "the ids lack the tokens that begin every text")
    if text_of(body) != text_of(text):
        steady(text_of(text), await server.complete(max_tokens=16, temperature=0, fresh=True))
    expect(text_of(body) == text_of(text), f"the completion {text_of(text)!r}", body)


@check(
    "completions.prompt.empty",
    SHOULD,
    "An empty prompt is completed, or refused.",
    spec(f"{FORMS}/3/minItems"),
    peer("vllm", "test_empty_prompt_list"),
    needs="completions",
)
async def empty(server: Server) -> None:
    for prompt in EMPTY:
        body = {"model": server.model("completions"), "prompt": prompt, "max_tokens": 1}
        answer = await server.post(COMPLETIONS, body)
        if not (answer.ok and not answer.fault):
            refusal(answer)


@check(
    "completions.prompt.vocabulary",
    SHOULD,
    "A token id that the model does not have is refused.",
    peer("vllm", "test_out_of_vocab_token_ids"),
    needs="completions.tokens",
)
async def vocabulary(server: Server) -> None:
    body = {"model": server.model("completions"), "prompt": [TOO_HIGH], "max_tokens": 1}
    await server.refuses(COMPLETIONS, body)


@check(
    "completions.prompt.mixed",
    MAY,
    "Text and token ids mixed in one array are refused.",
    spec("CreateCompletionRequest/properties/prompt/oneOf"),
    needs="completions",
)
async def mixed(server: Server) -> None:
    body = {"model": server.model("completions"), "prompt": ["fox", TOKENS], "max_tokens": 1}
    await server.refuses(COMPLETIONS, body)


@check(
    "completions.usage.batch",
    MUST,
    "`prompt_tokens` of a batch is the sum over its prompts.",
    spec("CompletionUsage/properties/prompt_tokens"),
    peer("vllm", "test_batch_completions"),
    needs="completions.batch",
    clients="cost meters count one prompt of many",
)
async def usage_batch(server: Server) -> None:
    alone = [
        tokens_of(await server.complete(max_tokens=16)),
        tokens_of(await server.complete(COUNT, max_tokens=3)),
    ]
    body = await server.complete([SENTENCE, COUNT], max_tokens=16)
    count = tokens_of(body)
    expect(count == sum(alone), f"{alone[0]} + {alone[1]} prompt tokens", body["usage"])
