"""What holds for every upstream: `UPSTREAM_*` in the environment or in `.env`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class UpstreamSettings(BaseSettings):
    """The bounds of what an upstream may answer; each is an environment variable in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    upstream_max_header_kb: int = Field(
        64, ge=1, description="Largest header of an upstream's answer, in KB (10^3 bytes)."
    )
