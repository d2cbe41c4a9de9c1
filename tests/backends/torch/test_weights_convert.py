import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from backends.torch.models.rotary import turns
from backends.torch.text.tokenizer import Tokenizer
from backends.torch.weights import convert as converting
from backends.torch.weights.convert import convert
from tests.backends.torch.gguf_files import byte_level, sentencepiece, tiny, write

# Of the weights that transformers 5.23 makes of the same file, dequantised and cast to bf16.
SMOLLM2 = "08587497151051bb64ba4ae8288856623bb8c6cd5dc22bb3bda06ebda07a1bcd"


def converted(
    folder: Path, family: str = "llama", metadata: dict[str, Any] | None = None
) -> tuple[Any, Path]:
    """A random model of transformers, and the folder that its GGUF file became."""
    metadata = metadata or byte_level()
    model = tiny(family, len(metadata["tokens"]))
    made = folder / "made"
    made.mkdir()
    convert(write(folder / "tiny.gguf", family, model, metadata), made)
    return model, made


def test_the_default_models_weights_are_those_of_transformers_to_the_last_bit(
    smollm2: Path,
) -> None:
    state = sha256()
    weights = load_file(smollm2 / "model.safetensors")
    for name in sorted(weights):
        state.update(name.encode())
        state.update(weights[name].view(torch.uint8).numpy().data)
    assert state.hexdigest() == SMOLLM2


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_a_converted_model_is_the_model_it_was(tmp_path: Path, family: str) -> None:
    from transformers import AutoModelForCausalLM  # noqa: PLC0415 - takes a second

    model, folder = converted(tmp_path, family)
    found = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert type(found) is type(model)
    ids = torch.arange(2, 30)[None]
    with torch.inference_mode():
        assert torch.equal(found(ids).logits, model(ids).logits)


def test_the_weights_are_cut_into_files_that_fit_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "SHARD_BYTES", 20_000)
    model, folder = converted(tmp_path)
    files = sorted(file.name for file in folder.glob("*.safetensors"))
    assert len(files) > 2
    assert files[0] == f"model-00001-of-{len(files):05}.safetensors"
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    assert index.keys() == model.state_dict().keys()
    for name, file in index.items():
        assert name in load_file(folder / file)


@pytest.mark.parametrize(
    ("pre", "pieces"),
    [
        ("gpt-2", ["Ġ", "1", "2", "3", "th"]),
        ("smollm", ["Ġ", "1", "2", "3", "th"]),
        ("qwen2", ["Ġ", "1", "2", "3", "th"]),
        ("llama-bpe", ["<|end|>", "Ġ", "1", "2", "3", "th"]),
    ],
)
def test_a_byte_level_tokenizer_is_the_one_it_was(
    tmp_path: Path, pre: str, pieces: list[str]
) -> None:
    _, folder = converted(tmp_path, metadata=byte_level(pre))
    tokenizer = Tokenizer.read(folder)
    assert tokenizer.inner.encode(" 123th").tokens == pieces
    assert tokenizer.stops == {0}
    assert tokenizer.special == {0}
    assert tokenizer.decode(tokenizer.encode("é 漢字\n th")) == "é 漢字\n th"


def test_a_sentencepiece_tokenizer_is_the_one_it_was(tmp_path: Path) -> None:
    _, folder = converted(tmp_path, metadata=sentencepiece())
    tokenizer = Tokenizer.read(folder)
    assert tokenizer.inner.encode("cat é").tokens == [
        *("<s>", "▁cat", "▁", "<0xC3>", "<0xA9>"),
    ]
    assert tokenizer.decode(tokenizer.encode("cat é")) == "cat é"
    assert tokenizer.stops == {2}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pre": "of-tomorrow"}, "splits text as 'of-tomorrow'"),
        ({"model": "unigram"}, "its tokenizer is 'unigram'"),
    ],
)
def test_a_tokenizer_that_is_not_known_is_named(
    tmp_path: Path, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=f"cannot convert tiny.gguf: .*{said}"):
        converted(tmp_path, metadata=byte_level() | wrong)


def test_a_family_that_is_not_known_is_named(tmp_path: Path) -> None:
    model = tiny("llama", 10)
    path = write(tmp_path / "other.gguf", "mamba", model, {})
    with pytest.raises(ValueError, match="its architecture is 'mamba'"):
        convert(path, tmp_path)


def test_a_broken_file_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf", "llama", tiny("llama", 258), byte_level())
    whole = path.read_bytes()
    for content in (b"", b"no GGUF at all", whole[:2000], whole[:-2000]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is no whole GGUF file") as wrong:
            convert(path, tmp_path)
        assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"rope_type": "default"}),
        (
            {"type": "linear", "factor": 4.0},
            {"rope_type": "linear", "factor": 4.0},
        ),
        (
            {"type": "yarn", "factor": 2.0, "original_context_length": 64},
            {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 64},
        ),
    ],
)
def test_rotary_scaling_is_kept(
    tmp_path: Path, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    scaling = {f"llama.rope.scaling.{name}": value for name, value in fields.items()}
    model = tiny("llama", 258)
    path = tmp_path / "tiny.gguf"
    convert(write(path, "llama", model, byte_level(), more=scaling), tmp_path)
    rope = json.loads((tmp_path / "config.json").read_text())["rope_parameters"]
    assert rope.items() >= expected.items()
    assert rope["rope_theta"] == 10_000
    assert load_file(tmp_path / "model.safetensors").keys() == model.state_dict().keys()


def test_llama_3_s_rotary_factors_become_its_scaling_and_any_others_are_refused(
    tmp_path: Path,
) -> None:
    scaling = {
        "rope_theta": 500_000.0,
        "rope_type": "llama3",
        "factor": 32.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    factors = turns(scaling | {"rope_type": "default"}, 8) / turns(scaling, 8)
    model = tiny("llama", 258)
    model.config.rope_parameters["rope_theta"] = 500_000.0
    path = tmp_path / "tiny.gguf"
    convert(write(path, "llama", model, byte_level(), factors=factors.tolist()), tmp_path)
    rope = json.loads((tmp_path / "config.json").read_text())["rope_parameters"]
    assert rope == scaling
    assert load_file(tmp_path / "model.safetensors").keys() == model.state_dict().keys()
    write(path, "llama", model, byte_level(), factors=[1.0, 1.0, 6.0, 32.0])
    with pytest.raises(ValueError, match="rotary factors are not those of Llama 3"):
        convert(path, tmp_path)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"merges": [1, 2]}, "AttributeError"),
        ({"tokens": ["a"]}, "out of vocabulary"),
        ({"bos_token_id": "x"}, "TypeError"),
    ],
)
def test_a_field_of_another_type_is_one_line(
    tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=f"cannot convert tiny.gguf: .*{said}") as error:
        converted(tmp_path, metadata=byte_level() | wrong)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("count", [10**12, 2**64 - 1])
def test_a_count_that_lies_ends_with_the_file(tmp_path: Path, count: int) -> None:
    path = write(tmp_path / "tiny.gguf", "llama", tiny("llama", 258), byte_level())
    content = bytearray(path.read_bytes())
    for name in (b"tokenizer.ggml.token_type", b"tokenizer.ggml.tokens"):
        place = content.index(name) + len(name) + 8  # behind the types of the array and its items
        content[place : place + 8] = count.to_bytes(8, "little")
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is no whole GGUF file"):
            convert(path, tmp_path)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"llama.rope.scaling.type": "longrope"}, "rotary scaling is 'longrope'"),
        ({"llama.rope.dimension_count": 4}, "turns a part of each head"),
        ({"split.count": 3}, "is one of 3 parts"),
    ],
)
def test_what_cannot_be_said_in_a_config_is_refused(
    tmp_path: Path, field: dict[str, Any], said: str
) -> None:
    path = write(tmp_path / "tiny.gguf", "llama", tiny("llama", 258), byte_level(), more=field)
    with pytest.raises(ValueError, match=said):
        convert(path, tmp_path)


def test_a_folder_that_hides_the_reader_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hiding = tmp_path / "gguf"
    hiding.mkdir()
    (hiding / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "gguf"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ValueError, match=r"tiny\.gguf needs `pip install gguf`, and no folder"):
        convert(tmp_path / "tiny.gguf", tmp_path)
