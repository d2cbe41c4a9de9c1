"""Every setting of the server, read from flags, the environment, `.env` and the config file."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)
from yaml import YAMLError

from backends.protocol.header_value import HeaderValue

SECTIONS = ("backends", "models")  # of the config file, which adapter/routing reads
Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The server's settings; each is also an environment variable of the same name in capitals.

    A flag wins over the environment, the environment over `.env`, `.env` over the config file.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", validate_default=True, frozen=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    backend: str = Field(
        "mock", description="mock, echo, openai, anthropic, folder, torch, or package.module:Class."
    )
    model_path: str | None = Field(None, description="Weights for a backend that loads a model.")
    tokenizer_path: str | None = Field(None, description="Tokenizer, where not beside the model.")
    device: str | None = Field(
        None, description="Where a backend that loads a model runs it: auto, cpu, cuda or mps."
    )
    quantize: str | None = Field(
        None, description="How such a backend packs its weights: none or int8."
    )
    model_name: str | None = Field(
        None, description="Serve the first model under this name; of others, those that embed."
    )
    workers: int = Field(1, ge=1, le=256, description="Server processes.")
    keep_alive_s: int = Field(
        120, ge=1, description="Seconds that a connection stays open without a request."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug, info, warning or error; at info, one line a request."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="text for people, json for machines; auto: text on a terminal."
    )
    config: Path | None = Field(None, description="YAML file with any of these settings by name.")

    model_list_url: str | None = Field(
        None, description="Model list: an http(s) or file URL, or a path; see docs/model-list.md."
    )
    model_list_refresh_s: float = Field(
        300, gt=0, description="Seconds between two readings of the model list."
    )
    model_list_timeout_s: float = Field(
        10, gt=0, description="Seconds that reading the model list may take."
    )
    model_list_max_mb: float = Field(
        1, gt=0, description="Largest model list, unzipped, in MB (10^6 bytes)."
    )
    model_list_file: Path | None = Field(
        None, description="Where the last good model list is saved; unset, it is not."
    )
    cost_header: bool = Field(
        False, description="Tell the cost of an answer, where listed, in x-adapter-cost-usd."
    )
    passthrough_all: bool = Field(
        False, description="Hand every other /v1 path on to a relaying backend too."
    )

    enable_auth: bool = Field(False, description="Ask each request for a key.")
    api_key_secret: Annotated[tuple[HeaderValue, ...], NoDecode] = Field(
        (), description="Accepted keys, comma-separated; unset, one is made and printed at start."
    )
    api_keys_file: Path | None = Field(
        None, description="TOML file of keys, each with a name and its own list of models."
    )
    allowed_models: Names = Field(
        (), description="Models served, comma-separated, * and ? as wildcards; unset, all."
    )
    strict_models: bool = Field(
        False, description="Refuse a model that the upstream does not list, or while it lists none."
    )
    metrics_public: bool = Field(True, description="Serve /metrics without a key.")
    cors_origins: Names = Field(
        (), description="Origins a browser may call from, comma-separated; * for any; unset, none."
    )

    max_body_mb: float = Field(32, gt=0, description="Largest request body, in MB (10^6 bytes).")
    stream_keep_alive_s: float = Field(
        25, ge=0, description="Silence after which a stream sends a comment, in seconds; 0: none."
    )
    strict_parameters: bool = Field(
        False, description="Refuse unknown request fields with a 400 that names them."
    )

    @field_validator("api_key_secret", "allowed_models", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources in falling order of precedence; the config file is named by the others."""
        named = (init_settings, env_settings, dotenv_settings)
        path = next(
            (found["config"] for found in (read() for read in named) if found.get("config")), None
        )
        return (*named, ConfigFile(settings_cls, yaml_file=path)) if path else named


class ConfigFile(YamlConfigSettingsSource):
    """The config file as a source; a name it does not know is an error, not a silence."""

    def __init__(self, settings_cls: type[BaseSettings], yaml_file: str | Path) -> None:
        if not Path(yaml_file).is_file():
            raise ValueError(f"CONFIG: there is no file {str(yaml_file)!r}")
        try:
            super().__init__(settings_cls, yaml_file)
        except (YAMLError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"CONFIG: {str(yaml_file)!r} is no YAML mapping: {reason}") from error
        unknown = sorted(set(self.yaml_data) - set(settings_cls.model_fields) - set(SECTIONS))
        if unknown:
            raise ValueError(
                f"CONFIG: {str(yaml_file)!r} has unknown settings: {', '.join(unknown)}"
            )
