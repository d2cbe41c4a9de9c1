"""The operations of the API, one file an OpenAI resource, and the table of them all."""

from adapter.routes import chat, completions, embeddings, models, moderations, tokens
from adapter.routes.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *chat.OPERATIONS,
    *completions.OPERATIONS,
    *embeddings.OPERATIONS,
    *models.OPERATIONS,
    *moderations.OPERATIONS,
    *tokens.OPERATIONS,
)
