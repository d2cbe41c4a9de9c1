"""Every check, one file a subject."""

from importlib import import_module

from contract_tests.check import Check

# The order in which reports show them.
GROUPS = (
    "models",
    "errors",
    "refusals",
    "unknown_model",
    "overflow",
    "validation",
    "ranges",
    "error_param",
    "extras",
    "nulls",
    "auth",
    "chat",
    "chat_message",
    "messages",
    "tool_messages",
    "unicode",
    "usage",
    "params",
    "stored",
    "stream",
    "stream_choices",
    "stream_text",
    "stream_usage",
    "sse",
    "http",
    "http_connection",
    "http_stream",
    "http_backoff",
    "cors",
    "load",
    "load_limits",
    "schema",
    "openapi",
    "fuzz",
    "stop",
    "limits",
    "limits_tools",
    "choices",
    "sampling",
    "logit_bias",
    "completions",
    "completions_prompts",
    "completions_options",
    "completions_logprobs",
    "completions_stream",
    "tokenize",
    "embeddings",
    "embeddings_vectors",
    "embeddings_input",
    "moderations",
    "multimodal",
    "multimodal_refusals",
    "logprobs",
    "logprob_values",
    "logprobs_stream",
    "tools",
    "tools_declared",
    "tools_choice",
    "tools_schema",
    "tools_stream",
    "tools_replay",
    "tools_legacy",
    "structured",
    "structured_schemas",
)


def checks_of(group: str) -> tuple[Check, ...]:
    """The checks of one file, in the order in which they stand there."""
    module = import_module(f"contract_tests.checks.{group}")
    return tuple(one for one in vars(module).values() if isinstance(one, Check))


def every_check() -> tuple[Check, ...]:
    """The checks of all files."""
    return tuple(check for group in GROUPS for check in checks_of(group))
