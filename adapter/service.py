"""What every route works with: the backend and the collaborators around it."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

from adapter.catalog import Catalog
from adapter.exchange import ClientWatch, Exchange
from adapter.generation.duties import generation
from adapter.parse.body import parse, read_body
from adapter.render.fold import Folded, FoldedChoice
from adapter.sse import Render, send_stream
from backends.protocol import Backend, GenerationRequest, Model, Tokenizes
from backends.protocol.errors import BadRequestError
from backends.protocol.tokenizer import decode
from backends.protocol.wire import WireModel

Wire = TypeVar("Wire", bound=WireModel)


@dataclass(slots=True, frozen=True)
class Service:
    """The collaborators of the routes, made once in `adapter/app.py`."""

    backend: Backend
    catalog: Catalog
    honours: frozenset[str]
    max_body_mb: float
    strict_parameters: bool

    async def read(self, exchange: Exchange, model: type[Wire]) -> Wire:
        """The request body as a wire model.

        Raises:
            BadRequestError: it is not one; `param` names the field.
            RequestTooLarge: it is larger than the server reads.
        """
        body = await read_body(exchange, self.max_body_mb)
        return parse(model, body, strict=self.strict_parameters)

    async def find(self, exchange: Exchange, name: str) -> Model:
        """The model of that name, noted for the log and the metrics.

        Raises:
            ModelNotFound: there is none for this key.
        """
        model = await self.catalog.find(name, exchange.key)
        exchange.model = model.id
        return model

    async def text(self, model: str, tokens: Sequence[int], param: str) -> str:
        """The text of token ids, by the backend's tokenizer or the default one.

        Raises:
            BadRequestError: an id is in no vocabulary; `param` is the field that held it.
        """
        try:
            if isinstance(self.backend, Tokenizes):
                return await self.backend.detokenize(model, tokens)
            return decode(tokens)
        except BadRequestError as error:
            error.param = param
            raise

    async def stream(
        self, exchange: Exchange, requests: Sequence[GenerationRequest], render: Render
    ) -> None:
        """Generate, and answer with an event stream."""
        async with (
            ClientWatch(exchange),
            aclosing(generation(self.backend, requests, self.honours)) as events,
        ):
            await send_stream(exchange, events, render)

    async def whole(self, exchange: Exchange, requests: Sequence[GenerationRequest]) -> Folded:
        """Generate to the end: the fold of the same events that a stream would send."""
        folded = Folded([FoldedChoice() for request in requests for _ in range(request.n)])
        async with (
            ClientWatch(exchange),
            aclosing(generation(self.backend, requests, self.honours)) as events,
        ):
            since_s = perf_counter()
            async for batch in events:
                exchange.note(batch, since_s)
                folded.add(batch)
                since_s = perf_counter()
        return folded
