"""With a matrix unit, the kernels' numbers for a sequence are the same to the last bit, whatever
company it has, however its prompt is cut up, and whether the prefix cache is warm or cold.

So what is said at temperature 0, or with a seed, does not turn on who else is asking.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from backends.torch.engine.budget import PrefillBudget
from backends.torch.engine.loaded import Loaded
from backends.torch.engine.run import Progress, Run
from backends.torch.engine.stepping import Stepper
from backends.torch.kernels.ops import FastOps
from backends.torch.models.cache import PagedCache
from backends.torch.models.load import load
from backends.torch.sampling.drawing import Drawing, Drawn
from tests.backends.torch.compiled import kernels_of

PROMPTS = [[1, *range(300 * length, 301 * length)] for length in (3, 31, 32, 63, 64, 96, 150)]
TOKENS = 5


@pytest.fixture(scope="module")
def ops(tmp_path_factory: pytest.TempPathFactory) -> FastOps:
    kernels = kernels_of(tmp_path_factory)
    if not kernels.tiles:
        pytest.skip("without a matrix unit, other sizes of a batch are computed in other ways")
    return FastOps(kernels)


def drawn(stepper: Stepper, prompts: Sequence[Sequence[int]]) -> list[list[Drawn]]:
    """The tokens of each prompt with the logprobs of the five likeliest, all in one batch."""
    told: list[list[Drawn]] = [[] for _ in prompts]

    def run(index: int) -> Run:
        def deliver(_: Progress) -> None: ...

        return Run(prompts[index], TOKENS, Drawing(temperature=0.0, logprobs=5), deliver)

    runs = {run(index): index for index in range(len(prompts))}
    for one in runs:
        stepper.scheduler.add(one)
    while stepper.scheduler.running or stepper.scheduler.waiting:
        for one, progress in stepper.step():
            assert progress.error is None
            told[runs[one]] += progress.drawn
    return told


def test_numbers_do_not_depend_on_company_pieces_or_a_warm_cache(
    ops: FastOps, smollm2: Path
) -> None:
    decoder = load(smollm2, device="cpu", dtype="bfloat16", ops=ops)

    def fresh(prefill_tokens: int = 512) -> Stepper:
        loaded = Loaded(decoder, PagedCache(decoder.shape, 64, 32))
        return Stepper(loaded, PrefillBudget(10.0, prefill_tokens), 8)

    alone = [drawn(fresh(), [prompt])[0] for prompt in PROMPTS]
    together = fresh()
    assert drawn(together, PROMPTS) == alone
    assert drawn(together, PROMPTS) == alone
    assert together.tally.prefix_hits > 0
    assert drawn(fresh(prefill_tokens=17), PROMPTS) == alone
