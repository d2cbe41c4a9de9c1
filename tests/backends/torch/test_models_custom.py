"""A decoder written by hand says the same whether its tokens are kept or computed all over."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from backends.torch.decoder import Decoder
from backends.torch.models.load import load
from tests.backends.torch.greedy import Greedy

EXAMPLES = Path(__file__).parents[3] / "examples"
PROMPTS = [b"hello, ", b"x", b"a longer text than the others"]


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Decoder:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return load("tiny_decoder:TinyDecoder", device="cpu", dtype="float32")


class Whole:
    """A cache that keeps nothing: every step has one sequence, whole."""

    step = SimpleNamespace(wanted=torch.tensor([-1]))

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        q, k, v = (x.transpose(0, 1)[None] for x in (query, key, value))
        answer = scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
        return answer[0].transpose(0, 1)


def computed_all_over(decoder: Decoder, prompt: bytes, new_tokens: int) -> list[int]:
    tokens = list(prompt)
    for _ in range(new_tokens):
        places = torch.arange(len(tokens), dtype=torch.int32)
        logits = decoder.forward(torch.tensor(tokens), places, Whole())  # type: ignore[arg-type] # only `wanted` is read
        tokens.append(int(logits[-1].argmax()))
    return tokens[-new_tokens:]


def broken() -> Decoder:
    raise RuntimeError("no\nweights")


def nonsense() -> SimpleNamespace:
    return SimpleNamespace(shape=(1, 2), forward=len)


def falling() -> SimpleNamespace:
    def forward(*_: object) -> Tensor:
        raise KeyError("x")

    return SimpleNamespace(shape=sys.modules["tiny_decoder"].TinyDecoder().shape, forward=forward)


def short() -> SimpleNamespace:
    made = sys.modules["tiny_decoder"].TinyDecoder()
    return SimpleNamespace(shape=made.shape, forward=lambda *_: torch.zeros(0, 256))


def test_a_custom_model_says_the_same_alone_together_whole_and_in_pieces(decoder: Decoder) -> None:
    prompts = [list(prompt) for prompt in PROMPTS]
    wanted = [computed_all_over(decoder, prompt, 30) for prompt in PROMPTS]
    assert len({tuple(tokens) for tokens in wanted}) == len(PROMPTS)
    assert [Greedy(decoder).run([prompt], 30)[0] for prompt in prompts] == wanted
    assert Greedy(decoder).run(prompts, 30) == wanted
    assert Greedy(decoder).run(prompts, 30, chunk=4) == wanted


def test_a_factory_is_told_the_device_and_the_number_format(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert decoder.shape.dtype == torch.float32
    assert load("tiny_decoder:TinyDecoder", device="cpu", dtype="bfloat16").shape.dtype == (
        torch.bfloat16
    )
    monkeypatch.setattr(sys.modules["tiny_decoder"], "make", lambda: decoder, raising=False)
    assert load("tiny_decoder:make") is decoder


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("tiny_decoder", "neither a folder nor module:factory"),
        ("tiny_decoder:Nothing", "cannot be imported"),
        ("no_such_module_at_all:Model", "cannot be imported"),
        ("types:SimpleNamespace", "cannot be imported"),
        ("fractions:Fraction", "made no decoder"),
        ("tiny_decoder:broken", "made no decoder: RuntimeError: no weights"),
        ("tiny_decoder:nonsense", "made no decoder: it has no `shape`"),
        ("tiny_decoder:falling", "cannot be run: KeyError: 'x'"),
        ("tiny_decoder:short", r"cannot be run: it gives logits \[0, 256\], not"),
        ("broken_module:Model", "cannot be imported: ZeroDivisionError"),
        ("leaving_module:Model", "cannot be imported: SystemExit"),
    ],
)
def test_a_factory_that_is_none_is_told_of_in_one_line(
    name: str, complaint: str, decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_module.py").write_text("1 / 0")
    (tmp_path / "leaving_module.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    for factory in (broken, nonsense, falling, short):
        monkeypatch.setattr(sys.modules["tiny_decoder"], factory.__name__, factory, raising=False)
    with pytest.raises(ValueError, match=complaint) as error:
        load(name)
    assert "\n" not in str(error.value)
    assert name in str(error.value)
