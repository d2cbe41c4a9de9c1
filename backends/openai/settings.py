"""The passthrough's own settings: `OPENAI_*` in the environment or in `.env`."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backends.protocol.header_value import Headers, HeaderValue


class OpenAISettings(BaseSettings):
    """Which upstream, and how patiently; each is an environment variable in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    openai_api_key: HeaderValue | None = Field(
        None, repr=False, description="Key for the upstream."
    )
    openai_base_url: HeaderValue | None = Field(
        None, description="Base URL of the upstream; unset, OpenAI's own."
    )
    openai_org_id: HeaderValue | None = Field(
        None, description="Organisation to bill at the upstream."
    )
    openai_project_id: HeaderValue | None = Field(
        None, description="Project to bill at the upstream."
    )
    openai_api_version: HeaderValue | None = Field(
        None,
        description="The upstream is Azure's: its api-version; the key goes as its api-key header.",
    )
    openai_headers: Headers = Field(
        {}, repr=False, description="More headers for the upstream, as a JSON object."
    )
    openai_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Models to serve, comma-separated; * takes any; unset, as the upstream lists.",
    )
    openai_models_timeout_s: float = Field(
        5, gt=0, description="Longest wait for the upstream's list of models, in seconds."
    )
    openai_connect_s: float = Field(
        5, gt=0, description="Longest wait for a connection to the upstream, in seconds."
    )
    openai_silence_s: float = Field(
        300, gt=0, description="Longest silence of the upstream to bear, in seconds."
    )
    openai_attempts: int = Field(
        3, ge=1, le=10, description="Tries of a request that the upstream may do better next time."
    )
    openai_deadline_s: float = Field(
        60, gt=0, description="No try begins later than this, in seconds."
    )
    openai_max_retry_after_s: float = Field(
        5, ge=0, description="Longest Retry-After of the upstream to wait for, in seconds."
    )
    forward_client_key: bool = Field(
        False, description="Hand the client's own key on to the upstream, in place of ours."
    )

    @field_validator("openai_models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
