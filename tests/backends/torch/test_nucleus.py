"""A nucleus is exact, and a token does not depend on who else is drawn for."""

from random import Random

import numpy as np
import pytest
import torch

from backends.torch.sampling.drawing import Drawing
from backends.torch.sampling.nucleus import cut
from backends.torch.sampling.sampler import Sampler


def rows_of(count: int, vocabulary: int, scale: float, seed: int = 0) -> torch.Tensor:
    """Logits with a few high ones, and equals, as bfloat16 has them."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, vocabulary, generator=generator) * scale
    rows[:, : vocabulary // 200] += torch.randn(count, 1, generator=generator).abs() * 4
    return rows.bfloat16()


@pytest.mark.parametrize("vocabulary", [1, 7, 300, 4096, 49_152])
@pytest.mark.parametrize("scale", [0.0, 0.3, 2.2, 6])
def test_the_fewest_tokens_are_kept_that_hold_top_p(vocabulary: int, scale: float) -> None:
    for seed in range(4):
        row = rows_of(1, vocabulary, scale, seed)[0].float().numpy()
        weights = np.exp(row - row.max())
        for top_p in (0.0, 0.01, 0.3, 0.6, 0.9, 0.95, 0.999, 0.999999):
            kept = weights.copy()
            cut(kept, float(weights.sum(dtype=np.float64)), top_p)
            exact = weights.astype(np.float64)
            order = np.argsort(-exact, kind="stable")
            inside = np.flatnonzero(kept)
            count = len(inside)
            assert set(order[:count]) == set(inside)
            assert (kept[inside] == weights[inside]).all()
            held = exact[inside].sum() / exact.sum()
            smallest = exact[order[count - 1]] / exact.sum()
            assert held >= top_p - 1e-6
            assert count == 1 or held - smallest <= top_p + 1e-6


def test_where_the_sample_misleads_the_nucleus_is_exact_all_the_same() -> None:
    weights = np.full(49_152, 1e-6, np.float32)
    weights[::16] = 1  # all that the sample sees
    kept = weights.copy()
    cut(kept, float(weights.sum(dtype=np.float64)), 0.5)
    assert np.flatnonzero(kept).tolist() == list(range(0, 49_152, 16))[:1537]


@pytest.mark.parametrize("vocabulary", [40, 1000, 49_152])
def test_a_token_is_the_same_alone_and_in_any_company(vocabulary: int) -> None:
    sampler = Sampler(vocabulary)

    def drawings() -> list[Drawing]:
        choices = Random(1)
        return [
            Drawing(
                choices.choice([0, 0.4, 1, 1.3]),
                choices.choice([0.5, 0.95, 1]),
                presence_penalty=choices.choice([0, 1]),
                logit_bias=choices.choice([{}, {3: 2.5}]),
                logprobs=choices.choice([None, 2]),
                random=Random(index),
            )
            for index in range(19)
        ]

    alone, together, turned = drawings(), drawings(), drawings()
    for step in range(3):
        rows = rows_of(19, vocabulary, 2, step)
        singly = [
            sampler.draw(rows[index : index + 1], [alone[index]])[0] for index in range(len(rows))
        ]
        assert singly == sampler.draw(rows, together)
        assert singly == sampler.draw(rows.flip(0), turned[::-1])[::-1]
