import os
from pathlib import Path

import pytest

from backends.torch.text.tokenizer import Tokenizer
from backends.torch.weights.locate import locate
from tests.backends.torch.gguf_files import byte_level, tiny, write


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADAPTER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache/models"


def test_without_a_model_it_says_which_command_to_type() -> None:
    with pytest.raises(ValueError, match=r"MODEL_PATH is not set, .*adapter models pull smollm2"):
        locate(None)
    with pytest.raises(ValueError, match=r"^minilm is not there yet: .*adapter models pull minilm"):
        locate("minilm")


def test_a_folder_is_itself_if_it_is_a_model(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no model: it has no config"):
        locate(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert locate(str(tmp_path)) == tmp_path


def test_a_factory_is_passed_on() -> None:
    assert locate("package.module:make") == "package.module:make"


def test_a_gguf_file_is_converted_once_and_again_when_it_is_another(
    tmp_path: Path, cache: Path
) -> None:
    path = write(tmp_path / "tiny.gguf", "llama", tiny("llama", 258), byte_level())
    first = locate(str(path))
    assert isinstance(first, Path)
    assert first.parent == cache
    assert first.name.startswith("tiny-")
    assert Tokenizer.read(first).vocabulary == 258
    made = (first / "model.safetensors").stat().st_mtime_ns
    assert locate(str(path)) == first
    assert (first / "model.safetensors").stat().st_mtime_ns == made
    os.utime(path, (1, 1))
    assert locate(str(path)) != first


@pytest.mark.parametrize("given", ["./nowhere/at/all", "nothing", "a file.txt", "c:\\model"])
def test_what_is_nowhere_is_one_line(given: str) -> None:
    with pytest.raises(ValueError, match="there is no file or folder") as wrong:
        locate(given)
    assert "\n" not in str(wrong.value)


def test_a_file_that_is_no_gguf_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.touch()
    with pytest.raises(ValueError, match=r"^TORCH_EMBEDDING_MODEL: .* nor a \.gguf file"):
        locate(str(path), setting="TORCH_EMBEDDING_MODEL")


def test_an_adapter_alone_or_beside_a_model_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"holds an adapter \(adapter_config\.json\)"):
            locate(str(tmp_path))
        (tmp_path / "config.json").write_text("{}")


@pytest.mark.parametrize("given", ["~nobody-of-that-name/model", "x" * 5000])
def test_a_path_that_the_system_refuses_is_one_line(given: str) -> None:
    with pytest.raises(ValueError, match=r"^MODEL_PATH: ") as wrong:
        locate(given)
    assert len(str(wrong.value)) < 300


def test_a_hub_id_that_cannot_be_had_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants  # noqa: PLC0415 - only here

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match="the Hub did not give it") as wrong:
        locate("nobody/no-such-model")
    assert "\n" not in str(wrong.value)
