"""The folder backend's own settings: `FOLDER_*` in the environment or in `.env`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class FolderSettings(BaseSettings):
    """Which providers there are; each is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    folder_providers_dir: Path | None = Field(
        None, description="Folder of the providers, a folder each."
    )
    folder_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Hosts that providers may have, comma-separated; unset, none."
    )

    @field_validator("folder_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
