"""What a number format costs in quality: the perplexity of each tier on the same text.

Usage: python benchmarks/engine_perplexity.py [--model FOLDER]. The text is this kit's own docs.
"""

import argparse
import asyncio
import math
import sys
from dataclasses import dataclass
from pathlib import Path

from backends.torch.engine.engine import Engine
from backends.torch.local_model import LocalModel
from backends.torch.sampling.drawing import Drawing
from backends.torch.settings import TorchSettings

DOCS = Path(__file__).parent.parent / "docs"
WINDOW_TOKENS = 512


@dataclass(frozen=True)
class Tier:
    """One way to run the model."""

    name: str
    dtype: str
    kernels: bool = False
    quantize: str = "none"


TIERS = (
    Tier("float32", "float32"),
    Tier("bfloat16, portable", "bfloat16"),
    Tier("bfloat16, kernels", "bfloat16", kernels=True),
    Tier("int8, portable", "bfloat16", quantize="int8"),
    Tier("int8, kernels", "bfloat16", kernels=True, quantize="int8"),
)


def text() -> str:
    """All pages that were written by hand, in order."""
    return "\n\n".join(
        path.read_text() for path in sorted(DOCS.glob("*.md")) if path.name != "contract.md"
    )


async def perplexity(tier: Tier, model_path: str | None) -> float:
    """The exponential of the mean negative log-probability of the text's tokens, in windows."""
    settings = TorchSettings(torch_dtype=tier.dtype, torch_kernels=tier.kernels)
    model = LocalModel(model_path, None, "cpu", tier.quantize, settings)
    engine = Engine(model.load)
    await asyncio.to_thread(engine.settle)
    if engine.failed is not None:
        raise engine.failed
    ids = model.tokenizer.encode(text())
    told: list[float] = []
    for start in range(0, len(ids) - 1, WINDOW_TOKENS):
        window = ids[start : start + WINDOW_TOKENS]
        drawing = Drawing(temperature=0, logprobs=0)
        async for progress in engine.generate(window, 0, drawing, prompt_logprobs=True):
            told += [one.logprob for one in progress.prompt if one.logprob is not None]
    engine.close()
    return math.exp(-sum(told) / len(told))


def main() -> None:
    """A line a tier."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a model, as MODEL_PATH; unset, smollm2")
    given = parser.parse_args()
    exact = None
    for tier in TIERS:
        found = asyncio.run(perplexity(tier, given.model))
        exact = exact or found
        sys.stdout.write(f"{tier.name:20} {found:8.3f}  {found / exact:.4f} of float32's\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
