"""What the engine has done and is doing, for metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class Stats:
    """The engine after a step. All but the first four are totals since it was ready.

    The thread counts in one of its own; whoever asks is given a copy.
    """

    running: int = 0
    waiting: int = 0
    blocks_used: int = 0
    blocks_total: int = 0
    prefix_queries: int = 0  # tokens looked up in the prefix cache
    prefix_hits: int = 0  # tokens found there
    preemptions: int = 0
    prompt_tokens: int = 0  # of sequences that began, found in the prefix cache or computed
    generated_tokens: int = 0
    finished: int = 0
    steps: int = 0
    step_seconds: float = 0.0
