"""A real model in the engine: the same tokens whatever happens to a sequence on its way."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from backends.torch.decoder import Decoder
from backends.torch.engine.budget import PrefillBudget
from backends.torch.engine.loaded import Loaded
from backends.torch.engine.stepping import Stepper
from backends.torch.models.cache import PagedCache
from backends.torch.models.load import load
from backends.torch.sampling.drawing import Drawn
from tests.backends.torch.toy_decoder import make_run

PROMPTS = [[1, *range(300 * length, 301 * length)] for length in (3, 11, 20, 29)]
TOKENS = 10


@pytest.fixture(scope="module")
def decoder(smollm2: Path) -> Iterator[Decoder]:
    """SmolLM2 in float32, whose greedy tokens do not depend on the last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load(smollm2, device="cpu", dtype="float32")
    torch.set_num_threads(threads)


def stepper(decoder: Decoder, blocks: int = 64, prefill_tokens: int = 512) -> Stepper:
    cache = PagedCache(decoder.shape, blocks, 8)
    return Stepper(Loaded(decoder, cache), PrefillBudget(10.0, prefill_tokens), 8)


def answers(stepper: Stepper, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    runs = [make_run(prompt, TOKENS) for prompt in prompts]
    for run in runs:
        stepper.scheduler.add(run)
    while stepper.scheduler.running or stepper.scheduler.waiting:
        assert all(progress.error is None for _, progress in stepper.step())
    assert stepper.pool.used == 0
    return [run.output for run in runs]


def test_batch_pieces_warm_prefixes_and_preemption_leave_a_real_models_tokens_alone(
    decoder: Decoder,
) -> None:
    alone = [answers(stepper(decoder), [prompt])[0] for prompt in PROMPTS]
    whole = stepper(decoder)
    assert answers(whole, PROMPTS) == alone
    assert answers(whole, PROMPTS) == alone
    assert whole.tally.prefix_hits >= 8 + 16 + 24
    assert answers(stepper(decoder, prefill_tokens=7), PROMPTS) == alone
    scarce = stepper(decoder, blocks=8)
    assert answers(scarce, PROMPTS) == alone
    assert scarce.tally.preemptions > 0


@pytest.mark.parametrize("tokens", [1, 6])
def test_prompt_logprobs_are_those_of_transformers_and_change_no_token(
    decoder: Decoder, smollm2: Path, tokens: int
) -> None:
    from transformers import AutoModelForCausalLM  # noqa: PLC0415 - takes a second

    known = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32)
    runs = [make_run(prompt, tokens, prompt_logprobs=True) for prompt in PROMPTS]
    engine = stepper(decoder)
    for run in runs:
        run.told.append(Drawn(run.prompt[0]))  # as `Engine.submit` does
        engine.scheduler.add(run)
    while engine.scheduler.running or engine.scheduler.waiting:
        assert all(progress.error is None for _, progress in engine.step())
    plain = answers(stepper(decoder), PROMPTS)
    for run, said in zip(runs, plain, strict=True):
        assert run.output == said[:tokens]
        with torch.inference_mode():
            rows = known(torch.tensor([run.prompt])).logits[0].log_softmax(-1)
        expected = [float(rows[at, token]) for at, token in enumerate(run.prompt[1:])]
        assert [one.logprob for one in run.told[1:]] == pytest.approx(expected, abs=1e-3)
