"""The mock's own settings: `MOCK_*` in the environment or in `.env`."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class MockSettings(BaseSettings):
    """How the mock behaves; each is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    mock_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Models served, comma-separated; * takes any; unset, OpenAI's names.",
    )
    mock_ttft_ms: float = Field(
        0, ge=0, le=600_000, description="Pause before the first token, in ms."
    )
    mock_itl_ms: float = Field(0, ge=0, le=60_000, description="Pause between two tokens, in ms.")
    mock_context_tokens: int = Field(
        128_000, ge=1, description="Context window, in the mock's tokens."
    )

    @field_validator("mock_models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
