"""The smallest legal backend: copy this file to begin your own."""

from collections.abc import AsyncIterator, Sequence

from backends.protocol import SAMPLING, GenerationRequest, Model, TextDelta
from backends.protocol.tokenizer import split


class EchoBackend:
    """Answers with the user's last words."""

    honours = SAMPLING

    async def models(self) -> Sequence[Model]:
        """One model."""
        return [Model("echo")]

    async def generate(self, request: GenerationRequest) -> AsyncIterator[TextDelta]:
        """The last user message, token by token."""
        for piece in split(request.last_user_text()):
            yield TextDelta(piece)
