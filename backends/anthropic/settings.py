"""The backend's own settings: `ANTHROPIC_*` in the environment or in `.env`."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backends.protocol.header_value import HeaderValue, header_value

BASE_URL = "https://api.anthropic.com"
Names = Annotated[tuple[HeaderValue, ...], NoDecode]


def _key(given: SecretStr) -> SecretStr:
    return SecretStr(header_value(given.get_secret_value()))


Key = Annotated[SecretStr, AfterValidator(_key)]


class AnthropicSettings(BaseSettings):
    """Where Anthropic's API is and how it is asked; each is an environment variable."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    anthropic_api_key: Key | None = Field(None, description="Key for Anthropic's API.")
    anthropic_base_url: HeaderValue = Field(
        BASE_URL, description="Where Anthropic's API is, without /v1."
    )
    anthropic_version: HeaderValue = Field(
        "2023-06-01", description="Version of the API, its anthropic-version header."
    )
    anthropic_models: Names = Field(
        (),
        description="Models beside those Anthropic lists, or alone if it lists none; * for any.",
    )
    anthropic_models_timeout_s: float = Field(
        5, gt=0, description="Longest wait for Anthropic's list of models, in seconds."
    )
    anthropic_max_retry_after_s: float = Field(
        5, ge=0, description="Longest Retry-After of Anthropic's to wait for, in seconds."
    )
    anthropic_max_tokens: int = Field(
        8192, ge=1, description="Limit of an answer whose request has none; thinking comes on top."
    )
    anthropic_beta: Names = Field(
        (), description="Beta features to ask for, comma-separated: its anthropic-beta header."
    )

    @field_validator("anthropic_models", "anthropic_beta", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        headers = {
            "anthropic-version": self.anthropic_version,
            "content-type": "application/json",
        }
        if self.anthropic_api_key:
            headers["x-api-key"] = self.anthropic_api_key.get_secret_value()
        if self.anthropic_beta:
            headers["anthropic-beta"] = ",".join(self.anthropic_beta)
        return headers
