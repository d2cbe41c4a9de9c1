"""How a step's prompt tokens are divided between the prompts in progress."""

from collections.abc import Sequence

from backends.torch.engine.run import Run

_ROWS = 128  # prompt tokens a step whose logits are wanted, of all prompts: rows are wide


def divide(prompts: Sequence[Run], budget: int, block_tokens: int = 1) -> list[tuple[Run, int]]:
    """How many tokens of each prompt to compute; prompts that get none are left out.

    Half is for the oldest, so that none starves, and half for the shortest, so that a short
    question need not wait for a long document; what is left over is the oldest's. A piece ends at
    a multiple of `block_tokens`, or with its prompt; the oldest gets one whatever the budget.
    """
    if not prompts or not budget:
        return []
    oldest = min(prompts, key=_arrival)
    least = min(oldest.unread, block_tokens - oldest.computed % block_tokens)
    half = budget if len(prompts) == 1 else (budget + 1) // 2
    granted = _whole(oldest, min(_wanted(oldest), max(half, least)), block_tokens)
    left = max(0, budget - granted)
    shares = []
    for run in sorted(prompts, key=_wanted):
        if run is not oldest and left:
            share = _whole(run, min(_wanted(run), left), block_tokens)
            left -= share
            shares.append((run, share))
    return _with_rows([(oldest, min(_wanted(oldest), granted + left)), *shares], block_tokens)


def _with_rows(shares: list[tuple[Run, int]], block_tokens: int) -> list[tuple[Run, int]]:
    """As much of them as has logits for the rows that are to be told, in whole pieces."""
    rows, kept = _ROWS, []
    for run, share in shares:
        whole = _whole(run, min(share, rows) if run.untold else share, block_tokens)
        if run.untold:
            rows -= whole
        if whole:
            kept.append((run, whole))
    return kept


def _whole(run: Run, share: int, block_tokens: int) -> int:
    """As much of a share as ends with a block or with the prompt."""
    return share if share == run.unread else share - (run.computed + share) % block_tokens


def _arrival(run: Run) -> int:
    return run.arrival


def _wanted(run: Run) -> int:
    return min(run.unread, _ROWS) if run.untold else run.unread
