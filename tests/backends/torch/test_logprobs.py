"""Logprobs are the model's own, whatever was asked of the draw."""

from collections import Counter
from math import exp, fsum, inf, log, nan

import pytest
import torch

from backends.protocol.errors import APIError
from backends.torch.sampling.drawing import Drawing
from backends.torch.sampling.logprobs import prompt_logprobs
from backends.torch.sampling.sampler import Sampler


def noise(rows: int, vocabulary: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return (torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(1)) * 3).to(dtype)


def log_softmax(rows: torch.Tensor) -> list[list[float]]:
    """The natural logs of the plain distribution of the logits, in float64."""
    logs = []
    for row in rows.double().tolist():
        total = log(fsum(exp(logit - max(row)) for logit in row)) + max(row)
        logs.append([logit - total for logit in row])
    return logs


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_logprobs_are_of_the_plain_distribution_whatever_shapes_the_draw(
    dtype: torch.dtype,
) -> None:
    rows = noise(5, 500, dtype)
    drawings = [
        Drawing(0.3, 0.5, logprobs=5, logit_bias={7: 9}),
        Drawing(0, logprobs=0, presence_penalty=2, counts=Counter([3, 4])),
        Drawing(2.0, logprobs=20),
        Drawing(1.0, logprobs=1, frequency_penalty=2, counts=Counter(range(400))),
        Drawing(0, logprobs=3, logit_bias=dict.fromkeys(range(499), -100)),
    ]
    expected = log_softmax(rows)
    for drawing, plain, drawn in zip(
        drawings, expected, Sampler(500).draw(rows, drawings), strict=True
    ):
        assert drawn.logprob == pytest.approx(plain[drawn.token], abs=1e-5)
        likeliest = sorted(plain, reverse=True)[: drawing.logprobs]
        assert [logprob for _, logprob in drawn.top] == pytest.approx(likeliest, abs=1e-5)
        for token, logprob in drawn.top:
            assert logprob == pytest.approx(plain[token], abs=1e-5)


def test_none_are_told_unless_asked_for() -> None:
    (drawn,) = Sampler(500).draw(noise(1, 500), [Drawing()])
    assert (drawn.logprob, drawn.top) == (None, ())


def test_the_drawn_token_has_the_logprob_that_top_gives_it() -> None:
    for rows in noise(40, 30)[:, None]:
        (drawn,) = Sampler(30).draw(rows, [Drawing(logprobs=10)])
        assert dict(drawn.top).get(drawn.token, drawn.logprob) == drawn.logprob


def test_the_greedy_token_is_the_first_of_top_even_among_equals() -> None:
    rows = torch.zeros(1, 300)
    rows[0, [50, 40, 60]] = 2
    (drawn,) = Sampler(300).draw(rows, [Drawing(0, logprobs=2)])
    assert [token for token, _ in drawn.top] == [40, 50]
    assert drawn.token == 40


def test_a_token_the_model_rules_out_has_a_number_that_json_can_write() -> None:
    (drawn,) = prompt_logprobs(torch.tensor([[1.0, -inf]]), [1], 5)
    assert drawn.logprob == -9999.0
    assert [token for token, _ in drawn.top] == [0, 1]


def test_a_prompt_is_told_token_by_token() -> None:
    rows, tokens = noise(150, 90, torch.bfloat16), [(7 * index) % 90 for index in range(150)]
    expected = torch.log_softmax(rows.float(), dim=-1)
    drawn = prompt_logprobs(rows, tokens, 3)
    assert [one.token for one in drawn] == tokens
    wanted = expected[torch.arange(150), torch.tensor(tokens)].tolist()
    assert [one.logprob for one in drawn] == pytest.approx(wanted, abs=1e-5)
    assert all(len(one.top) == 3 for one in drawn)


def test_a_prompt_without_usable_logits_is_an_error() -> None:
    rows = noise(3, 10)
    rows[2, 4] = nan
    with pytest.raises(APIError, match="no usable probabilities"):
        prompt_logprobs(rows, [1, 2, 3], 0)
