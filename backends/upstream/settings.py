"""What holds for every upstream: `UPSTREAM_*` in the environment or in `.env`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

BYTES_PER_KB = 1_000
BYTES_PER_MB = 1_000_000


class UpstreamSettings(BaseSettings):
    """The bounds of what an upstream may answer; each is an environment variable in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    upstream_max_header_kb: int = Field(
        64, ge=1, description="Largest header of an upstream's answer, in KB (10^3 bytes)."
    )
    upstream_max_event_mb: float = Field(
        32, gt=0, description="Largest event of an upstream's stream, in MB (10^6 bytes)."
    )

    @property
    def max_header_bytes(self) -> int:
        """The largest header."""
        return self.upstream_max_header_kb * BYTES_PER_KB

    @property
    def max_event_bytes(self) -> int:
        """The largest event."""
        return int(self.upstream_max_event_mb * BYTES_PER_MB)
