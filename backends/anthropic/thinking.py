"""How hard to think: a budget of tokens for older models, an effort for those that adapt.

Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking, .../effort
"""

from typing import Any

from backends.anthropic.catalogue import Ways
from backends.protocol import GenerationRequest
from backends.protocol.errors import UnsupportedParameter

LEAST_BUDGET = 1024
BUDGETS = {
    "minimal": LEAST_BUDGET,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 32768,
}
LEAST_TOP_P = 0.95


def thinking_of(
    request: GenerationRequest, ways: Ways, default_max_tokens: int, *, mid_turn: bool
) -> dict[str, Any]:
    """The limit of the answer, and what `reasoning_effort` comes to, as members of the body.

    `mid_turn` tells that the model goes on after results of its calls.

    Raises:
        UnsupportedParameter: the model cannot think so; `param` is what stands in the way.
    """
    effort = request.reasoning_effort
    limit = request.max_tokens or default_max_tokens
    if effort is None:
        return {"max_tokens": limit}
    if effort == "none":
        return {"max_tokens": limit, **_not_thinking(ways)}
    _require_plain_sampling(request)
    if ways.adaptive:
        # Left to itself, a newer model does not show its thinking.
        thinking = {"type": "adaptive", "display": "summarized"}
        shown = "low" if effort == "minimal" else effort
        return {"max_tokens": limit, "thinking": thinking, "output_config": {"effort": shown}}
    if not ways.budget:
        raise _unsupported("This model does not think before it answers.")
    if mid_turn:
        raise _unsupported(
            "After the result of a call this model thinks on only where it has its own earlier"
            " thinking, which a chat does not carry: leave 'reasoning_effort' out."
        )
    if request.tool_choice.mode == "required":
        raise UnsupportedParameter(
            "This model cannot be made to call a tool while it thinks.", param="tool_choice"
        )
    budget = BUDGETS[effort]
    if request.max_tokens is None:
        limit = default_max_tokens + budget
    elif limit <= LEAST_BUDGET:
        raise _unsupported(f"Thinking needs a limit of more than {LEAST_BUDGET} tokens.")
    else:
        budget = min(budget, max(LEAST_BUDGET, limit // 2))
    return {"max_tokens": limit, "thinking": {"type": "enabled", "budget_tokens": budget}}


def _not_thinking(ways: Ways) -> dict[str, Any]:
    if ways.disabled is False:
        raise _unsupported("This model always thinks.")
    # To a model that does not think unasked, nothing need be said.
    return {"thinking": {"type": "disabled"}} if ways.adaptive and ways.disabled else {}


def _require_plain_sampling(request: GenerationRequest) -> None:
    if request.sampling.temperature != 1:
        raise UnsupportedParameter("Claude thinks at a temperature of 1 only.", param="temperature")
    if request.sampling.top_p < LEAST_TOP_P:
        raise UnsupportedParameter(
            f"Claude thinks with a 'top_p' of {LEAST_TOP_P} or more.", param="top_p"
        )


def _unsupported(message: str) -> UnsupportedParameter:
    return UnsupportedParameter(message, param="reasoning_effort")
