"""Property tests of the blocks: whatever comes and goes, none leaks and none is shared by mistake.

The decoder is the toy whose every token depends on all before it, read through block tables: a
block that two write, or that is given away too early, changes somebody's answer.
"""

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from backends.torch.decoder import Step
from backends.torch.engine.budget import PrefillBudget
from backends.torch.engine.stepping import Stepper
from tests.backends.torch.toy_decoder import ToyDecoder, answer, loaded, make_run

if TYPE_CHECKING:
    from backends.torch.engine.run import Run


class Traffic:
    """Random arrivals and cancellations, and after each step an audit."""

    def __init__(self, seed: int, blocks: int, max_running: int, prefill_tokens: int) -> None:
        self.random = Random(seed)
        self.decoder = ToyDecoder(context_tokens=40)
        self.decoder.before = self.written_once
        budget = PrefillBudget(1.0, prefill_tokens)
        self.stepper = Stepper(loaded(self.decoder, blocks, 4), budget, max_running)
        self.runs: list[Run] = []
        self.outputs: dict[Run, list[int]] = {}
        self.arrived = self.cancelled = self.finished = 0

    def arrive(self) -> None:
        shared = self.random.randrange(4)
        prompt = [shared] * self.random.randrange(1, 20)
        prompt += [self.random.randrange(90) for _ in range(self.random.randrange(5))]
        run = make_run(prompt, self.random.randrange(0, 34))
        self.runs.append(run)
        self.stepper.scheduler.add(run)
        self.arrived += 1

    def cancel(self) -> None:
        if self.runs:
            run = self.runs.pop(self.random.randrange(len(self.runs)))
            run.cancelled = True
            self.stepper.scheduler.drop_cancelled()
            assert not run.blocks
            self.cancelled += 1

    def step(self) -> None:
        for run, progress in self.stepper.step():
            told = self.outputs.setdefault(run, [])
            told += [drawn.token for drawn in progress.drawn]
            if progress.finish:
                self.runs.remove(run)
                self.finished += 1
                room = 40 - len(run.prompt)
                assert self.outputs.pop(run) == answer(run.prompt, min(run.max_tokens, room))
        self.audit()

    def audit(self) -> None:
        scheduler, pool = self.stepper.scheduler, self.stepper.pool
        held = Counter(block for run in scheduler.running for block in run.blocks)
        assert pool.used == len(held)
        assert all(pool.holders(block) == held[block] for block in range(pool.blocks))
        assert len(scheduler.running) + len(scheduler.waiting) == len(self.runs)
        assert all(len(set(run.blocks)) == len(run.blocks) for run in scheduler.running)
        assert not any(run.blocks for run in scheduler.waiting)

    def written_once(self, step: Step) -> None:
        """What a step writes nobody else holds."""
        tables = step.block_tables.tolist()
        for index, table in enumerate(tables):
            tokens = step.starts[index + 1] - step.starts[index]
            first, last = step.lengths[index] - tokens, step.lengths[index] - 1
            for block in table[first // 4 : last // 4 + 1]:
                assert self.stepper.pool.holders(block) == 1

    def drain(self) -> None:
        while self.runs:
            self.step()
        assert self.stepper.pool.used == 0
        assert self.arrived == self.finished + self.cancelled


def test_no_block_leaks_after_ten_thousand_arrivals() -> None:
    traffic = Traffic(seed=5, blocks=24, max_running=8, prefill_tokens=64)
    while traffic.arrived < 10_000:
        for _ in range(traffic.random.randrange(3)):
            traffic.arrive()
        if traffic.random.random() < 0.3:
            traffic.cancel()
        if len(traffic.runs) > 40:
            for _ in range(20):
                traffic.cancel()
        traffic.step()
    traffic.drain()
    assert traffic.stepper.tally.preemptions > 500
    assert traffic.stepper.tally.prefix_hits > 10_000


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    blocks=st.integers(10, 24),
    max_running=st.integers(1, 9),
    prefill_tokens=st.integers(1, 40),
    actions=st.lists(st.sampled_from("aaacsss"), max_size=60),
)
def test_any_order_of_arrivals_cancels_and_steps_gives_every_block_back(
    seed: int, blocks: int, max_running: int, prefill_tokens: int, actions: list[str]
) -> None:
    traffic = Traffic(seed, blocks, max_running, prefill_tokens)
    acts = {"a": traffic.arrive, "c": traffic.cancel, "s": traffic.step}
    for action in actions:
        acts[action]()
    traffic.drain()
