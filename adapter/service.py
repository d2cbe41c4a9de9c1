"""What every route works with: the backend and the collaborators around it."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, TypeVar

from adapter.catalog import Catalog
from adapter.exchange import ClientWatch, Exchange
from adapter.generation.duties import generation
from adapter.parse.body import parse, read_body
from adapter.relay import (
    PASSTHROUGH,
    deployed,
    fields_in,
    is_form,
    model_of,
    names_model,
    relay,
    relay_request,
    renamed,
    upload,
)
from adapter.render.fold import Folded, FoldedChoice
from adapter.sse import KeepAlive, Render, send_stream
from backends.protocol import Backend, GenerationRequest, Model, Relays, Tokenizes
from backends.protocol.errors import BadRequestError, ModelNotFound
from backends.protocol.tokenizer import decode
from backends.protocol.wire import WireModel

Wire = TypeVar("Wire", bound=WireModel)


@dataclass(slots=True, frozen=True)
class Service:
    """The collaborators of the routes, made once in `adapter/app.py`."""

    name: str
    backend: Backend
    catalog: Catalog
    honours: frozenset[str]
    max_body_mb: float
    strict_parameters: bool
    relays: Relays | None = None
    passthrough_all: bool = False
    cost_header: bool = False
    renamed: str | None = None
    keep_alive_s: float = 0

    async def read(self, exchange: Exchange, model: type[Wire]) -> Wire:
        """The request body as a wire model.

        Raises:
            BadRequestError: it is not one; `param` names the field.
            RequestTooLarge: it is larger than the server reads.
        """
        return parse(model, await self.body(exchange), strict=self.strict_parameters)

    async def body(self, exchange: Exchange) -> bytes:
        """The request body, read once; for a deployment, with that as its model.

        Raises:
            RequestTooLarge: it is larger than the server reads.
        """
        if exchange.body is None:
            forms = exchange.operation == PASSTHROUGH
            exchange.body = await read_body(exchange, self.max_body_mb, forms=forms)
            if exchange.deployment is not None:
                exchange.body = deployed(exchange, exchange.body, exchange.deployment)
        return exchange.body

    def upstream(self, model: str) -> str:
        """What the backend calls the model."""
        return self.renamed or self.catalog.upstream(model)

    def renaming(self, model: str) -> "Service":
        """This service, where the backend calls whatever is asked for so."""
        return replace(self, renamed=model)

    async def find(self, exchange: Exchange, name: str, *, listed: bool = True) -> Model:
        """The model of that name, noted for the log and the metrics.

        Raises:
            ModelNotFound: there is none for this key; without `listed`, it is not allowed.
        """
        model = await self.catalog.find(name, exchange.key, listed=listed and not self.renamed)
        self._note(exchange, model)
        return model

    async def listed(self, exchange: Exchange, name: str) -> Model:
        """The model of that name on the list, noted likewise.

        Raises:
            ModelNotFound: the list that this key may see has none.
        """
        model = await self.catalog.listed(name, exchange.key)
        self._note(exchange, model)
        return model

    def _note(self, exchange: Exchange, model: Model) -> None:
        exchange.model = model.id
        exchange.priced, exchange.tells_cost = self.catalog.priced(model.id), self.cost_header

    async def relay(
        self,
        exchange: Exchange,
        default_model: str | None = None,
        refused: frozenset[int] = frozenset(),
    ) -> None:
        """Answer with what the upstream of a relaying backend answers.

        Raises:
            ModelNotFound: the body names none that this key may use.
            APIError: the upstream answered one of the `refused` statuses, which somebody else
                may do better.
        """
        assert self.relays is not None  # noqa: S101 - who asks has looked
        if exchange.body is None and await self._decides_nothing(exchange):
            await upload(exchange, self.relays, self.max_body_mb, refused)
            return
        body = await self.body(exchange)
        fields: dict[str, Any] = {}
        if names_model(exchange, body):
            fields = fields_in(exchange, body)
            name = model_of(fields, default_model)
            upstream = self.upstream((await self.find(exchange, name)).id)
            if upstream != name:
                body = renamed(body, fields, upstream)
        request = relay_request(exchange, body, stream=fields.get("stream") is True)
        await relay(exchange, self.relays, request, refused, self.keep_alive_s)

    async def _decides_nothing(self, exchange: Exchange) -> bool:
        """Whether a body is a form that may pass unread, for its model may be any."""
        if exchange.operation != PASSTHROUGH or not is_form(exchange) or self.renamed:
            return False
        try:
            await self.catalog.find("", exchange.key)
        except ModelNotFound:
            return False
        return True

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
            KeepAlive(exchange, self.keep_alive_s),
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
