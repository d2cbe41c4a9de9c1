"""`POST /tokenize` and `/detokenize`: no operations of OpenAI's, in vLLM's or llama.cpp's shape."""

from contract_tests.check import SHOULD, check
from contract_tests.expect import at, expect
from contract_tests.probes import refused
from contract_tests.reading import tokens_of
from contract_tests.samples import NO_MODEL
from contract_tests.server import JSON, SENTENCE, Server
from contract_tests.sources import live, peer, sdk
from contract_tests.verdict import Unsupported

UNICODE = "The fox 🦊 says: naïve café, Grüße, 日本語, привет!"
TOO_HIGH = 2**31 - 1
EXTENSION = (
    peer("vllm", "test_tokenize_completions"),
    peer("llama.cpp", "test_tokenize_detokenize"),
)


async def _vllm(server: Server, text: str, kind: str) -> JSON | None:
    """The answer in vLLM's shape; None if the server does not know that shape."""
    answer = await server.post(
        "/tokenize", {"model": server.model(kind), "prompt": text}, fresh=False
    )
    if refused(answer):
        return None
    expect(answer.status == 200, "200", answer.brief())
    body: JSON = at(answer.json, of=dict)
    # llama.cpp's server overlooks `prompt`, and answers no tokens to no content.
    return None if body == {"tokens": []} and text else body


async def tokenized(server: Server, text: str, kind: str = "chat") -> JSON:
    """The answer of the tokenizer, in whichever of the two shapes the server knows."""
    body = await _vllm(server, text, kind)
    if body is None:
        asked = {"model": server.model(kind), "content": text, "add_special": True}
        answer = await server.post("/tokenize", asked, fresh=False)
        expect(answer.status == 200, "200", answer.brief())
        body = at(answer.json, of=dict)
    return body


async def tokens_of_text(server: Server, text: str, kind: str = "chat") -> list[int]:
    """The token ids of a text, as the model reads it."""
    found = at(await tokenized(server, text, kind), "tokens", of=list)
    return [at(found, place, of=int) for place in range(len(found))]


async def _text_of(server: Server, tokens: list[int]) -> str:
    body = {"model": server.model(), "tokens": tokens}
    answer = await server.post("/detokenize", body, fresh=False)
    expect(answer.status == 200, "200", answer.brief())
    key = "content" if "content" in at(answer.json, of=dict) else "prompt"
    text: str = at(answer.json, key, of=str)
    return text


@check(
    "tokenize.tokens",
    SHOULD,
    "The answer to a text is `tokens`, an array of token ids.",
    EXTENSION,
    needs="tokenize",
)
async def token_ids(server: Server) -> None:
    tokens = await tokens_of_text(server, SENTENCE)
    expect(tokens and min(tokens) >= 0, "token ids", tokens)


@check(
    "tokenize.count",
    SHOULD,
    "In vLLM's shape, `count` is the number of tokens.",
    peer("vllm", "test_tokenize_completions"),
    needs="tokenize",
)
async def count(server: Server) -> None:
    body = await _vllm(server, SENTENCE, "chat")
    if body is None:
        raise Unsupported("the server has llama.cpp's shape, which has no count")
    tokens = at(body, "tokens", of=list)
    expect(at(body, "count", of=int) == len(tokens), f"a count of {len(tokens)}", body)


@check(
    "tokenize.grows",
    SHOULD,
    "A longer text has more tokens.",
    EXTENSION,
    needs="tokenize",
)
async def grows(server: Server) -> None:
    short = await tokens_of_text(server, "The quick brown fox.")
    long = await tokens_of_text(server, SENTENCE)
    expect(len(long) > len(short), f"more than {len(short)} tokens", long)


@check(
    "tokenize.messages",
    SHOULD,
    "The messages of a chat can be tokenized, and all their text counts.",
    peer("vllm", "test_tokenize_chat"),
    needs="tokenize",
)
async def messages(server: Server) -> None:
    lengths = []
    for text in ("The quick brown fox.", SENTENCE):
        answer = await server.post("/tokenize", server.chat_body(text), fresh=False)
        if refused(answer):
            raise Unsupported("messages are refused")
        expect(answer.status == 200, "200", answer.brief())
        lengths.append(len(at(answer.json, "tokens", of=list)))
    if lengths == [0, 0]:
        raise Unsupported("the server has llama.cpp's shape, which knows no messages")
    expect(lengths[1] > lengths[0], "more tokens for more text", f"{lengths} tokens")


@check(
    "tokenize.round_trip",
    SHOULD,
    "Tokens turn back into the text that they came from, whatever its script.",
    peer("llama.cpp", "test_tokenize_detokenize"),
    needs=("tokenize", "detokenize"),
)
async def round_trip(server: Server) -> None:
    for text in (SENTENCE, UNICODE):
        tokens = await tokens_of_text(server, text)
        back = await _text_of(server, tokens)
        # Special tokens around the text may show.
        expect(text in back, repr(text), repr(back))


@check(
    "tokenize.usage",
    SHOULD,
    "A raw completion counts as many `prompt_tokens` as the tokenizer.",
    peer("llama.cpp", "test_tokenize_with_bos"),
    needs=("tokenize", "completions"),
    clients="clients that cut their prompts to the context window",
)
async def usage(server: Server) -> None:
    tokens = await tokens_of_text(server, SENTENCE, "completions")
    body = await server.complete(max_tokens=16)
    counted = tokens_of(body)
    expect(counted == len(tokens), f"{len(tokens)} prompt tokens", body["usage"])


@check(
    "tokenize.unknown_model",
    SHOULD,
    "An unknown model is a 404, for a server that takes the model from the request.",
    live("model_not_found"),
    sdk("NotFoundError"),
    needs="tokenize",
)
async def unknown_model(server: Server) -> None:
    if await _vllm(server, SENTENCE, "chat") is None:
        raise Unsupported("the server has llama.cpp's shape, which names no model")
    await server.refuses("/tokenize", {"model": NO_MODEL, "prompt": SENTENCE}, status=404)


@check(
    "tokenize.vocabulary",
    SHOULD,
    "A token id that the model does not have is refused.",
    peer("vllm", "test_out_of_vocab_token_ids"),
    needs="detokenize",
)
async def vocabulary(server: Server) -> None:
    body = {"model": server.model(), "tokens": [TOO_HIGH]}
    await server.refuses("/detokenize", body)
