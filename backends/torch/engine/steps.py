"""From a plan to the tensors of a step; the shape legend is in `backends/torch/decoder.py`."""

from dataclasses import dataclass

import numpy as np
import torch

from backends.torch.decoder import Step
from backends.torch.engine.run import Run
from backends.torch.engine.scheduler import Plan


@dataclass(slots=True)
class Rows:
    """Whose the rows of a step's logits are.

    First one for each of `drawing`, from which its next token is drawn; then, for each of
    `telling`, so many rows of its prompt.
    """

    drawing: list[Run]
    telling: list[tuple[Run, int]]


class StepMaker:
    """Lays steps out. Block tables are kept from step to step: a row grows by a block at a time."""

    def __init__(
        self, slots: int, window_tokens: int, block_tokens: int, device: torch.device
    ) -> None:
        self._tables = np.zeros((slots, -(-window_tokens // block_tokens)), np.int32)
        self._block_tokens = block_tokens
        self._device = None if device.type == "cpu" else device

    def make(self, plan: Plan) -> tuple[Step, Rows]:
        """The step, and whose the rows of its logits are."""
        tokens: list[int] = []
        positions: list[int] = []
        for run in plan.decoding:
            tokens.append(run.token(run.computed))
            positions.append(run.computed)
        lengths = [position + 1 for position in positions]
        starts = list(range(len(tokens) + 1))
        for run, share in plan.pieces:
            tokens += run.tokens(run.computed, run.computed + share)
            positions += range(run.computed, run.computed + share)
            starts.append(len(tokens))
            lengths.append(run.computed + share)
        wanted, rows = self._wanted(plan, starts)
        step = Step(
            token_ids=self._tensor(np.array(tokens, np.int64)),
            positions=self._tensor(np.array(positions, np.int32)),
            block_tables=self._block_tables(plan.runs, max(lengths)),
            wanted=self._tensor(np.array(wanted, np.int64)),
            starts=starts,
            lengths=lengths,
            decoding=len(plan.decoding),
        )
        return step, rows

    def _wanted(self, plan: Plan, starts: list[int]) -> tuple[list[int], Rows]:
        """The last token of each that can be drawn for; the prompt rows that are still to tell."""
        rows = Rows([], [])
        wanted: list[int] = []
        told: list[int] = []
        shares = [*[(run, 1) for run in plan.decoding], *plan.pieces]
        for index, (run, share) in enumerate(shares):
            if share == run.pending:
                rows.drawing.append(run)
                wanted.append(starts[index + 1] - 1)
            if run.untold:
                # The row of a token tells of the next; the prompt's last tells of none.
                last = min(run.computed + share, len(run.prompt) - 1)
                first = max(run.computed, len(run.told) - 1)
                if last > first:
                    rows.telling.append((run, last - first))
                    shift = starts[index] - run.computed
                    told += range(first + shift, last + shift)
        if not wanted and not told:
            wanted.append(starts[-1] - 1)  # no decoder has to know a step without logits
        return wanted + told, rows

    def _block_tables(self, runs: list[Run], longest: int) -> torch.Tensor:
        """[B, blocks of the longest], padded with 0."""
        for run in runs:
            if run.tabled < len(run.blocks):
                row = self._tables[run.slot]
                if not run.tabled:
                    row.fill(0)
                row[run.tabled : len(run.blocks)] = run.blocks[run.tabled :]
                run.tabled = len(run.blocks)
        width = -(-longest // self._block_tokens)
        return self._tensor(self._tables[:, :width].take([run.slot for run in runs], axis=0))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        return tensor if self._device is None else tensor.to(self._device)
