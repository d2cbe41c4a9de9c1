"""Where an upstream is and how it is spoken to: by the settings, or as an SDK client has it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yarl import URL

from backends.openai.settings import OpenAISettings
from backends.protocol.header_value import header_value, headers_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "none"


@dataclass(frozen=True, slots=True)
class Connection:
    """An upstream's address, what every request to it carries, and how long it may be silent.

    The query of `base_url` goes with every request. Azure wants a key in a header of its own.
    """

    base_url: str
    auth: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    silence_s: float
    azure: bool = False

    def auth_of(self, authorization: str | None) -> dict[str, str]:
        """The headers that hand a client's own `Authorization` on."""
        if authorization is None:
            return {}
        if self.azure:
            return {"api-key": authorization.partition(" ")[2].strip()}
        return {"authorization": authorization}


def connection(settings: OpenAISettings) -> Connection:
    """What `AsyncOpenAI` would make of the settings, without the second that its import takes."""
    found = settings.openai_api_key or header_value(os.environ.get("OPENAI_API_KEY", ""))
    key, version = found or NO_KEY, settings.openai_api_version
    auth = {"api-key": key} if version else {"authorization": f"Bearer {key}"}
    own = {
        "openai-organization": settings.openai_org_id,
        "openai-project": settings.openai_project_id,
    }
    return Connection(
        base_url=_with_query(
            settings.openai_base_url or OPENAI_URL, {"api-version": version} if version else {}
        ),
        auth=auth if key != NO_KEY else {},
        headers={name: value for name, value in own.items() if value}
        | {name.lower(): value for name, value in settings.openai_headers.items()},
        silence_s=settings.openai_silence_s,
        azure=bool(version),
    )


def connection_of(client: "AsyncOpenAI", settings: OpenAISettings) -> Connection:
    """The connection that a plain client is configured for.

    Its own way of asking costs several times the relay's. It is not the SDK that asks, so the
    headers by which it tells of its machine (`x-stainless-*`) are left out.
    """
    # A client without a key has the name of none.
    auth = _strings(client.auth_headers) if client.api_key != NO_KEY else {}
    own = {"accept", "content-type", *auth}
    return Connection(
        base_url=_with_query(
            str(client.base_url).rstrip("/"),
            {name: str(value) for name, value in client.default_query.items()},
        ),
        auth=auth,
        headers={
            name: value
            for name, value in _strings(client.default_headers).items()
            if name not in own and "stainless" not in name
        },
        silence_s=_read_s(client.timeout) or settings.openai_silence_s,
    )


def _with_query(base_url: str, query: dict[str, str]) -> str:
    return str(URL(base_url).update_query(query)) if query else base_url


def _strings(headers: Any) -> dict[str, str]:  # noqa: ANN401 - the SDK marks what it omits
    return headers_of(
        {name.lower(): value for name, value in headers.items() if isinstance(value, str)}
    )


def _read_s(timeout: Any) -> float | None:  # noqa: ANN401 - seconds, or httpx's four of them
    seconds = getattr(timeout, "read", timeout)
    return float(seconds) if isinstance(seconds, int | float) else None
