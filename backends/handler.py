"""Plain functions as models: `def handler(prompt: str) -> str`, behind every endpoint.

def shout(prompt: str) -> str:
    return prompt.upper()

Shout = handlers({"shout": shout})  # adapter serve --backend my_module:Shout
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from inspect import iscoroutinefunction

from backends.protocol import SAMPLING, GenerationRequest, Model, TextDelta
from backends.protocol.tokenizer import split

Handler = Callable[[str], str] | Callable[[str], Awaitable[str]]


class HandlerBackend:
    """Answers with what a function makes of the last user message, or of the prompt.

    A function that is no coroutine runs in a thread, so that it may block.
    """

    honours = SAMPLING

    def __init__(self, models: Mapping[str, Handler]) -> None:
        self._models = dict(models)

    async def models(self) -> Sequence[Model]:
        """The functions by their model ids."""
        return [Model(name, owned_by="handler") for name in self._models]

    async def generate(self, request: GenerationRequest) -> AsyncIterator[TextDelta]:
        """The function's text, token by token."""
        handler, prompt = self._models[request.model], request.last_user_text()
        if iscoroutinefunction(handler):
            text = await handler(prompt)
        else:
            text = await asyncio.to_thread(handler, prompt)
        for piece in split(str(text)):
            yield TextDelta(piece)


def handlers(models: Mapping[str, Handler]) -> Callable[[], HandlerBackend]:
    """A backend of those functions, to be named as `my_module:name` where it was assigned."""
    return partial(HandlerBackend, models)
