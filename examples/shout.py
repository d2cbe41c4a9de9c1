"""A backend of one's own. Usage: cd examples && adapter serve --backend shout:ShoutBackend."""

from collections.abc import AsyncIterator, Sequence

from backends.protocol import SAMPLING, GenerationRequest, Model, TextDelta
from backends.protocol.tokenizer import split


class ShoutBackend:
    """Answers with the user's last words, louder."""

    honours = SAMPLING

    async def models(self) -> Sequence[Model]:
        """One model."""
        return [Model("shout-1")]

    async def generate(self, request: GenerationRequest) -> AsyncIterator[TextDelta]:
        """The last user message in capitals, token by token."""
        for piece in split(request.last_user_text().upper()):
            yield TextDelta(piece)
