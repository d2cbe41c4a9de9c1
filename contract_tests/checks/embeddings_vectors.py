"""`POST /embeddings`: what the vectors are worth: their order, their likeness, their size."""

from contract_tests.check import MAY, MUST, SHOULD, check
from contract_tests.checks.embeddings import (
    BYTES,
    NEEDS,
    SAME,
    cosine,
    if_packed,
    length,
    only_vector,
    vectors,
)
from contract_tests.expect import at, expect
from contract_tests.reading import tokens_of
from contract_tests.server import SENTENCE, Server
from contract_tests.sources import doc, issue, peer, sdk, spec

BATCH = ("embeddings.batch",)
DIMENSIONS = ("embeddings.dimensions",)
OTHER = "Interest rates rose by a quarter of a point."
TEXTS = [SENTENCE, OTHER, "Beat two eggs into the flour."]
SIZE = 16
NEAR = 0.99  # a batch is padded, and computed in another order
UNIT = 0.01  # how far from 1 a length may be


@check(
    "embeddings.same",
    SHOULD,
    "The same text gets the same vector.",
    peer("llama.cpp", "test_same_prompt_give_same_result"),
    needs=NEEDS,
)
async def same(server: Server) -> None:
    once = only_vector(await server.embed())
    again = only_vector(await server.embed(fresh=True))
    alike = cosine(once, again)
    expect(alike >= SAME, "the same vector", f"a cosine of {alike:.4f} between the two")


@check(
    "embeddings.different",
    SHOULD,
    "Two texts get two vectors.",
    peer("ogx", "test_openai_embeddings_different_inputs_different_outputs"),
    needs=NEEDS,
)
async def different(server: Server) -> None:
    one, other = only_vector(await server.embed()), only_vector(await server.embed(OTHER))
    expect(one != other, "two vectors", f"{one[:4]} and so on for both")


@check(
    "embeddings.size",
    SHOULD,
    "All vectors of a model have the same size.",
    doc("Embedding/properties/embedding"),
    needs=NEEDS,
    clients="vector databases refuse another size",
)
async def size(server: Server) -> None:
    one, other = only_vector(await server.embed()), only_vector(await server.embed(OTHER))
    expect(len(one) == len(other), "one size", f"{len(one)} and {len(other)} numbers")


@check(
    "embeddings.unit",
    MAY,
    "A vector has the length 1, as OpenAI's have.",
    peer("llama.cpp", "test_embedding_single"),
    needs=NEEDS,
    clients="those that take the dot product for the cosine",
)
async def unit(server: Server) -> None:
    seen = length(only_vector(await server.embed()))
    expect(abs(seen - 1) < UNIT, "a length of 1", f"{seen:.4f}")


# --- several texts ---


@check(
    "embeddings.batch.count",
    MUST,
    "An array of texts gets an embedding for each.",
    doc("CreateEmbeddingRequest/properties/input"),
    needs=BATCH,
)
async def batch_count(server: Server) -> None:
    seen = len(vectors(await server.embed(TEXTS)))
    expect(seen == len(TEXTS), f"{len(TEXTS)} embeddings", f"{seen} embeddings")


@check(
    "embeddings.batch.index",
    MUST,
    "The embeddings are numbered from 0, in the order in which they are listed.",
    spec("Embedding/properties/index"),
    sdk("types/embedding.py"),
    issue("pydantic/pydantic-ai#7284", "chroma-core/chroma#344"),
    needs=BATCH,
    clients="those that pair vectors by position and those that sort by `index` differ",
)
async def batch_index(server: Server) -> None:
    body = await server.embed(TEXTS)
    places = range(len(at(body, "data", of=list)))
    seen = [at(body, "data", place, "index", of=int) for place in places]
    expect(seen == list(places), f"the indices {list(places)}", seen)


@check(
    "embeddings.batch.order",
    MUST,
    "The embeddings stand in the order of the texts.",
    spec("Embedding/properties/index"),
    issue(
        "agno-agi/agno#10128",
        "pydantic/pydantic-ai#7284",
        "getzep/graphiti#1732",
        "chroma-core/chroma#344",
    ),
    needs=BATCH,
    clients="agno, pydantic-ai and graphiti pair vectors by position",
)
async def batch_order(server: Server) -> None:
    alone = [only_vector(await server.embed(text)) for text in TEXTS]
    for place, vector in enumerate(vectors(await server.embed(TEXTS))):
        likeness = [cosine(vector, one) for one in alone]
        nearest = likeness.index(max(likeness))
        expect(
            likeness[min(place, nearest)] == likeness[nearest] and place < len(TEXTS),
            f"embedding {place} to be that of text {place}",
            f"it is nearest to that of text {nearest}",
        )


@check(
    "embeddings.batch.same",
    SHOULD,
    "A text gets the same vector in a batch as alone.",
    peer("llama.cpp", "test_same_prompt_give_same_result"),
    needs=BATCH,
)
async def batch_same(server: Server) -> None:
    alone = only_vector(await server.embed())
    found = vectors(await server.embed(TEXTS))
    alike = cosine(alone, found[0]) if found else 0.0
    expect(alike >= NEAR, "the same vector", f"a cosine of {alike:.4f} between the two")


@check(
    "embeddings.batch.usage",
    SHOULD,
    "A batch counts the tokens of all its texts.",
    peer("llama.cpp", "test_embedding_usage_multiple"),
    needs=BATCH,
)
async def batch_usage(server: Server) -> None:
    alone = [tokens_of(await server.embed(text)) for text in TEXTS]
    seen = tokens_of(await server.embed(TEXTS))
    expect(seen == sum(alone), f"{sum(alone)} tokens, for {alone} alone", f"{seen} tokens")


# --- dimensions ---


@check(
    "embeddings.dimensions",
    MUST,
    "The vectors have as many numbers as `dimensions` asks for.",
    doc("CreateEmbeddingRequest/properties/dimensions"),
    peer("llmprobe", "embeddings-dimensions"),
    needs=DIMENSIONS,
    clients="vector databases refuse another size",
)
async def dimensions(server: Server) -> None:
    seen = len(only_vector(await server.embed(dimensions=SIZE)))
    expect(seen == SIZE, f"{SIZE} numbers", f"{seen} numbers")


@check(
    "embeddings.dimensions.unit",
    SHOULD,
    "Where whole vectors have the length 1, shortened ones have it too.",
    peer("llmprobe", "embeddings-dimensions"),
    needs=DIMENSIONS,
    clients="those that take the dot product for the cosine",
)
async def dimensions_unit(server: Server) -> None:
    whole = length(only_vector(await server.embed()))
    seen = length(only_vector(await server.embed(dimensions=SIZE)))
    expect(abs(whole - 1) >= UNIT or abs(seen - 1) < UNIT, "a length of 1", f"{seen:.4f}")


@check(
    "embeddings.dimensions.base64",
    MUST,
    "`dimensions` holds for base64 too.",
    spec("CreateEmbeddingRequest/properties/dimensions"),
    peer("ogx", "test_openai_embeddings_with_encoding_format_base64"),
    needs=("embeddings.dimensions", "embeddings.base64"),
    clients="openai-python asks for base64 unless told otherwise",
)
async def dimensions_base64(server: Server) -> None:
    body = await server.embed(dimensions=SIZE, encoding_format="base64")
    seen = len(if_packed(body))
    expect(seen == SIZE * BYTES, f"{SIZE * BYTES} bytes", f"{seen} bytes")
