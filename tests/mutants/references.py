"""The healthy servers in which defects are planted."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from adapter.app import create
from adapter.settings import Settings
from backends.mock import MockBackend
from contract_tests.capabilities import PROFILES
from contract_tests.fuzz.campaign import Fuzz
from contract_tests.schema.official import Document
from contract_tests.target import Target
from tests.mutants.families import sets_header
from tests.mutants.layer import Layer

KEY = "sk-reference"
MAX_BODY_MB = 3  # less than the least of the bodies that are to be too large
PATH = os.environ.get("OPENAI_OPENAPI_DOCUMENT")
FUZZ = Fuzz(examples=12)
DOCUMENT = Document(Path(PATH)) if PATH else None
FULL = PROFILES["full"] | {"fuzz"} | ({"openapi"} if DOCUMENT else set())
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
    layer: Layer = lambda app: app

    def app(self) -> ASGIApp:
        """The server."""
        settings = Settings(log_level="error", max_body_mb=MAX_BODY_MB, **self.settings)
        return self.layer(create(settings, MockBackend(**self.mock)))

    def target(self, url: str, **options: Any) -> Target:
        """The server as the suite sees it, at that URL."""
        return Target(
            url,
            key=self.key,
            document=DOCUMENT,
            fuzz=FUZZ,
            models=dict(MODELS),
            declared=self.declared,
            timeout_s=10,
            pauses_s=(),
            **options,
        )


REFERENCES: dict[str, Reference] = {
    "open": Reference(),
    "keyed": Reference(
        settings={"enable_auth": True, "api_key_secret": KEY},
        key=KEY,
        declared=FULL | {"auth"},
    ),
    # Tells with each refusal when to come back, as others do when they are busy.
    "browser": Reference(
        settings={"cors_origins": "*"},
        declared=FULL | {"cors"},
        layer=sets_header("retry-after", "1", lambda _, answer: answer.status >= 400),
    ),
    # Just slow enough to see a stream come in.
    "paced": Reference(mock={"mock_models": NAMES, "mock_itl_ms": 2}),
}
