"""The local engine's own settings: `TORCH_*` in the environment or in `.env`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TorchSettings(BaseSettings):
    """How the engine runs; each is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    torch_dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Number format; auto is bfloat16 where the hardware has it."
    )
    torch_threads: int | None = Field(
        None, ge=1, le=1024, description="Threads on the CPU; unset, one a core."
    )
    torch_kernels: bool = Field(
        True, description="Use compiled C kernels where the CPU and a C compiler allow."
    )
    torch_context_tokens: int | None = Field(
        None, ge=16, description="Context window; unset, the model's own."
    )
    torch_max_tokens: int | None = Field(
        None, ge=1, description="Limit of an answer whose request has none; unset, the window."
    )
    torch_kv_cache_mb: float | None = Field(
        None, gt=0, description="Memory for keys and values, in MB; unset, by what is free."
    )
    torch_max_running: int = Field(64, ge=1, le=1024, description="Sequences that share a step.")
    torch_max_waiting: int = Field(
        256, ge=0, description="Sequences that may wait; one more is refused with a 429."
    )
    torch_stall_ms: float = Field(
        50, gt=0, description="How long reading prompts may hold up the others' next token."
    )
    torch_embedding_model: str | None = Field(
        None, description="Model for embeddings, like MODEL_PATH; unset, minilm if it was pulled."
    )
