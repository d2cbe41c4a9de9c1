"""For each property of a chat request a value that asks for something."""

from typing import Any

Json = dict[str, Any]
TIME: Json = {"type": "function", "function": {"name": "time"}}
FORCED = {"type": "function", "function": {"name": "time"}}
SCHEMA = {"name": "a", "schema": {"type": "object"}}

# The value, and what the property needs beside it.
SAMPLES: dict[str, tuple[Any, Json]] = {
    "audio": ({"voice": "alloy", "format": "wav"}, {}),
    "cache_control": ({"type": "ephemeral"}, {}),
    "frequency_penalty": (0.5, {}),
    "function_call": ({"name": "time"}, {"functions": [TIME["function"]]}),
    "functions": ([TIME["function"]], {}),
    "logit_bias": ({"5": 1}, {}),
    "logprobs": (True, {}),
    "max_completion_tokens": (7, {}),
    "max_tokens": (7, {}),
    "messages": ([{"role": "user", "content": "Other"}], {}),
    "metadata": ({"a": "b"}, {}),
    "modalities": (["text", "audio"], {}),
    "model": ("claude-plain", {}),
    "moderation": ({"model": "omni-moderation-latest"}, {}),
    "n": (2, {}),
    "parallel_tool_calls": (False, {"tools": [TIME]}),
    "prediction": ({"type": "content", "content": "a"}, {}),
    "presence_penalty": (0.5, {}),
    "prompt_cache_key": ("a", {}),
    "prompt_cache_options": ({"ttl": "30m", "mode": "explicit"}, {}),
    "prompt_cache_retention": ("24h", {}),
    "reasoning_effort": ("low", {}),
    "response_format": ({"type": "json_schema", "json_schema": SCHEMA}, {}),
    "safety_identifier": ("somebody", {}),
    "seed": (1, {}),
    "service_tier": ("default", {}),
    "stop": (["a"], {}),
    "store": (True, {}),
    "stream": (True, {}),
    "stream_options": ({"include_usage": True}, {"stream": True}),
    "temperature": (0.5, {}),
    "tool_choice": (FORCED, {"tools": [TIME]}),
    "tools": ([TIME], {}),
    "top_logprobs": (2, {"logprobs": True}),
    "top_p": (0.5, {}),
    "user": ("somebody", {}),
    "verbosity": ("low", {}),
    "web_search_options": ({}, {}),
}
