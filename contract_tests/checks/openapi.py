"""Whole bodies and chunks against the OpenAPI document that `--openapi` gives.

These checks run last, so that they see what the others asked for.
"""

from contract_tests.check import MUST, Check, check
from contract_tests.checks.schema import (
    CHAT_BODY,
    CHAT_CHUNK,
    COMPLETION_BODY,
    COMPLETION_CHUNK,
    EMBEDDINGS_BODY,
    MODERATION_BODY,
    Answer,
    validate,
)
from contract_tests.server import Server
from contract_tests.sources import spec


def _official(answer: Answer) -> Check:
    @check(
        f"openapi.{answer.name}",
        MUST,
        f"{answer.what} is what the OpenAPI document given with --openapi says.",
        spec(answer.component.removeprefix("streamed ")),
        needs=("openapi", answer.need),
        clients="clients generated from the document",
        alone=True,
    )
    async def keeps(server: Server) -> None:
        schema = server.target.document_schema(answer.component)
        await validate(server, answer.path, schema, stream=answer.stream)

    return keeps


chat = _official(CHAT_BODY)
chat_chunk = _official(CHAT_CHUNK)
completion = _official(COMPLETION_BODY)
completion_chunk = _official(COMPLETION_CHUNK)
embeddings = _official(EMBEDDINGS_BODY)
moderation = _official(MODERATION_BODY)
