"""What every engine is asked in a process of its own, by its own Python: the stdlib alone."""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

SEED = 5
WARM_TOKENS = 4
LOWEST_TOKEN, HIGHEST_TOKEN = 1_000, 30_000  # no special tokens among them

Prompt = list[int]
Generate = Callable[[list[Prompt], int], list[list[int]]]
"""So many new tokens for each prompt, all at a time, greedily, whatever ends a text ignored."""


@dataclass(frozen=True)
class Plan:
    """One engine's work: what it loads, and the lengths of what it is asked.

    `started_s` is when its process was started, by the wall clock; `sample` is a prompt in plain
    words, whose continuation is handed back to be compared with the others'.
    """

    model: str
    options: dict[str, str]
    threads: int
    batches: list[int]
    prompt_tokens: int
    new_tokens: int
    prefill_tokens: int
    repeats: int
    sample: Prompt
    sample_tokens: int
    turn: int
    started_s: float

    @property
    def most(self) -> int:
        """The largest batch."""
        return max(self.batches)

    @property
    def longest(self) -> int:
        """Tokens that the longest sequence has, prompt and answer, with room for a block more."""
        return max(self.prefill_tokens + 1, self.prompt_tokens + self.new_tokens) + 64


class Measure:
    """Asks one engine; every prompt is another, so that no prefix cache helps."""

    def __init__(self, plan: Plan, generate: Generate) -> None:
        self._plan, self._generate = plan, generate
        self._random = random.Random(SEED + plan.turn)  # noqa: S311 - the same for every engine
        self._found: dict[str, list[float]] = {}

    def run(self) -> dict[str, list[float]]:
        """Samples by measure, `repeats` of each."""
        plan = self._plan
        self._took([plan.prefill_tokens], 1)
        for batch in plan.batches:
            self._took([plan.prompt_tokens] * batch, WARM_TOKENS)
        for _ in range(plan.repeats):
            for batch in plan.batches:
                self._decode(batch)
            took_s = self._took([plan.prefill_tokens], 1)
            self._add(f"prefill tokens/s of {plan.prefill_tokens:,}", plan.prefill_tokens / took_s)
        return self._found

    def _decode(self, batch: int) -> None:
        """The whole less the same with one new token: what is left is decoding."""
        plan = self._plan
        prompts = [plan.prompt_tokens] * batch
        first_s = self._took(prompts, 1)
        whole_s = self._took(prompts, plan.new_tokens)
        made = batch * (plan.new_tokens - 1)
        self._add(f"decode tokens/s at {batch}", made / (whole_s - first_s))
        self._add(f"tokens/s at {batch}", batch * plan.new_tokens / whole_s)
        if batch == 1:
            self._add("TTFT ms", first_s * 1000)

    def _took(self, lengths: list[int], new_tokens: int) -> float:
        prompts = [self._prompt(length) for length in lengths]
        started_s = time.perf_counter()
        made = self._generate(prompts, new_tokens)
        took_s = time.perf_counter() - started_s
        counts = {len(one) for one in made}
        if counts != {new_tokens} or len(made) != len(prompts):
            raise ValueError(f"made {counts} tokens instead of {new_tokens}")
        return took_s

    def _prompt(self, length: int) -> Prompt:
        return [self._random.randint(LOWEST_TOKEN, HIGHEST_TOKEN) for _ in range(length)]

    def _add(self, measure: str, value: float) -> None:
        self._found.setdefault(measure, []).append(value)


def main(load: Callable[[Plan], Generate]) -> None:
    """One line of JSON on stdout; whatever libraries print goes to stderr.

    Then the process stays until stdin ends, so that its memory can be looked at.
    """
    answer = os.dup(1)
    os.dup2(2, 1)
    plan = Plan(**json.loads(sys.argv[1]))
    generate = load(plan)
    sample = generate([plan.sample], plan.sample_tokens)[0]
    load_s = time.time() - plan.started_s
    found = Measure(plan, generate).run() | {"load s": [load_s]}
    line = json.dumps({"samples": found, "sample": sample}) + "\n"
    os.write(answer, line.encode())
    sys.stdin.read()
    os._exit(0)  # some engines hang when they are taken down
