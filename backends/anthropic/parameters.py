"""What becomes of every property of a chat request on its way to Claude: exactly one of three.

docs/anthropic.md says the same to users. A test finds each property of the wire model in one of
these sets, and sees what it comes to.
"""

# The adapter asks these of every backend, or carries them out by itself.
ALWAYS = frozenset({"messages", "model", "n", "stop", "stream", "stream_options"})

CARRIED = frozenset(
    {"cache_control", "max_completion_tokens", "max_tokens", "reasoning_effort"}
    | {"response_format", "safety_identifier", "service_tier", "temperature", "top_p", "user"}
    | {"function_call", "functions", "parallel_tool_calls", "tool_choice", "tools"}
)
TRANSLATED = ALWAYS | CARRIED

# They label a request for OpenAI's own store and cache, or speed it up; no answer would differ.
IGNORED = frozenset(
    {"metadata", "prediction", "prompt_cache_key", "prompt_cache_options"}
    | {"prompt_cache_retention", "store"}
)

# A 400 names them, unless their value asks for nothing.
REFUSED = frozenset(
    {"audio", "frequency_penalty", "logit_bias", "logprobs", "modalities", "moderation"}
    | {"presence_penalty", "seed", "top_logprobs", "verbosity", "web_search_options"}
)

PARTS = frozenset({"file", "image_url"})
