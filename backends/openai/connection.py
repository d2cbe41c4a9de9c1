"""Where an upstream is and how it is spoken to: by the settings, or as an SDK client has it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from backends.openai.settings import OpenAISettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "none"


@dataclass(frozen=True, slots=True)
class Connection:
    """An upstream's address, what every request to it carries, and how long it may be silent."""

    base_url: str
    key: str = field(repr=False)
    auth: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    query: str
    silence_s: float


def connection(settings: OpenAISettings) -> Connection:
    """What `AsyncOpenAI` would make of the settings, without the second that its import takes."""
    key = settings.openai_api_key or os.environ.get("OPENAI_API_KEY") or NO_KEY
    own = {
        "openai-organization": settings.openai_org_id,
        "openai-project": settings.openai_project_id,
    }
    return Connection(
        base_url=settings.openai_base_url or OPENAI_URL,
        key=key,
        auth={"authorization": f"Bearer {key}"} if key != NO_KEY else {},
        headers={name: value for name, value in own.items() if value}
        | {name.lower(): value for name, value in settings.openai_headers.items()},
        query="",
        silence_s=settings.openai_silence_s,
    )


def connection_of(client: "AsyncOpenAI", settings: OpenAISettings) -> Connection:
    """The connection that a plain client is configured for.

    Its own way of asking costs several times the relay's. It is not the SDK that asks, so the
    headers by which it tells of its machine (`x-stainless-*`) are left out.
    """
    key = client.api_key
    # A client without a key has the name of none.
    auth = _strings(client.auth_headers) if key != NO_KEY else {}
    own = {"accept", "content-type", *auth}
    return Connection(
        base_url=str(client.base_url).rstrip("/"),
        key=key,
        auth=auth,
        headers={
            name: value
            for name, value in _strings(client.default_headers).items()
            if name not in own and "stainless" not in name
        },
        query=urlencode({name: str(value) for name, value in client.default_query.items()}),
        silence_s=_read_s(client.timeout) or settings.openai_silence_s,
    )


def _strings(headers: Any) -> dict[str, str]:  # noqa: ANN401 - the SDK marks what it omits
    return {name.lower(): value for name, value in headers.items() if isinstance(value, str)}


def _read_s(timeout: Any) -> float | None:  # noqa: ANN401 - seconds, or httpx's four of them
    seconds = getattr(timeout, "read", timeout)
    return float(seconds) if isinstance(seconds, int | float) else None
