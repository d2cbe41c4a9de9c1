"""What cannot work with a paged cache is refused by name at load, and never run wrongly."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from backends.torch.models.causal_lm import CausalLM, unfit
from backends.torch.models.device import device_of, dtype_of
from backends.torch.models.load import load
from backends.torch.models.trial import compare
from tests.backends.torch.test_models import CLASSES, SIZES

WINDOWED = SIZES | {"sliding_window": 16, "use_sliding_window": True, "max_window_layers": 1}
BLOOM: dict[str, Any] = {"vocab_size": 61, "hidden_size": 32, "n_layer": 2, "n_head": 4}
MAMBA: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "state_size": 4,
}
T5: dict[str, Any] = {
    "vocab_size": 61,
    "d_model": 16,
    "d_ff": 16,
    "d_kv": 4,
    "num_heads": 4,
    "num_layers": 1,
}
LONG = {"rope_type": "dynamic", "rope_theta": 1000.0, "factor": 4.0}
GEMMA2 = SIZES | {"head_dim": 8, "sliding_window": 128, "layer_types": ["full_attention"] * 3}


def saved(folder: Path, config: Any, kind: Any = CLASSES) -> Path:
    torch.manual_seed(0)
    kind.from_config(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (transformers.MistralConfig(**SIZES | {"sliding_window": 16}), "sliding window of 16"),
        (transformers.Qwen2Config(**WINDOWED), "layers of type sliding_attention"),
        (transformers.LlamaConfig(**SIZES | {"rope_parameters": LONG}), "rope scaling dynamic"),
        (transformers.Gemma2Config(**GEMMA2), "soft-capped attention"),
        (transformers.BloomConfig(**BLOOM), "0 of its 2 layers attend"),
        (transformers.MambaConfig(**MAMBA), "0 of its 2 layers attend|cannot be run"),
    ],
)
def test_a_model_that_cannot_be_run_is_refused_by_name(
    config: Any, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        load(saved(tmp_path, config), device="cpu", dtype="float32")
    assert str(error.value).startswith(f"{tmp_path}: ")
    assert "\n" not in str(error.value)


def test_an_encoder_and_decoder_is_refused_by_name(tmp_path: Path) -> None:
    saved(tmp_path, transformers.T5Config(**T5), transformers.AutoModelForSeq2SeqLM)
    with pytest.raises(ValueError, match="an encoder and a decoder together cannot be run"):
        load(tmp_path, device="cpu", dtype="float32")


def test_a_model_that_looks_fine_and_answers_otherwise_is_found_out() -> None:
    model = CLASSES.from_config(transformers.PhiConfig(**SIZES))
    decoder = CausalLM(model)
    compare(decoder)
    # As a layer does that mixes tokens outside of attention, by their place in the row.
    model.model.layers[1].mlp.register_forward_hook(lambda _, __, out: out + out.roll(1, 1))
    with pytest.raises(ValueError, match="with a paged cache its logits are not its own"):
        compare(decoder)


def test_a_window_as_wide_as_the_context_is_none() -> None:
    config = transformers.MistralConfig(**SIZES | {"sliding_window": 128})
    assert unfit(config) is None


def test_weights_that_lack_a_tensor_are_refused_for_transformers_too(tmp_path: Path) -> None:
    saved(tmp_path, transformers.PhiConfig(**SIZES))
    config = transformers.PhiConfig(**SIZES | {"num_hidden_layers": 4})
    config.architectures = ["PhiForCausalLM"]
    config.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"model\.layers\.3\.\S+ is in none of its files"):
        load(tmp_path, device="cpu", dtype="float32")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"hidden_size": "wide"}, "Field 'hidden_size' expected int, got str"),
        (
            {"intermediate_size": 64},
            r"model\.layers\.\d\.mlp\S+ is .*48.*, and by config.json .*64",
        ),
        ({"model_type": "new", "auto_map": {"AutoConfig": "evil.New"}}, "code of its own"),
        ({"architectures": ["New"], "model_type": "new"}, "`new`"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantised .bitsandbytes."),
    ],
)
def test_what_transformers_says_of_a_folder_is_one_line(
    changes: dict[str, Any], complaint: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    saved(tmp_path, transformers.PhiConfig(**SIZES))
    content = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(content | changes))
    capfd.readouterr()
    with pytest.raises(ValueError, match=complaint) as error:
        load(tmp_path, device="cpu", dtype="float32")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(tmp_path))
    assert capfd.readouterr().err == ""


def test_auto_is_made_plain_and_a_wrong_name_refused() -> None:
    cpu = torch.device("cpu")
    assert device_of("cpu") == cpu
    assert device_of("auto").type in {"cpu", "cuda", "mps"}
    assert dtype_of("auto", cpu) in {torch.bfloat16, torch.float32}
    assert dtype_of("float16", cpu) == torch.float16
    for wrong in ("warp", "meta", "cpu:3", "cuda:99"):
        with pytest.raises(ValueError, match=f"device '{wrong}' is not"):
            device_of(wrong)
    with pytest.raises(ValueError, match="dtype 'int4' is not known"):
        dtype_of("int4", cpu)
