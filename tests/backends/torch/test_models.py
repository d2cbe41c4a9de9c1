"""The same tokens as `transformers` `generate`: greedy, float32, by our forward and by theirs."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from backends.torch.models.causal_lm import CausalLM
from backends.torch.models.llama import Llama
from backends.torch.models.load import load
from tests.backends.torch.greedy import Greedy

CLASSES: Any = transformers.AutoModelForCausalLM
SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.4,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 1000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
LINEAR = {"rope_type": "linear", "rope_theta": 1000.0, "factor": 2.0}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 1000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 32,
}
FAMILIES: dict[str, tuple[type[transformers.PretrainedConfig], dict[str, Any]]] = {
    "llama": (transformers.LlamaConfig, SIZES),
    "llama tied": (transformers.LlamaConfig, SIZES | {"tie_word_embeddings": True}),
    "llama biased": (transformers.LlamaConfig, SIZES | {"attention_bias": True, "mlp_bias": True}),
    "llama 3 scaling": (transformers.LlamaConfig, SIZES | {"rope_parameters": LLAMA3}),
    "linear scaling": (transformers.LlamaConfig, SIZES | {"rope_parameters": LINEAR}),
    "wide heads": (transformers.LlamaConfig, SIZES | {"head_dim": 16}),
    "mistral": (transformers.MistralConfig, SIZES | {"sliding_window": None}),
    "qwen2": (transformers.Qwen2Config, SIZES),
    "qwen3": (transformers.Qwen3Config, SIZES | {"head_dim": 16, "tie_word_embeddings": True}),
}
FOREIGN: dict[str, tuple[type[transformers.PretrainedConfig], dict[str, Any]]] = {
    "yarn scaling": (transformers.LlamaConfig, SIZES | {"rope_parameters": YARN}),
    "gpt2": (
        transformers.GPT2Config,
        {"vocab_size": 61, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 128}
        | {"initializer_range": 0.4, "eos_token_id": None, "bos_token_id": None},
    ),
    "phi": (transformers.PhiConfig, SIZES),
    "mixtral": (
        transformers.MixtralConfig,
        SIZES | {"num_local_experts": 4, "sliding_window": None},
    ),
    "opt": (
        transformers.OPTConfig,
        {"vocab_size": 61, "hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 3}
        | {"num_attention_heads": 4, "max_position_embeddings": 128, "word_embed_proj_dim": 32}
        | {"init_std": 0.4, "eos_token_id": None, "bos_token_id": None, "pad_token_id": None},
    ),
}
PROMPTS = [[5, 9, 2, 44, 17, 30, 8], [3], list(range(10, 33)), [60, 59, 58, 57]]
NEW_TOKENS = 24


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def saved(folder: Path, family: str) -> Any:
    """A model with random weights, and its folder filled."""
    config_class, settings = (FAMILIES | FOREIGN)[family]
    torch.manual_seed(sum(map(ord, family)))
    model = CLASSES.from_config(config_class(**settings))
    for name, weight in model.named_parameters():
        if name.endswith("bias") or "norm" in name:
            torch.nn.init.normal_(weight, mean=float("norm" in name), std=0.3)
    model.eval().save_pretrained(folder)
    return model


def generated(model: Any, prompt: list[int], new_tokens: int = NEW_TOKENS) -> list[int]:
    """What `generate` says, its end of text ignored."""
    ids = torch.tensor([prompt])
    model.generation_config.update(eos_token_id=None, pad_token_id=0)
    answer = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, do_sample=False
    )
    tokens: list[int] = answer[0, len(prompt) :].tolist()
    return tokens


@pytest.mark.parametrize("family", [*FAMILIES, *FOREIGN])
def test_tokens_are_those_of_generate_alone_together_whole_and_in_pieces(
    family: str, tmp_path: Path
) -> None:
    model = saved(tmp_path, family)
    wanted = [generated(model, prompt) for prompt in PROMPTS]
    assert len({tuple(tokens) for tokens in wanted}) > 1
    decoder = load(tmp_path, device="cpu", dtype="float32")
    assert isinstance(decoder, Llama if family in FAMILIES else CausalLM)
    assert [
        Greedy(decoder, seed=i).run([p], NEW_TOKENS)[0] for i, p in enumerate(PROMPTS)
    ] == wanted
    assert Greedy(decoder).run(PROMPTS, NEW_TOKENS) == wanted
    assert Greedy(decoder).run(PROMPTS, NEW_TOKENS, chunk=3) == wanted
    assert Greedy(decoder, blocks=300, block_tokens=1).run(PROMPTS, NEW_TOKENS, chunk=10) == wanted


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_transformers_own_forward_gives_the_same_for_a_family_that_we_run_ourselves(
    family: str, tmp_path: Path
) -> None:
    model = saved(tmp_path, family)
    wanted = [generated(model, prompt) for prompt in PROMPTS]
    assert Greedy(CausalLM(model)).run(PROMPTS, NEW_TOKENS, chunk=5) == wanted


def test_a_real_model_says_what_generate_says_both_ways(smollm2: Path) -> None:
    model = CLASSES.from_pretrained(smollm2, dtype=torch.float32)
    # "The capital of France is", "Once upon a time, there was a little girl who"
    prompts = [
        [504, 3575, 282, 4649, 314],
        [6403, 2032, 253, 655, 28, 665, 436, 253, 1165, 2919, 617],
    ]
    wanted = [generated(model, prompt, 40) for prompt in prompts]
    ours = load(smollm2, device="cpu", dtype="float32")
    assert Greedy(ours).run(prompts[:1], 40) == wanted[:1]
    assert Greedy(ours, block_tokens=8).run(prompts, 40, chunk=4) == wanted
    assert Greedy(CausalLM(model), block_tokens=8).run(prompts, 40, chunk=4) == wanted
