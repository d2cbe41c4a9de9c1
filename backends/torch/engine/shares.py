"""How a step's prompt tokens are divided between the prompts in progress."""

from collections.abc import Sequence

from backends.torch.engine.run import Run

_ROWS = 128  # prompt tokens a step whose logits are wanted, of all prompts: rows are wide


def divide(prompts: Sequence[Run], budget: int) -> list[tuple[Run, int]]:
    """How many tokens of each prompt to compute; prompts that get none are left out.

    Half is for the oldest, so that none starves, and half for the shortest, so that a short
    question need not wait for a long document; what is left over is the oldest's.
    """
    if not prompts or not budget:
        return []
    oldest = min(prompts, key=_arrival)
    granted = min(_wanted(oldest), budget if len(prompts) == 1 else (budget + 1) // 2)
    left = budget - granted
    shares = []
    for run in sorted(prompts, key=_wanted):
        if run is not oldest and left:
            share = min(_wanted(run), left)
            left -= share
            shares.append((run, share))
    return _with_rows([(oldest, min(_wanted(oldest), granted + left)), *shares])


def _with_rows(shares: list[tuple[Run, int]]) -> list[tuple[Run, int]]:
    """As much of them as has logits for the rows that are to be told."""
    rows, kept = _ROWS, []
    for run, share in shares:
        if run.untold:
            share = min(share, rows)  # noqa: PLW2901 - what is left for it
            rows -= share
        if share:
            kept.append((run, share))
    return kept


def _arrival(run: Run) -> int:
    return run.arrival


def _wanted(run: Run) -> int:
    return min(run.pending, _ROWS) if run.untold else run.pending
