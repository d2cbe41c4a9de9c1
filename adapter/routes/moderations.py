"""`POST /v1/moderations`."""

from adapter.exchange import ClientWatch, Exchange
from adapter.render.moderation import moderations_json
from adapter.routes.operation import Operation
from adapter.service import Service
from backends.protocol import Moderates, ModerationInput
from backends.protocol.errors import BadRequestError
from backends.protocol.wire import CreateModerationRequest, CreateModerationResponse

DEFAULT_MODEL = "omni-moderation-latest"


async def create_moderation(service: Service, exchange: Exchange) -> None:
    """A judgement of each text, or one of a list of text and image parts."""
    body = await service.read(exchange, CreateModerationRequest)
    model = await service.find(exchange, body.model or DEFAULT_MODEL)
    backend = service.backend
    if not isinstance(backend, Moderates):
        raise BadRequestError(
            f"The model '{model.id}' does not moderate.",
            param="model",
            code="unsupported_operation",
        )
    async with ClientWatch(exchange):
        upstream = service.upstream(model.id)
        moderations = await backend.moderate(upstream, _inputs(body))
    await exchange.answer(moderations_json(model.id, moderations))


def _inputs(body: CreateModerationRequest) -> list[ModerationInput]:
    if isinstance(body.input, str):
        return [ModerationInput(body.input)]
    texts = [item for item in body.input if isinstance(item, str)]
    if texts or not body.input:
        return [ModerationInput(text) for text in texts]
    parts = [part for part in body.input if not isinstance(part, str)]
    text = "\n".join(part.text for part in parts if part.type == "text")
    return [ModerationInput(text, [p.image_url.url for p in parts if p.type == "image_url"])]


OPERATIONS = (
    Operation(
        "POST",
        "/v1/moderations",
        create_moderation,
        "moderations",
        "Create a moderation",
        takes=CreateModerationRequest,
        gives=CreateModerationResponse,
        default_model=DEFAULT_MODEL,
        example={"model": DEFAULT_MODEL, "input": "Hello!"},
    ),
)
