"""The sampler against the distribution that it should draw from, written out plainly."""

from collections import Counter
from math import exp, inf, nan
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from backends.protocol import Sampling
from backends.protocol.errors import APIError, BadRequestError
from backends.torch.sampling.drawing import Drawing, DrawingError, drawing_of
from backends.torch.sampling.greedy import draw_plain, is_plain
from backends.torch.sampling.sampler import Sampler


class OneOf:
    """A matcher that allows a fixed set of tokens."""

    def __init__(self, vocabulary: int, *tokens: int) -> None:
        self.allowed = np.zeros(vocabulary, np.bool_)
        self.allowed[list(tokens)] = True
        self.seen: list[int] = []
        self.finished = False

    def mask(self) -> np.typing.NDArray[np.bool_]:
        return self.allowed

    def consume(self, token: int) -> None:
        self.seen.append(token)


class Broken(OneOf):
    def mask(self) -> np.typing.NDArray[np.bool_]:
        raise APIError("too complex")


def logits(*row: float, rows: int = 1) -> Tensor:
    return torch.tensor([row] * rows)


def noise(rows: int, vocabulary: int, seed: int = 0, scale: float = 2) -> Tensor:
    return torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(seed)) * scale


def share(row: Tensor, drawing: Drawing, draws: int = 8_000) -> dict[int, float]:
    """How often each token comes."""
    sampler = Sampler(row.shape[1])
    counts = Counter(sampler.draw(row, [drawing])[0].token for _ in range(draws))
    return {token: count / draws for token, count in counts.items()}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_temperature_zero_takes_the_likeliest_and_the_lowest_of_equals(dtype: torch.dtype) -> None:
    rows = torch.tensor([[0.0, 3, 1, 3], [5, 0, 5, 1]], dtype=dtype)
    drawn = Sampler(4).draw(rows, [Drawing(0), Drawing(0)])
    assert [one.token for one in drawn] == [1, 0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_what_a_gpu_finds_by_itself_is_what_the_sampler_draws(dtype: torch.dtype) -> None:
    rows = noise(40, 700).to(dtype)
    theirs, ours = ([Drawing(0) for _ in range(40)] for _ in range(2))
    assert all(map(is_plain, theirs))
    assert draw_plain(rows, theirs) == Sampler(700).draw(rows, ours)
    assert [one.counts for one in theirs] == [one.counts for one in ours]
    rows[3, 5], rows[4] = nan, -inf
    with pytest.raises(DrawingError) as caught:
        draw_plain(rows, theirs)
    assert caught.value.reasons.keys() == {3, 4}


@pytest.mark.parametrize(
    "drawing",
    [
        Drawing(1),
        Drawing(0, logprobs=0),
        Drawing(0, logit_bias={1: 1}),
        Drawing(0, matcher=OneOf(9)),
    ],
)
def test_what_needs_the_whole_row_is_not_left_to_the_gpu(drawing: Drawing) -> None:
    assert not is_plain(drawing)


def test_a_batch_is_left_as_it_was() -> None:
    rows = noise(2, 50)
    before = rows.clone()
    drawings = [Drawing(logit_bias={3: 50}), Drawing(0, matcher=OneOf(50, 7))]
    Sampler(50).draw(rows, drawings)
    assert torch.equal(rows, before)


def test_tokens_come_as_often_as_the_softmax_says() -> None:
    found = share(logits(0, 1, 2), Drawing(0.7, random=Random(1)))
    weights = [exp(logit / 0.7) for logit in (0, 1, 2)]
    for token, weight in enumerate(weights):
        assert found[token] == pytest.approx(weight / sum(weights), abs=0.02)


def test_top_p_keeps_the_fewest_tokens_that_hold_it() -> None:
    row = torch.tensor([[0.1, 0.4, 0.2, 0.3]]).log()
    assert share(row, Drawing(top_p=0.65, random=Random(2)), 2_000).keys() == {1, 3}
    assert share(row, Drawing(top_p=0.75, random=Random(2)), 2_000).keys() == {1, 2, 3}
    assert share(row, Drawing(top_p=0.0, random=Random(2)), 500).keys() == {1}


def test_of_equals_at_the_edge_of_top_p_the_lower_ids_stay() -> None:
    assert share(logits(1, 1, 1, 1), Drawing(top_p=0.5, random=Random(3)), 500).keys() == {0, 1}
    assert share(logits(1, 1, 1, 1), Drawing(top_p=1e-6, random=Random(3)), 500).keys() == {0}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    vocabulary=st.sampled_from([1, 2, 255, 256, 257, 1000, 5003]),
    scale=st.sampled_from([0.0, 0.5, 3, 20]),
    temperature=st.sampled_from([1e-4, 0.3, 1, 2]),
    top_p=st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.999, 1]),
)
def test_a_draw_is_the_inverse_of_the_running_sum(
    seed: int, vocabulary: int, scale: float, temperature: float, top_p: float
) -> None:
    row = noise(1, vocabulary, seed, scale)
    token = Sampler(vocabulary).draw(row, [Drawing(temperature, top_p, random=Random(seed))])[0]
    weights = torch.softmax(row[0].double() / temperature, dim=0)
    order = torch.sort(weights, descending=True, stable=True).indices
    before = weights[order].cumsum(0) - weights[order]
    kept = torch.zeros(vocabulary, dtype=torch.float64)
    inside = order[(before < top_p - 1e-6) | (before == 0)]
    kept[inside] = weights[inside]
    sums = kept.cumsum(0) / kept.sum()
    place = Random(seed).random()
    low = float(sums[token.token - 1]) if token.token else 0.0
    assert low - 1e-4 <= place <= float(sums[token.token]) + 1e-4


def test_a_seed_draws_the_same_whatever_the_company() -> None:
    sampler = Sampler(3000)
    steps = [noise(4, 3000, seed) for seed in range(12)]

    def mine() -> Drawing:
        return Drawing(0.9, 0.8, 0.5, 0.5, random=Random("seed"))

    alone, together = mine(), mine()
    company = [Drawing(1.3), Drawing(0, logprobs=3), Drawing(matcher=OneOf(3000, *range(40)))]
    singly = [sampler.draw(rows[2:3], [alone])[0] for rows in steps]
    batched = []
    for rows in steps:
        drawings = [company[0], company[1], together, company[2]]
        batched.append(sampler.draw(rows, drawings)[2])
    assert singly == batched


def test_one_random_number_is_used_for_a_token_and_none_for_a_greedy_one() -> None:
    warm, cold = Drawing(random=Random(5)), Drawing(0, random=Random(5))
    Sampler(100).draw(noise(2, 100), [warm, cold])
    plain = Random(5)
    assert cold.random.random() == plain.random()
    assert warm.random.random() == plain.random()


def test_bias_is_added_and_can_forbid() -> None:
    sampler = Sampler(4)
    row = logits(0, 5, 0, 0)
    assert sampler.draw(row, [Drawing(0, logit_bias={3: 6})])[0].token == 3
    assert share(row, Drawing(logit_bias={1: -100}, random=Random(1)), 500).keys() == {0, 2, 3}


def test_penalties_follow_what_was_generated() -> None:
    drawing = Drawing(0, frequency_penalty=1, presence_penalty=0.5)
    rows = [Sampler(3).draw(logits(3, 2, 0), [drawing])[0].token for _ in range(6)]
    # 3 | 1.5, 2 | 1.5, 0.5, 0 | .5, .5 -> 0 is lower | -.5, .5 | -.5, -.5, 0
    assert rows == [0, 1, 0, 0, 1, 2]
    assert drawing.counts == {0: 3, 1: 2, 2: 1}


def test_a_matcher_bounds_the_tokens_and_is_told_what_came() -> None:
    cold, warm = OneOf(50, 4, 9), OneOf(50, 11)
    drawings = [Drawing(0, matcher=cold), Drawing(matcher=warm)]
    drawn = Sampler(50).draw(noise(2, 50), drawings)
    assert drawn[0].token in {4, 9}
    assert drawn[1].token == 11
    assert cold.seen == [drawn[0].token]
    assert warm.seen == [11]


@pytest.mark.parametrize("bad", [nan, inf])
@pytest.mark.parametrize("temperature", [0, 1])
def test_a_row_that_is_no_distribution_is_named_and_nothing_is_drawn(
    bad: float, temperature: float
) -> None:
    rows = noise(3, 300)
    rows[1, 7] = bad
    drawings = [Drawing(temperature, random=Random(1)) for _ in range(3)]
    with pytest.raises(DrawingError, match="row 1: The model gave no usable prob") as caught:
        Sampler(300).draw(rows, drawings)
    assert caught.value.reasons.keys() == {1}
    assert not any(drawing.counts for drawing in drawings)
    assert drawings[0].random.random() == Random(1).random()


def test_a_row_without_any_token_left_is_named() -> None:
    rows = noise(4, 30)
    rows[0] = -inf
    drawings = [Drawing(0), Drawing(matcher=Broken(30)), Drawing(0, matcher=OneOf(30)), Drawing()]
    with pytest.raises(DrawingError) as caught:
        Sampler(30).draw(rows, drawings)
    reasons = {row: error.message for row, error in caught.value.reasons.items()}
    assert reasons == {
        0: "The model gave no usable probabilities.",
        1: "too complex",
        2: "No token of the model fits the grammar here.",
    }


def test_tokens_the_model_rules_out_never_come() -> None:
    row = noise(1, 600, scale=0)
    row[0, ::2] = -inf
    found = share(row, Drawing(2.0, 0.99, random=Random(3)), 2_000)
    assert all(token % 2 for token in found)


def test_tokens_ruled_out_by_the_lowest_float_never_come() -> None:
    row = noise(1, 600)
    row[0, ::2] = torch.finfo(torch.float32).min  # divided by the temperature it is beyond float32
    found = share(row, Drawing(0.5, random=Random(3)), 500)
    assert all(token % 2 for token in found)


def test_a_temperature_too_small_for_a_float_is_zero() -> None:
    assert Sampler(3).draw(logits(1, 2, 2), [Drawing(1e-300)])[0].token == 1


def test_a_seed_gives_each_choice_its_own_numbers_and_the_same_again() -> None:
    sampling = Sampling(0.5, 0.9, seed=7, presence_penalty=1, logit_bias={2: 3})
    first, again, second = (drawing_of(sampling, 10, choice=choice) for choice in (0, 0, 1))
    numbers = [drawing.random.random() for drawing in (first, again, second)]
    assert numbers[0] == numbers[1] != numbers[2]
    assert (first.temperature, first.top_p, first.presence_penalty) == (0.5, 0.9, 1)


def test_a_bias_for_a_token_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadRequestError, match="token 10 is not in the vocabulary") as caught:
        drawing_of(Sampling(logit_bias={10: 1}), 10)
    assert caught.value.param == "logit_bias"
