"""`POST /embeddings`: what it takes as input, and what it must refuse."""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.checks.embeddings import NEEDS, cosine, only_vector, vectors
from contract_tests.expect import at, expect
from contract_tests.reading import tokens_of
from contract_tests.samples import EMBEDDINGS, NO_MODEL
from contract_tests.server import SENTENCE, Server, refusal
from contract_tests.sources import doc, issue, live, peer, sdk, spec
from contract_tests.verdict import Unsupported

TOKENS = ("embeddings.tokens",)
OTHER = "Interest rates rose by a quarter of a point."
LISTS = [[100, 101, 102], [103, 104], [105]]
NEAR = 0.99
TOO_LARGE = (400, 413, 422)
MOST = 2048
WORDS = 12_000  # more tokens than any model of OpenAI takes; each word is one at least
INPUT = "CreateEmbeddingRequest/properties/input"


def _body(server: Server, input: Any = SENTENCE, **params: Any) -> dict[str, Any]:  # noqa: A002
    return {"model": server.model("embeddings"), "input": input, **params}


# --- token ids ---


@check(
    "embeddings.input.tokens",
    MUST,
    "An array of token ids is one input, and gets one embedding.",
    spec(f"{INPUT}/oneOf/2"),
    issue("huggingface/text-embeddings-inference#273", "veniceai/api-docs#423"),
    needs=TOKENS,
    clients="langchain cuts long texts by tokens, and sends the tokens",
)
async def tokens(server: Server) -> None:
    seen = len(vectors(await server.embed(LISTS[0])))
    expect(seen == 1, "one embedding", f"{seen} embeddings")


@check(
    "embeddings.input.token_lists",
    MUST,
    "An array of arrays of token ids gets an embedding for each of them.",
    spec(f"{INPUT}/oneOf/3"),
    issue("michaelfeil/infinity#295", "langchain-ai/langchain#30574"),
    needs=TOKENS,
    clients="the default of langchain's OpenAIEmbeddings",
)
async def token_lists(server: Server) -> None:
    seen = len(vectors(await server.embed(LISTS)))
    expect(seen == len(LISTS), f"{len(LISTS)} embeddings", f"{seen} embeddings")


@check(
    "embeddings.input.token_lists_same",
    SHOULD,
    "Token ids get the same vector in a batch as alone.",
    peer("llama.cpp", "test_same_prompt_give_same_result"),
    needs=TOKENS,
)
async def token_lists_same(server: Server) -> None:
    alone = only_vector(await server.embed(LISTS[0]))
    found = vectors(await server.embed(LISTS))
    alike = cosine(alone, found[0]) if found else 0.0
    expect(alike >= NEAR, "the same vector", f"a cosine of {alike:.4f} between the two")


@check(
    "embeddings.input.tokens_same",
    SHOULD,
    "The tokens of a text get a vector like that of the text.",
    doc(INPUT),
    issue("langchain-ai/langchain#30574"),
    needs=("embeddings.tokens", "tokenize"),
    clients="langchain would store vectors of something else",
)
async def tokens_same(server: Server) -> None:
    name = server.model("embeddings")
    answer = await server.post("/tokenize", {"model": name, "prompt": SENTENCE})
    ids = at(answer.json, "tokens", of=list) if answer.ok else []
    if not ids:
        raise Unsupported("the model that embeds cannot be asked for tokens")
    vector = only_vector(await server.embed(ids))
    # Not the same: a server may add its marks of beginning and end to a text alone.
    same = cosine(vector, only_vector(await server.embed()))
    other = cosine(vector, only_vector(await server.embed(OTHER)))
    least = (1 + other) / 2
    expect(same > least, f"a cosine above {least:.4f} with the text's", f"{same:.4f}")


# --- inputs that are none ---


def _refuses(what: str, level: Any, rule: str, input: Any, *sources: Any) -> Any:  # noqa: A002
    @check(f"embeddings.input.{what}", level, rule, *sources, needs=NEEDS)
    async def invalid(server: Server) -> None:
        await server.refuses(EMBEDDINGS, _body(server, input))

    return invalid


empty_text = _refuses(
    "empty_text",
    MUST,
    "An empty text is refused.",
    "",
    doc(INPUT),
)
empty_array = _refuses(
    "empty_array",
    MUST,
    "An empty array is refused.",
    [],
    spec(f"{INPUT}/oneOf/1/minItems"),
    peer("ogx", "test_openai_embeddings_empty_list_error"),
)
empty_item = _refuses(
    "empty_item",
    MUST,
    "An empty text in an array is refused.",
    ["fox", ""],
    doc(INPUT),
    live("an empty text among several is an invalid input"),
)
empty_tokens = _refuses(
    "empty_tokens",
    MUST,
    "An empty array of token ids is refused.",
    [[]],
    spec(f"{INPUT}/oneOf/3/items/minItems"),
)
mixed = _refuses(
    "mixed",
    SHOULD,
    "Texts and token ids in one array are refused.",
    ["fox", 100],
    spec(f"{INPUT}/oneOf"),
)
number = _refuses(
    "number",
    MUST,
    "A number is no input, and is refused.",
    7,
    spec(f"{INPUT}/oneOf"),
)


@check(
    "embeddings.input.missing",
    MUST,
    "A request without `input` is refused.",
    spec("CreateEmbeddingRequest/required"),
    needs=NEEDS,
)
async def missing(server: Server) -> None:
    body = {"model": server.model("embeddings")}
    await server.refuses(EMBEDDINGS, body)


# --- limits ---


@check(
    "embeddings.input.too_many",
    MUST,
    "More than 2048 inputs are refused.",
    spec(f"{INPUT}/oneOf/1/maxItems"),
    needs=("embeddings.batch",),
)
async def too_many(server: Server) -> None:
    await server.refuses(EMBEDDINGS, _body(server, ["a"] * (MOST + 1)), status=TOO_LARGE)


@check(
    "embeddings.input.too_long",
    SHOULD,
    "An input longer than the model takes is refused, not cut without a word.",
    doc(INPUT),
    peer("llama.cpp", "test_embedding_error_prompt_too_long"),
    needs=NEEDS,
    clients="the vector stands for the beginning of the text only",
)
async def too_long(server: Server) -> None:
    answer = await server.post(EMBEDDINGS, _body(server, "fox " * WORDS))
    if not answer.ok:
        refusal(answer, TOO_LARGE)
        return
    counted = tokens_of(answer.json)
    expect(counted >= WORDS, f"a refusal, or {WORDS} tokens at least", f"200 and {counted} tokens")


# --- the other parameters ---


@check(
    "embeddings.input.unknown_format",
    MUST,
    "An unknown `encoding_format` is refused.",
    spec("CreateEmbeddingRequest/properties/encoding_format/enum"),
    needs=NEEDS,
)
async def unknown_format(server: Server) -> None:
    body = _body(server, encoding_format="hexadecimal")
    await server.refuses(EMBEDDINGS, body)


@check(
    "embeddings.input.dimensions_zero",
    MUST,
    "`dimensions` of 0 are refused.",
    spec("CreateEmbeddingRequest/properties/dimensions/minimum"),
    needs=NEEDS,
)
async def dimensions_zero(server: Server) -> None:
    await server.refuses(EMBEDDINGS, _body(server, dimensions=0))


@check(
    "embeddings.input.user",
    SHOULD,
    "`user` is accepted.",
    spec("CreateEmbeddingRequest/properties/user"),
    peer("ogx", "test_openai_embeddings_with_user_parameter"),
    needs=NEEDS,
)
async def user(server: Server) -> None:
    only_vector(await server.embed(user="user-1234"))


@check(
    "embeddings.input.unknown_model",
    SHOULD,
    "An unknown model is a 404 with an error body.",
    sdk("NotFoundError"),
    peer("ogx", "test_openai_embeddings_invalid_model_error"),
    needs=NEEDS,
)
async def unknown_model(server: Server) -> None:
    body = {"model": NO_MODEL, "input": SENTENCE}
    await server.refuses(EMBEDDINGS, body, status=404)


@check(
    "embeddings.input.chat_model",
    SHOULD,
    "A model that does not embed is refused with a 4xx.",
    live("a chat model is no embedding model: 403 or 404"),
    needs=NEEDS,
)
async def chat_model(server: Server) -> None:
    name = server.model()
    if name == server.model("embeddings"):
        raise Unsupported("the one model chats and embeds")
    answer = await server.post(EMBEDDINGS, {"model": name, "input": SENTENCE})
    if answer.ok and vectors(answer.json):
        raise Unsupported("the chat model embeds too")
    refusal(answer, (400, 403, 404, 422, 501))
