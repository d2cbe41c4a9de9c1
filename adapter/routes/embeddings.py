"""`POST /v1/embeddings`."""

from adapter.exchange import ClientWatch, Exchange
from adapter.render.embedding import embeddings_json
from adapter.routes.operation import Operation
from adapter.service import Service
from backends.protocol import EmbeddingRequest, Embeds
from backends.protocol.errors import BadRequestError
from backends.protocol.wire import CreateEmbeddingRequest, CreateEmbeddingResponse


async def create_embedding(service: Service, exchange: Exchange) -> None:
    """A vector for each text or token array of the input."""
    body = await service.read(exchange, CreateEmbeddingRequest)
    model = await service.find(exchange, body.model)
    backend = service.backend
    if not isinstance(backend, Embeds):
        raise BadRequestError(
            f"The model '{model.id}' has no embeddings.",
            param="model",
            code="unsupported_operation",
        )
    upstream = service.upstream(model.id)
    texts = [
        item if isinstance(item, str) else await service.text(upstream, item, "input")
        for item in _items(body)
    ]
    async with ClientWatch(exchange):
        embeddings = await backend.embed(EmbeddingRequest(upstream, texts, body.dimensions))
    exchange.count(embeddings.prompt_tokens)
    base64 = body.encoding_format == "base64"
    await exchange.answer(embeddings_json(body.model, embeddings, base64=base64))


def _items(body: CreateEmbeddingRequest) -> list[str | list[int]]:
    """The inputs one by one; an array of token ids is one input."""
    if isinstance(body.input, str) or isinstance(body.input[0], int):
        return [body.input]
    return [*body.input]


OPERATIONS = (
    Operation(
        "POST",
        "/v1/embeddings",
        create_embedding,
        "embeddings",
        "Create embeddings",
        takes=CreateEmbeddingRequest,
        gives=CreateEmbeddingResponse,
        example={"model": "text-embedding-3-small", "input": "Hello!"},
    ),
)
