"""Who may call: keys, each with its own list of models."""

import hmac
import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.allowlist import EVERYTHING, AllowList
from backends.protocol.errors import AuthenticationError
from backends.protocol.header_value import header_value

if TYPE_CHECKING:
    from adapter.settings import Settings

OPEN_PATHS = frozenset({"/health", "/ping", "/livez", "/readyz", "/openapi.json"})


@dataclass(slots=True, frozen=True)
class Key:
    """An accepted key: its name for the log, the digest of its secret, the models it may use."""

    name: str
    digest: bytes
    models: AllowList = EVERYTHING


ANYONE = Key("anyone", b"")


class Keys:
    """The accepted keys. No keys at all means that auth is off."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)

    def admit(self, authorization: str | None) -> Key:
        """The key of an `Authorization` header; every key is compared, in constant time.

        Raises:
            AuthenticationError: the header is missing, no bearer token, or of no accepted key.
        """
        scheme, _, token = (authorization or "").partition(" ")
        digest = sha256(token.strip().encode("latin-1", "replace")).digest()
        admitted = None
        for key in self._keys:
            if hmac.compare_digest(digest, key.digest):
                admitted = key
        if admitted is None or scheme.lower() != "bearer":
            raise AuthenticationError(
                "Missing or incorrect API key: send 'Authorization: Bearer <key>' or, as for Azure,"
                " 'api-key: <key>'."
            )
        return admitted


def keys_of(settings: "Settings") -> Keys | None:
    """The keys that the settings name; None where auth is off.

    Raises:
        ValueError: the keys file cannot be read; the message is one line for the operator.
    """
    if not settings.enable_auth:
        return None
    keys = [
        Key(f"key-{number}", _digest(secret))
        for number, secret in enumerate(filter(None, settings.api_key_secret), 1)
    ]
    if settings.api_keys_file is not None:
        try:
            entries = tomllib.loads(settings.api_keys_file.read_text()).get("key", [])
            keys += [
                Key(entry["name"], _digest(_secret(entry)), AllowList(entry.get("models", ())))
                for entry in entries
            ]
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"API_KEYS_FILE: {type(error).__name__}: {error}") from error
    if not keys:
        raise ValueError("ENABLE_AUTH: there is no key; set API_KEY_SECRET or API_KEYS_FILE")
    return Keys(keys)


def authorization(scope: Scope) -> str | None:
    """A request's `Authorization`; that of an Azure client without one is its `api-key`."""
    api_key = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            given: str = value.decode("latin-1")
            return given
        if name == b"api-key":
            api_key = value.decode("latin-1")
    return f"Bearer {api_key}" if api_key is not None else None


def new_secret() -> str:
    """A fresh key, 256 bits strong."""
    return f"sk-{secrets.token_urlsafe(32)}"


def _secret(entry: dict[str, Any]) -> str:
    try:
        secret = header_value(entry["secret"])
    except ValueError as error:
        raise ValueError(f"API_KEYS_FILE: the secret of {entry['name']!r} {error}") from error
    if not secret:
        raise ValueError(f"API_KEYS_FILE: the secret of {entry['name']!r} is empty")
    return secret


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


class Auth:
    """Plain ASGI middleware: no key, no entry, before the body is read."""

    def __init__(self, app: ASGIApp, keys: Keys, open_paths: frozenset[str]) -> None:
        self._app = app
        self._keys = keys
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit the request or raise `AuthenticationError`."""
        if scope["path"] not in self._open_paths:
            scope["exchange"].key = self._keys.admit(authorization(scope))
        await self._app(scope, receive, send)
