"""One provider, read from its folder."""

import os
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import orjson

from backends.folder.answer import Pieces, refusal, streamed_answer, whole_answer
from backends.folder.files import FolderError, read_text
from backends.folder.header import Header, read_header
from backends.folder.metadata import Metadata, read_metadata
from backends.folder.payload import Payload
from backends.folder.placeholders import Asked, require_carried, values_of
from backends.protocol import Event, GenerationRequest
from backends.protocol.errors import APIError
from backends.upstream.redaction import sent_secrets

METADATA, HEADER, PAYLOAD = "metadata.json", "header.txt", "payload.json"


@dataclass(frozen=True, slots=True)
class Provider:
    """What a folder says: where to ask, with what, and how to read the answer."""

    name: str
    metadata: Metadata
    header: Header
    payload: Payload

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is sent to the provider, and shown to no client."""
        return (*self.header.secrets, *sent_secrets(self.header.headers))

    @property
    def streams(self) -> bool:
        """Whether the provider is asked for an event stream."""
        return self.metadata.answer.events is not None

    def body(self, request: GenerationRequest) -> bytes:
        """The body that asks for what the request asks.

        Raises:
            UnsupportedParameter: the payload has no place for something; `param` names it.
        """
        names = self.payload.names
        require_carried(request, names)
        asked = Asked(request, self.streams, apart="system" in names)
        return orjson.dumps(self.payload.filled(values_of(asked, names)))

    def events(
        self, pieces: Pieces, content_type: str, max_event_bytes: int
    ) -> AsyncGenerator[Sequence[Event]]:
        """The events of an answer; where both ways are described, its type says which it is.

        Raises:
            APIError: it cannot be read.
        """
        answer = self.metadata.answer
        if answer.whole and (answer.events is None or "json" in content_type):
            return whole_answer(pieces, answer, self.secrets)
        return streamed_answer(pieces, answer, self.secrets, max_event_bytes)

    def refusal(self, status: int, body: bytes, retry_after_s: int | None) -> APIError:
        """The error that an answer becomes which is no success."""
        return refusal(status, body, self.metadata.answer, self.secrets, retry_after_s)


def read_provider(folder: Path, hosts: Collection[str]) -> Provider:
    """The provider that a folder describes, if its host is among those allowed.

    Raises:
        FolderError: the folder describes none, or its host is not allowed.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder}: there is no such folder")
    file = read_text(folder, METADATA)
    metadata = read_metadata(file)
    if metadata.host.lower() not in {host.lower() for host in hosts}:
        allowed = ", ".join(hosts) or "none"
        raise file.wrong(f"{metadata.host} is not among FOLDER_HOSTS ({allowed})", ["host"])
    header = read_header(read_text(folder, HEADER), os.environ)
    payload = Payload(read_text(folder, PAYLOAD))
    for key, places in metadata.answer.places:
        if "max_tokens" in payload.names and places.finish is None:
            what = "needs finish, for the payload carries max_tokens: a cut answer must say so"
            raise file.wrong(what, ["answer", key])
    return Provider(folder.name, metadata, header, payload)


def read_providers(folder: Path, hosts: Collection[str]) -> list[Provider]:
    """The providers of a folder's folders; what begins with a dot or `_` is none.

    Raises:
        FolderError: there are none, one is wrong, or two claim the same model.
    """
    if not folder.is_dir():
        raise FolderError(f"FOLDER_PROVIDERS_DIR: there is no folder {folder}")
    folders = [one for one in sorted(folder.iterdir()) if one.name[0] not in "._" and one.is_dir()]
    if not folders:
        raise FolderError(f"FOLDER_PROVIDERS_DIR: there is no provider's folder in {folder}")
    claimed: dict[str, str] = {}
    providers = []
    for one in folders:
        if not one.resolve().is_relative_to(folder.resolve()):
            raise FolderError(f"{one.name}: a link that leads out of FOLDER_PROVIDERS_DIR")
        provider = read_provider(one, hosts)
        for model in provider.metadata.models:
            other = claimed.setdefault(model, provider.name)
            if other != provider.name:
                raise FolderError(f"{provider.name} and {other} both claim the model {model!r}")
        providers.append(provider)
    return providers


def best_claim(providers: Sequence[Provider], model: str) -> Provider | None:
    """The provider that claims a model: by its name, or else by the longest pattern."""
    claims = [
        ("*" not in claim, len(claim), provider)
        for provider in providers
        for claim in provider.metadata.models
        if claim == model or ("*" in claim and fnmatchcase(model, claim))
    ]
    return max(claims, key=lambda claim: claim[:2])[2] if claims else None
