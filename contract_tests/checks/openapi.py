"""Whole bodies and chunks against the OpenAPI document that `--openapi` gives.

These checks run last, so that they see what the others asked for.
"""

from contract_tests.check import MUST, Check, check
from contract_tests.checks.schema import (
    CHAT,
    CHAT_CHUNK,
    COMPLETION,
    COMPLETION_CHUNK,
    EMBEDDINGS,
    MODERATION,
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


chat = _official(CHAT)
chat_chunk = _official(CHAT_CHUNK)
completion = _official(COMPLETION)
completion_chunk = _official(COMPLETION_CHUNK)
embeddings = _official(EMBEDDINGS)
moderation = _official(MODERATION)
