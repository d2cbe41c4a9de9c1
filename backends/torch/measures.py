"""The engine's numbers as `/metrics` tells them, under vLLM's names, so that its dashboards fit."""

from collections.abc import Sequence

from backends.protocol import Measure
from backends.torch.engine.statistics import Stats


def measures(stats: Stats, model: str) -> Sequence[Measure]:
    """Every number of a snapshot, labelled with the model.

    Source: vLLM, "Production metrics".
    """
    labels = {"model_name": model}
    used = stats.blocks_used / stats.blocks_total if stats.blocks_total else 0.0
    gauges = {
        "num_requests_running": ("Sequences that share a step", stats.running),
        "num_requests_waiting": ("Sequences in the queue", stats.waiting),
        "kv_cache_usage_perc": ("Share of the blocks in use, 1 for all", used),
    }
    counters = {
        "prefix_cache_queries_total": (
            "Tokens looked up in the prefix cache",
            stats.prefix_queries,
        ),
        "prefix_cache_hits_total": ("Tokens found in the prefix cache", stats.prefix_hits),
        "num_preemptions_total": ("Sequences that gave up their blocks", stats.preemptions),
        "prompt_tokens_total": ("Prompt tokens taken in, computed or cached", stats.prompt_tokens),
        "generation_tokens_total": ("Tokens generated", stats.generated_tokens),
        "engine_steps_total": ("Forward passes", stats.steps),
        "engine_step_seconds_total": ("Time in forward passes", stats.step_seconds),
    }
    return [
        *(
            Measure(f"vllm:{name}", text, value, "gauge", labels)
            for name, (text, value) in gauges.items()
        ),
        *(
            Measure(f"vllm:{name}", text, value, "counter", labels)
            for name, (text, value) in counters.items()
        ),
    ]
