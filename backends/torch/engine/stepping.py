"""A step from plan to progress: forward, draw, note. No thread and no clock but the stopwatch."""

import logging
from dataclasses import replace
from time import perf_counter
from typing import Literal

import torch
from torch import Tensor

from backends.protocol.errors import APIError
from backends.torch.engine.blocks import BlockPool
from backends.torch.engine.budget import PrefillBudget
from backends.torch.engine.loaded import Loaded
from backends.torch.engine.run import Progress, Run
from backends.torch.engine.scheduler import Plan, Scheduler
from backends.torch.engine.statistics import Stats
from backends.torch.engine.steps import StepMaker
from backends.torch.sampling.drawing import Drawing, DrawingError, Drawn
from backends.torch.sampling.logprobs import prompt_logprobs
from backends.torch.sampling.sampler import Sampler

Outcome = tuple[Run, Drawn | APIError]

_log = logging.getLogger(__name__)


class Stepper:
    """Drives what `load` made, a step at a time: on one thread, in `torch.inference_mode`."""

    def __init__(self, loaded: Loaded, budget: PrefillBudget, max_running: int) -> None:
        shape, cache = loaded.decoder.shape, loaded.cache
        self.window_tokens = min(shape.context_tokens, cache.blocks * cache.block_tokens)
        self.tally = Stats()
        self.pool = BlockPool(cache.blocks, cache.block_tokens)
        self.scheduler = Scheduler(
            self.pool, max_running, self.tally, reproducible=loaded.reproducible
        )
        self._loaded = loaded
        self._sampler = Sampler(shape.vocabulary)
        self._budget = budget
        self._maker = StepMaker(max_running, self.window_tokens, cache.block_tokens, shape.device)

    def step(self) -> list[tuple[Run, Progress]]:
        """Carry out the next step: what it brought each sequence that it brought something.

        A step that raises fails its sequences, and nobody else.
        """
        plan = self.scheduler.plan(self._budget.tokens)
        if not plan.decoding and not plan.pieces:
            return []
        started_s = perf_counter()
        try:
            drawn = self._compute(plan)
        except Exception as error:  # noqa: BLE001 - whatever a model raises, the engine goes on
            return self._fail(plan, error)
        for run in plan.decoding:
            self.scheduler.computed(run, 1)
        for run, share in plan.pieces:
            self.scheduler.computed(run, share)
        progress = [(run, self._accept(run, token)) for run, token in drawn]
        self._count(plan, progress, perf_counter() - started_s)
        return progress

    @torch.inference_mode()
    def warm(self, prompt_tokens: int = 64) -> None:
        """Make what is made at first use, by a short sequence; a decoder that raises is told."""
        prompt = [0] * max(1, min(prompt_tokens, self.window_tokens - 2))
        drawing = Drawing(temperature=0.0)
        self.scheduler.add(Run(prompt, max_tokens=2, drawing=drawing, deliver=lambda _: None))
        while self.scheduler.running or self.scheduler.waiting:
            for _, progress in self.step():
                if progress.error:
                    raise progress.error.__cause__ or progress.error

    def stats(self) -> Stats:
        """Where the engine stands."""
        return replace(
            self.tally,
            running=len(self.scheduler.running),
            waiting=len(self.scheduler.waiting),
            blocks_used=self.pool.used,
            blocks_total=self.pool.blocks,
        )

    def _compute(self, plan: Plan) -> list[Outcome]:
        """What was drawn for whom; prompt logprobs go to their sequences."""
        step, rows = self._maker.make(plan)
        cache = self._loaded.cache.at(step)
        logits = self._loaded.decoder.forward(step.token_ids, step.positions, cache)  # [L, V]
        row = len(rows.drawing)
        outcomes = self._draw(logits[:row], rows.drawing)
        untellable: dict[Run, APIError] = {}
        for run, count in rows.telling:
            tokens = run.prompt[len(run.told) : len(run.told) + count]
            alternatives = run.drawing.logprobs or 0
            try:
                run.told += prompt_logprobs(logits[row : row + count], tokens, alternatives)
            except APIError as error:
                untellable[run] = error
            row += count
        drawn = [outcome for outcome in outcomes if outcome[0] not in untellable]
        return [*drawn, *untellable.items()]

    def _draw(self, logits: Tensor, runs: list[Run]) -> list[Outcome]:
        """A token for each, from `logits` [L, V]; one with none to draw holds up no other."""
        if not runs:
            return []
        try:
            drawn = self._sampler.draw(logits, [run.drawing for run in runs])
        except DrawingError as error:
            failed = [(runs[index], reason) for index, reason in error.reasons.items()]
            rest = [index for index in range(len(runs)) if index not in error.reasons]
            return [*failed, *self._draw(logits[rest], [runs[index] for index in rest])]
        return list(zip(runs, drawn, strict=True))

    def _accept(self, run: Run, drawn: Drawn | APIError) -> Progress:
        """Add a token to its sequence, which may be its last."""
        if isinstance(drawn, APIError):
            self.scheduler.fail(run)
            return Progress(error=drawn)
        finish: Literal["stop", "length"] | None = None
        shown = [drawn]
        if not run.max_tokens:
            shown, finish = [], "length"
        elif drawn.token in run.stops:
            shown, finish = [], "stop"
        else:
            run.output.append(drawn.token)
            matcher = run.drawing.matcher
            if matcher is not None and matcher.finished:
                finish = "stop"
            elif len(run.output) >= run.max_tokens or run.length >= self.window_tokens:
                finish = "length"
        if finish:
            self.scheduler.end(run)
            self.tally.finished += 1
        if run.begun:
            return Progress(shown, finish)
        run.begun = True
        return Progress(shown, finish, run.cached_tokens, run.told)

    def _fail(self, plan: Plan, error: Exception) -> list[tuple[Run, Progress]]:
        """End the sequences of a step that raised."""
        _log.error("a step of %d sequences failed", len(plan.runs), exc_info=error)
        for run in plan.runs:
            self.scheduler.fail(run)
        return [(run, Progress(error=_told(error))) for run in plan.runs]

    def _count(self, plan: Plan, progress: list[tuple[Run, Progress]], step_s: float) -> None:
        prompt_tokens = sum(share for _, share in plan.pieces)
        self._budget.learn(len(plan.decoding), prompt_tokens, step_s)
        self.tally.steps += 1
        self.tally.step_seconds += step_s
        self.tally.generated_tokens += sum(len(one.drawn) for _, one in progress)


def _told(error: Exception) -> APIError:
    """What a client may hear of it."""
    told = APIError("The model failed at this answer.")
    told.__cause__ = error
    return told
