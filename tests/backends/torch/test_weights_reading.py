"""A folder is checked from its headers: what is wrong is one line that names the file."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from backends.torch.models import memory
from backends.torch.models.config import Config, read_config
from backends.torch.models.llama import Llama
from backends.torch.models.load import load
from backends.torch.models.portable import PortableOps
from backends.torch.models.tensors import expected
from backends.torch.models.weights import INDEX, SINGLE, Checkpoint, check

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 20,
    "max_position_embeddings": 64,
    "rope_theta": 500.0,
}


def write(folder: Path, **changes: Any) -> None:
    settings = {key: value for key, value in (CONFIG | changes).items() if value is not None}
    (folder / "config.json").write_text(json.dumps(settings))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole model."""
    write(tmp_path)
    config = read_config(tmp_path)
    assert isinstance(config, Config)
    tensors = {name: torch.randn(shape) for name, shape in expected(config).items()}
    save_file(tensors, tmp_path / SINGLE)
    return tmp_path


def change(folder: Path, changes: dict[str, torch.Tensor | None]) -> None:
    tensors = load_file(folder / SINGLE) | changes
    save_file({name: t for name, t in tensors.items() if t is not None}, folder / SINGLE)


def refused(folder: Path) -> str:
    with pytest.raises(ValueError, match=r".") as error:
        check(folder)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_a_whole_folder_is_fine_and_its_tensors_come_with_progress(folder: Path) -> None:
    change(folder, {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(2)})
    config = check(folder)
    assert isinstance(config, Config)
    told: list[tuple[int, int]] = []
    with Checkpoint(
        folder, dtype=torch.bfloat16, progress=lambda done, total: told.append((done, total))
    ) as checkpoint:
        decoder = Llama(config, checkpoint, PortableOps())
        assert checkpoint["model.norm.weight"].dtype == torch.bfloat16
    assert decoder.shape.dtype == torch.bfloat16
    assert decoder.shape.bytes_per_token == 2 * 2 * 2 * 4 * 2
    assert len(told) == len(expected(config)) + 1
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {
        sum(t.nbytes for t in load_file(folder / SINGLE).values())
    }


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone") == f"{tmp_path}/gone/config.json: no such file"
    write(tmp_path)
    assert refused(tmp_path) == f"{tmp_path}: holds neither {SINGLE} nor {INDEX}"


def test_a_folder_in_the_place_of_a_file_is_named(folder: Path) -> None:
    for name in (SINGLE, "config.json"):
        (folder / name).unlink()
        (folder / name).mkdir()
        assert refused(folder) == f"{folder / name}: cannot be read: Is a directory"


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_a_file_that_is_cut_off_is_named(folder: Path, length: int) -> None:
    content = (folder / SINGLE).read_bytes()
    (folder / SINGLE).write_bytes(content[:length])
    assert refused(folder).startswith(f"{folder / SINGLE}: is truncated or corrupt: ")


def test_a_file_of_something_else_is_named(folder: Path) -> None:
    (folder / SINGLE).write_text("<html>Not found</html>" * 100)
    assert refused(folder).startswith(f"{folder / SINGLE}: is truncated or corrupt: ")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model.norm.weight": None}, "model.norm.weight is in none of its files"),
        (
            {"model.layers.1.mlp.up_proj.weight": torch.ones(23, 16)},
            "model.layers.1.mlp.up_proj.weight is 23 x 16, and by config.json 24 x 16",
        ),
        (
            {"model.layers.2.mlp.up_proj.weight": torch.ones(24, 16)},
            "model.layers.2.mlp.up_proj.weight has no place in config.json's model",
        ),
        (
            {"model.norm.weight": torch.ones(16, dtype=torch.int8)},
            "model.norm.weight is I8; BF16, F16, F32, F64 can be read",
        ),
    ],
)
def test_tensors_that_are_not_the_configs_are_named(
    folder: Path, changes: dict[str, torch.Tensor | None], complaint: str
) -> None:
    change(folder, changes)
    assert complaint in refused(folder)
    assert refused(folder).startswith(str(folder))


def test_shards_are_read_by_their_index(folder: Path) -> None:
    tensors = load_file(folder / SINGLE)
    names = sorted(tensors)
    halves = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in halves.items():
        save_file({name: tensors[name] for name in part}, folder / file)
    (folder / SINGLE).unlink()
    weight_map = {name: file for file, part in halves.items() for name in part}
    (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}))
    assert isinstance(check(folder), Config)
    with Checkpoint(folder) as checkpoint:
        assert torch.equal(checkpoint[names[0]], tensors[names[0]])
        assert checkpoint.path(names[1]) == folder / "b.safetensors"
    (folder / "a.safetensors").rename(folder / "c.safetensors")
    assert refused(folder) == f"{folder}/a.safetensors: no such file"
    save_file({names[0]: tensors[names[0]]}, folder / "a.safetensors")
    assert f"a.safetensors: lacks {names[2]}, which {INDEX} says" in refused(folder)
    (folder / INDEX).write_text(json.dumps({"weight_map": {names[0]: "../a.safetensors"}}))
    assert "'../a.safetensors' is no name of a file beside it" in refused(folder)
    (folder / INDEX).write_text("{}")
    assert refused(folder) == f"{folder / INDEX}: has no weight_map"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"hidden_size": None}, "'hidden_size' is missing"),
        ({"hidden_size": "wide"}, "'hidden_size' is 'wide', not a whole number from 1"),
        ({"num_key_value_heads": 3}, "4 attention heads cannot share 3 key-value heads"),
        ({"head_dim": 5}, "head size 5 is odd"),
        ({"hidden_size": float("inf")}, "'hidden_size' is inf"),
        ({"vocab_size": 0}, "'vocab_size' is 0"),
        ({"num_attention_heads": 4.5}, "'num_attention_heads' is 4.5"),
        ({"num_hidden_layers": 10**15}, "'num_hidden_layers' is 10000"),
        ({"max_position_embeddings": 10**9}, "'max_position_embeddings' is 10000"),
        ({"tie_word_embeddings": "no"}, "'tie_word_embeddings' is 'no'"),
        ({"rms_norm_eps": "small"}, "'rms_norm_eps' is 'small'"),
        ({"architectures": 5}, "'architectures' is no list"),
        ({"rope_scaling": "yarn"}, "its rope scaling is no JSON object"),
        ({"rope_scaling": {"rope_type": ["yarn"]}}, "the type of its rope scaling is no name"),
        ({"rope_scaling": {"rope_type": "linear"}}, "rope scaling linear lacks 'factor'"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 0}}, "'factor' of its rope scaling"),
        ({"rope_theta": "far"}, "'rope_theta' of its rope scaling is 'far'"),
        ({"quantization_config": {"quant_method": "awq"}}, "weights are quantised (awq)"),
        ({"quantization_config": {"quant_method": "fp8"}}, "weights are quantised (fp8)"),
        ({"compression_config": {"bits": 4}}, "weights are quantised (compression_config)"),
    ],
)
def test_a_config_that_makes_no_sense_is_named(
    folder: Path, changes: dict[str, Any], complaint: str
) -> None:
    write(folder, **changes)
    assert refused(folder).startswith(f"{folder}/config.json: ")
    assert complaint in refused(folder)


def test_a_config_that_is_no_json_is_named(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    assert refused(folder).startswith(f"{folder}/config.json: cannot be read as JSON: ")
    (folder / "config.json").write_text("[]")
    assert refused(folder) == f"{folder}/config.json: is not a JSON object"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"architectures": ["GPT2LMHeadModel"]}, "architecture GPT2LMHeadModel"),
        ({"hidden_act": "gelu"}, "hidden_act gelu"),
        ({"rope_scaling": {"type": "yarn", "factor": 2}}, "rope scaling yarn"),
        ({"partial_rotary_factor": 0.5}, "partial rotary positions"),
        ({"is_causal": False}, "attention that is not causal"),
        ({"model_type": "mistral"} | {"sliding_window": 32}, "a sliding window of 32 tokens"),
        ({"model_type": "mistral"} | {"sliding_window": 64}, None),
        ({"model_type": "mistral", "max_position_embeddings": 8192}, "a sliding window of 4096"),
        ({"model_type": "qwen2", "sliding_window": 32}, None),
        (
            {"model_type": "qwen2", "sliding_window": 32, "use_sliding_window": True},
            "a sliding window of 32 tokens",
        ),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2}}, None),
    ],
)
def test_what_our_forward_does_not_run_is_said_by_name(
    folder: Path, changes: dict[str, Any], reason: str | None
) -> None:
    write(folder, **changes)
    config = read_config(folder)
    assert isinstance(config, Config) if reason is None else str(config).startswith(reason)


def test_the_base_of_the_turns_is_found_under_all_its_names(folder: Path) -> None:
    for changes in (
        {"rope_theta": 77.0},
        {"rope_theta": None, "rope_parameters": {"rope_theta": 77.0, "rope_type": "default"}},
        {"rope_theta": 77.0, "rope_scaling": {"type": "linear", "factor": 2.0}},
    ):
        write(folder, **changes)
        config = read_config(folder)
        assert isinstance(config, Config)
        assert config.rope["rope_theta"] == 77.0
    write(folder, rope_scaling={"type": "linear", "factor": 2.0}, rope_parameters={"factor": 3.0})
    config = read_config(folder)  # of two, the older wins, as it does for transformers
    assert isinstance(config, Config)
    assert config.rope["factor"] == 2.0


def test_llama_3_was_trained_on_what_any_of_its_files_says(folder: Path) -> None:
    scaling = {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}
    trained = "original_max_position_embeddings"
    for changes, expected_tokens in (
        ({"rope_scaling": scaling}, 64),  # the window, if nobody says
        ({"rope_scaling": scaling | {trained: 32}}, 32),
        ({"rope_scaling": scaling | {trained: 32}, trained: 16}, 16),
    ):
        write(folder, **changes)
        config = read_config(folder)
        assert isinstance(config, Config)
        assert config.rope[trained] == expected_tokens


def test_a_model_too_large_for_the_memory_is_refused_before_it_is_loaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable: 4 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", meminfo)
    with pytest.raises(ValueError, match=r": needs 0\.0 GB, 0\.0 GB are free$"):
        load(folder, device="cpu", dtype="float32")
    with pytest.raises(ValueError, match=r"^needs 3\.1 GB, 0\.0 GB are free$"):
        memory.require(3_100_000_000, torch.device("cpu"))


def test_an_index_beside_a_whole_file_is_not_asked(folder: Path) -> None:
    (folder / INDEX).write_text("{}")
    assert isinstance(check(folder), Config)


def test_a_table_that_nothing_is_made_of_may_have_any_numbers(folder: Path) -> None:
    write(folder, architectures=["GPT2LMHeadModel"])
    change(folder, {"h.0.attn.bias": torch.ones(4, 4, dtype=torch.bool)})
    assert check(folder) == "architecture GPT2LMHeadModel"


def test_a_head_that_the_files_have_is_taken_even_if_the_config_ties_it(folder: Path) -> None:
    write(folder, tie_word_embeddings=True)
    config = check(folder)
    assert isinstance(config, Config)
    assert not config.tied
    change(folder, {"lm_head.weight": None})
    config = check(folder)
    assert isinstance(config, Config)
    assert config.tied


def test_positions_beyond_the_window_are_not_made_ready(folder: Path) -> None:
    write(folder, max_position_embeddings=2**24)
    assert load(folder, dtype="float32", context_tokens=32).shape.context_tokens == 32
