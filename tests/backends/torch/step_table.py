"""A stepper under the toy, a step at a time."""

from collections import defaultdict
from collections.abc import Sequence

from backends.torch.decoder import Step
from backends.torch.engine.budget import PrefillBudget
from backends.torch.engine.run import Progress, Run
from backends.torch.engine.stepping import Stepper
from backends.torch.sampling.drawing import Drawing, Drawn
from tests.backends.torch.toy_decoder import ToyDecoder, greedy, loaded


class Table:
    """A stepper, what it told each sequence, and the steps it took."""

    def __init__(
        self, blocks: int = 64, max_running: int = 8, prefill_tokens: int = 512, stall_s: float = 1
    ) -> None:
        self.decoder = ToyDecoder()
        budget = PrefillBudget(stall_s, prefill_tokens)
        for decoding in range(1, 9):
            budget.learn(decoding, 0, 1e-6)
        self.stepper = Stepper(loaded(self.decoder, blocks), budget, max_running)
        self.scheduler = self.stepper.scheduler
        self.told: dict[Run, list[Progress]] = defaultdict(list)

    @property
    def steps(self) -> list[Step]:
        return self.decoder.steps

    def add(
        self,
        prompt: Sequence[int],
        max_tokens: int = 5,
        drawing: Drawing | None = None,
        *,
        prompt_logprobs: bool = False,
    ) -> Run:
        run = Run(
            prompt,
            max_tokens,
            drawing or greedy(),
            lambda _: None,
            prompt_logprobs=prompt_logprobs,
        )
        if prompt_logprobs:
            run.told.append(Drawn(prompt[0]))
        self.scheduler.add(run)
        return run

    def step(self) -> None:
        for run, progress in self.stepper.step():
            self.told[run].append(progress)

    def finish(self) -> None:
        while self.scheduler.running or self.scheduler.waiting:
            self.step()
        assert self.stepper.pool.used == 0

    def tokens(self, run: Run) -> list[int]:
        return [drawn.token for progress in self.told[run] for drawn in progress.drawn]
