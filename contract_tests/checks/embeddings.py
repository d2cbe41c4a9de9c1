"""`POST /embeddings`: what the answer looks like, its formats, and the official client's call."""

import struct
from base64 import b64decode
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from contract_tests.check import MUST, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.server import SENTENCE, Server
from contract_tests.sources import doc, issue, peer, sdk, spec
from contract_tests.verdict import Broken

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NEEDS = ("embeddings",)
BASE64 = ("embeddings.base64",)
BYTES = 4  # of a float32
LARGEST = 3.5e38  # no float32 is beyond it
SAME = 0.999  # the least cosine of two vectors of one text


def numbers(vector: list[Any]) -> list[float]:
    """The vector, which must be of finite numbers.

    Raises:
        Broken: it is not, or it is empty.
    """
    for one in vector:
        number = isinstance(one, int | float) and not isinstance(one, bool)
        expect(number and -LARGEST < one < LARGEST, "finite numbers in `embedding`", one)
    expect(vector, "numbers in `embedding`", "an empty array")
    return vector


def vectors(body: Any) -> list[list[float]]:
    """The vectors of an answer in floats, in the order in which they stand there."""
    places = range(len(at(body, "data", of=list)))
    return [numbers(at(body, "data", place, "embedding", of=list)) for place in places]


def only_vector(body: Any) -> list[float]:
    """The vector of an answer to one input."""
    found = vectors(body)
    expect(len(found) == 1, "one embedding", f"{len(found)} embeddings")
    return found[0]


def length(vector: list[float]) -> float:
    """The Euclidean length."""
    return sqrt(sum(value * value for value in vector))


def cosine(one: list[float], other: list[float]) -> float:
    """How alike two vectors are, from -1 to 1; 0 if their sizes differ."""
    lengths = length(one) * length(other)
    if len(one) != len(other) or not isfinite(lengths) or not lengths:
        return 0.0
    return sum(a * b for a, b in zip(one, other, strict=True)) / lengths


def packed(body: Any) -> bytes:
    text = at(body, "data", 0, "embedding", of=str)
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise Broken("base64 in `embedding`", f"{error}: {text[:80]}") from error


def if_packed(body: Any) -> bytes:
    """The bytes of a vector.

    Raises:
        Uncooperative: it is no string.
    """
    told = isinstance(at(body, "data", 0, "embedding"), str)
    cooperate(told, "no base64: see embeddings.base64.string")
    return packed(body)


# --- the shape ---


def _named(what: str, where: tuple[str | int, ...], value: str, *sources: Any) -> Any:
    @check(
        f"embeddings.object.{what}",
        MUST,
        f'The `object` of the {what} is "{value}".',
        *sources,
        needs=NEEDS,
    )
    async def named(server: Server) -> None:
        name = at(await server.embed(), *where, "object", of=str)
        expect(name == value, f'`object` to be "{value}"', name)

    return named


object_list = _named("list", (), "list", spec("CreateEmbeddingResponse/properties/object/enum"))
object_item = _named("item", ("data", 0), "embedding", spec("Embedding/properties/object/enum"))


@check(
    "embeddings.count",
    MUST,
    "One text gets one embedding.",
    spec("CreateEmbeddingResponse/properties/data"),
    needs=NEEDS,
)
async def one_each(server: Server) -> None:
    data = at(await server.embed(), "data", of=list)
    expect(len(data) == 1, "one item in `data`", f"{len(data)} items")


@check(
    "embeddings.index",
    MUST,
    "Each embedding has an `index`, which is 0 for a single input.",
    spec("Embedding/required"),
    needs=NEEDS,
)
async def index(server: Server) -> None:
    seen = at(await server.embed(), "data", 0, "index", of=int)
    expect(seen == 0, "`index` to be 0", seen)


@check(
    "embeddings.model",
    MUST,
    "The answer names its `model`.",
    spec("CreateEmbeddingResponse/required"),
    needs=NEEDS,
)
async def model(server: Server) -> None:
    body = await server.embed()
    expect(at(body, "model", of=str), "`model` not to be empty", body["model"])


# --- usage ---


@check(
    "embeddings.usage",
    MUST,
    "`usage` has `prompt_tokens` and `total_tokens`, both integers.",
    spec("CreateEmbeddingResponse/properties/usage/required"),
    needs=NEEDS,
)
async def usage(server: Server) -> None:
    body = await server.embed()
    at(body, "usage", "prompt_tokens", of=int)
    at(body, "usage", "total_tokens", of=int)


@check(
    "embeddings.usage.total",
    MUST,
    "The total of the tokens is that of the input, for no text is written.",
    doc("CreateEmbeddingResponse/properties/usage/properties/total_tokens"),
    peer("llama.cpp", "test_embedding_usage_single"),
    needs=NEEDS,
)
async def usage_total(server: Server) -> None:
    counts = at(await server.embed(), "usage", of=dict)
    prompt, total = at(counts, "prompt_tokens", of=int), at(counts, "total_tokens", of=int)
    expect(prompt > 0, "`prompt_tokens` above 0", counts)
    expect(prompt == total, "`total_tokens` to equal `prompt_tokens`", counts)
    expect(not counts.get("completion_tokens"), "no `completion_tokens`", counts)


# --- the formats ---


@check(
    "embeddings.float.default",
    MUST,
    "Without `encoding_format` an embedding is an array of finite numbers.",
    spec("CreateEmbeddingRequest/properties/encoding_format/default"),
    spec("Embedding/properties/embedding"),
    needs=NEEDS,
)
async def float_default(server: Server) -> None:
    numbers(at(await server.embed(), "data", 0, "embedding", of=list))


@check(
    "embeddings.float.explicit",
    MUST,
    'With `encoding_format: "float"` an embedding is an array of finite numbers.',
    spec("CreateEmbeddingRequest/properties/encoding_format/enum"),
    needs=NEEDS,
)
async def float_explicit(server: Server) -> None:
    numbers(at(await server.embed(encoding_format="float"), "data", 0, "embedding", of=list))


@check(
    "embeddings.base64.string",
    MUST,
    'With `encoding_format: "base64"` an embedding is a string of base64.',
    spec("CreateEmbeddingRequest/properties/encoding_format/enum"),
    peer("vllm", "test_batch_base64_embedding"),
    issue(
        "lmstudio-ai/lmstudio-bug-tracker#756",
        "michaelfeil/infinity#349",
        "huggingface/text-embeddings-inference#288",
    ),
    needs=BASE64,
    clients="openai-dotnet stops with a FormatException",
)
async def base64_string(server: Server) -> None:
    packed(await server.embed(encoding_format="base64"))


@check(
    "embeddings.base64.size",
    MUST,
    "The base64 holds four bytes for each number of the float answer.",
    sdk("lib/_parsing/_embeddings.py"),
    peer("llama.cpp", "test_embedding_openai_library_base64"),
    needs=BASE64,
    clients="every official SDK reads float32",
)
async def base64_size(server: Server) -> None:
    wanted = BYTES * len(only_vector(await server.embed()))
    size = len(if_packed(await server.embed(encoding_format="base64")))
    expect(size == wanted, f"{wanted} bytes", f"{size} bytes")


@check(
    "embeddings.base64.same",
    MUST,
    "The base64, read as little-endian float32, is the vector of the float answer.",
    sdk("lib/_parsing/_embeddings.py"),
    peer("vllm", "test_batch_base64_embedding"),
    needs=BASE64,
    clients="official SDKs store garbage without a word",
)
async def base64_same(server: Server) -> None:
    wanted = only_vector(await server.embed())
    content = if_packed(await server.embed(encoding_format="base64"))
    count = len(content) // BYTES
    seen = list(struct.unpack(f"<{count}f", content[: count * BYTES]))
    alike = cosine(wanted, seen) >= SAME and 0.99 < length(seen) / length(wanted) < 1.01
    expect(alike, f"{wanted[:4]} and so on", f"{seen[:4]} and so on")


@check(
    "embeddings.sdk",
    MUST,
    "The official client gets numbers from its default call, which asks for base64.",
    sdk("lib/_parsing/_embeddings.py"),
    issue("michaelfeil/infinity#349"),
    needs=NEEDS,
    clients="openai-python asks for base64 unless told otherwise",
)
async def sdk_default(server: Server) -> None:
    async def embeds(client: "AsyncOpenAI") -> Any:
        name = server.model("embeddings")
        return (await client.embeddings.create(model=name, input=SENTENCE)).data[0].embedding

    wanted = only_vector(await server.embed())
    seen = await server.sdk(embeds, "the client's call to work")
    expect(isinstance(seen, list), "a list of floats", seen)
    alike = cosine(wanted, numbers(seen)) >= SAME
    expect(alike, f"{wanted[:4]} and so on", f"{seen[:4]} and so on")
