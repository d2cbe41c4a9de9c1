"""`FolderBackend`: asks the provider that claims the model."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from backends.folder.placeholders import honoured
from backends.folder.provider import best_claim, read_providers
from backends.folder.settings import FolderSettings
from backends.protocol import Event, GenerationRequest, Model
from backends.protocol.errors import ModelNotFound
from backends.upstream import Upstream
from backends.upstream.client import refusal_of
from backends.upstream.retry import retry_after_s


class FolderBackend:
    """The providers of `FOLDER_PROVIDERS_DIR`, read once, each over a pooled connection."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - pydantic checks each
        if unknown := options.keys() - FolderSettings.model_fields.keys():
            raise TypeError(f"the folder backend has no {', '.join(sorted(unknown))}")
        settings = FolderSettings(**options)
        if settings.folder_providers_dir is None:
            raise ValueError("FOLDER_PROVIDERS_DIR is not set: the folder of the providers")
        self._providers = read_providers(settings.folder_providers_dir, settings.folder_hosts)
        self._only = self._providers[0] if len(self._providers) == 1 else None
        self._upstreams = {
            provider.name: Upstream(provider.metadata.base_url, provider.header.headers)
            for provider in self._providers
        }
        self.honours = honoured([provider.payload.names for provider in self._providers])

    async def models(self) -> Sequence[Model]:
        """What the providers claim, whole names first."""
        claims = [
            Model(claim, provider.name)
            for provider in self._providers
            for claim in provider.metadata.models
        ]
        return sorted(claims, key=lambda model: "*" in model.id)

    def takes_unlisted(self, model: str) -> bool:
        """Where there is one provider, which may know more names than its folder says."""
        return self._only is not None

    async def generate(self, request: GenerationRequest) -> AsyncIterator[Sequence[Event]]:
        """The provider's answer, as its folder says to read it.

        Raises:
            ModelNotFound: no provider claims the model, and there are several.
            APIError: the provider cannot be asked, refuses, or answers otherwise than described.
        """
        provider = best_claim(self._providers, request.model) or self._only
        if provider is None:
            raise ModelNotFound(request.model)
        upstream, body = self._upstreams[provider.name], provider.body(request)
        async with upstream.ask("POST", provider.header.path, body) as response:
            if not response.ok:
                wait_s = retry_after_s(response.headers)
                raise provider.refusal(
                    response.status, await refusal_of(response), round(wait_s) if wait_s else None
                )
            pieces = provider.events(
                response.content.iter_any(), response.content_type, upstream.max_event_bytes
            )
            async with aclosing(pieces) as answer:
                async for events in answer:
                    yield events

    async def aclose(self) -> None:
        """Close every connection."""
        for upstream in self._upstreams.values():
            await upstream.aclose()
