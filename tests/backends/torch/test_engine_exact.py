"""On a CPU the numbers for a sequence are the same to the last bit, whatever company it has,
however its prompt is cut up, whether the prefix cache is warm or cold, and after it was sent back.

So what is said at temperature 0, or with a seed, does not turn on who else is asking.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
import transformers

from backends.torch.decoder import Decoder
from backends.torch.engine.budget import PrefillBudget
from backends.torch.engine.loaded import Loaded
from backends.torch.engine.run import Run
from backends.torch.engine.stepping import Stepper
from backends.torch.kernels.ops import FastOps
from backends.torch.models.cache import PagedCache
from backends.torch.models.config import Config
from backends.torch.models.llama import Llama
from backends.torch.models.load import load
from backends.torch.models.tensors import expected
from backends.torch.sampling.drawing import Drawing, Drawn
from backends.torch.tier import ops_of
from tests.backends.torch.compiled import kernels_of

if TYPE_CHECKING:
    from backends.torch.models.ops import Ops

LENGTHS = (3, 31, 32, 63, 64, 96, 150)
VOCABULARY = 2_003
PROMPTS = [[(7 * length + 11 * n) % VOCABULARY for n in range(length)] for length in LENGTHS]
TOKENS = 5
CPU = torch.device("cpu")
TIERS = {  # the number format, QUANTIZE, whether the kernels are allowed, threads
    "portable float32": (torch.float32, "none", False, 1),
    "portable float32 on threads": (torch.float32, "none", False, 2),
    "portable bfloat16": (torch.bfloat16, "none", False, 1),
    "portable int8": (torch.bfloat16, "int8", False, 1),
    "kernels bfloat16": (torch.bfloat16, "none", True, 2),
    "kernels int8": (torch.bfloat16, "int8", True, 2),
}
CONFIG = Config(
    hidden=576,
    intermediate=1536,
    layers=2,
    heads=9,
    kv_heads=3,
    head_size=64,
    vocabulary=VOCABULARY,
    context_tokens=512,
    eps=1e-5,
    rope={"rope_type": "default", "rope_theta": 1e4},
    tied=True,
)


@pytest.fixture(scope="module", params=[*TIERS, "transformers"])
def decoder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Decoder]:
    """Random weights in SmolLM2's widths on each tier; skipped where a processor has no kernels."""
    threads = torch.get_num_threads()
    if request.param == "transformers":
        torch.set_num_threads(1)
        yield by_transformers(tmp_path_factory.mktemp("gpt2"))
    else:
        dtype, quantize, kernels, own_threads = TIERS[request.param]
        int8 = quantize == "int8"
        ops: Ops = (
            FastOps(kernels_of(tmp_path_factory), int8=int8)
            if kernels
            else ops_of(CPU, dtype, quantize, kernels=False)
        )
        torch.set_num_threads(own_threads)
        yield Llama(CONFIG, weights(dtype), ops)
    torch.set_num_threads(threads)


def weights(dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Random ones, of a size at which the logits differ."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: (torch.randn(shape, generator=generator) * shape[-1] ** -0.5).to(dtype)
        if len(shape) > 1
        else torch.ones(shape, dtype=dtype)
        for name, shape in expected(CONFIG).items()
    }


def by_transformers(folder: Path) -> Decoder:
    """A model that our own forward does not run."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_embd=192, n_layer=2, n_head=3, n_positions=512
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return load(folder, device="cpu", dtype="float32")


def fresh(decoder: Decoder, prefill_tokens: int = 512, blocks: int = 64) -> Stepper:
    """An engine whose cache is cold."""
    cache = PagedCache(decoder.shape, blocks, 32)
    budget = PrefillBudget(10.0, prefill_tokens)
    return Stepper(Loaded(decoder, cache, reproducible=True), budget, 8)


def drawn(
    stepper: Stepper, prompts: Sequence[Sequence[int]], tokens: int = TOKENS
) -> list[list[Drawn]]:
    """The tokens of each prompt with the logprobs of the five likeliest, all in one batch."""
    told: list[list[Drawn]] = [[] for _ in prompts]
    runs = {
        Run(prompt, tokens, Drawing(temperature=0.0, logprobs=5), lambda _: None): index
        for index, prompt in enumerate(prompts)
    }
    for one in runs:
        stepper.scheduler.add(one)
    while stepper.scheduler.running or stepper.scheduler.waiting:
        for one, progress in stepper.step():
            assert progress.error is None
            told[runs[one]] += progress.drawn
    return told


def test_numbers_do_not_depend_on_company_pieces_or_a_warm_cache(decoder: Decoder) -> None:
    alone = [drawn(fresh(decoder), [prompt])[0] for prompt in PROMPTS]
    together = fresh(decoder)
    assert drawn(together, PROMPTS) == alone
    assert drawn(together, PROMPTS) == alone
    assert together.tally.prefix_hits > 0
    assert drawn(fresh(decoder, prefill_tokens=17), PROMPTS) == alone


def test_numbers_do_not_depend_on_how_much_of_a_prompt_is_cached(decoder: Decoder) -> None:
    prompt = PROMPTS[-1]
    (cold,) = drawn(fresh(decoder), [prompt])
    for known in (31, 32, 70, 128, 149):
        stepper = fresh(decoder)
        drawn(stepper, [prompt[:known]], tokens=40)
        assert drawn(stepper, [prompt]) == [cold]
        assert stepper.tally.prefix_hits == known // 32 * 32


def test_numbers_do_not_depend_on_an_answer_that_was_given_before(decoder: Decoder) -> None:
    first = fresh(decoder)
    (answer,) = drawn(first, [PROMPTS[1]], tokens=40)
    next_turn = [*PROMPTS[1], *[one.token for one in answer], 5, 6, 7]
    assert drawn(first, [next_turn]) == drawn(fresh(decoder), [next_turn])


def test_numbers_do_not_depend_on_being_sent_back(decoder: Decoder) -> None:
    prompts = [PROMPTS[1], PROMPTS[3]]
    alone = [drawn(fresh(decoder), [prompt], tokens=40)[0] for prompt in prompts]
    scarce = fresh(decoder, blocks=5)
    assert drawn(scarce, prompts, tokens=40) == alone
    assert scarce.tally.preemptions > 0
