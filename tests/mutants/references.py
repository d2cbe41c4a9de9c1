"""The healthy servers in which defects are planted."""

from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp

from adapter.app import create
from adapter.settings import Settings
from backends.mock import MockBackend
from contract_tests.capabilities import PROFILES
from contract_tests.target import Target

KEY = "sk-reference"
FULL = PROFILES["full"]
NAMES = "gpt-4o,gpt-3.5-turbo-instruct,text-embedding-3-small,omni-moderation-latest,org/model"
MODELS = {
    "chat": "gpt-4o",
    "completions": "gpt-3.5-turbo-instruct",
    "embeddings": "text-embedding-3-small",
    "moderations": "omni-moderation-latest",
}


@dataclass(frozen=True)
class Reference:
    """One healthy server: its settings, the mock's own, and what it can do."""

    settings: dict[str, Any] = field(default_factory=dict)
    mock: dict[str, Any] = field(default_factory=lambda: {"mock_models": NAMES})
    key: str | None = None
    declared: frozenset[str] = FULL

    def app(self) -> ASGIApp:
        """The server."""
        return create(Settings(**self.settings), MockBackend(**self.mock))

    def target(self, url: str, **options: Any) -> Target:
        """The server as the suite sees it, at that URL."""
        return Target(
            url, key=self.key, models=dict(MODELS), declared=self.declared, timeout_s=10, **options
        )


REFERENCES: dict[str, Reference] = {
    "open": Reference(),
    "keyed": Reference(
        settings={"enable_auth": True, "api_key_secret": KEY},
        key=KEY,
        declared=FULL | {"auth"},
    ),
    "browser": Reference(settings={"cors_origins": "*"}, declared=FULL | {"cors"}),
}
