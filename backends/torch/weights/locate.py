"""What a model's path names: a folder, a GGUF file, a pulled model, a Hub id or a factory."""

import hashlib
import re
from pathlib import Path

from backends.torch.weights.cache import kept
from backends.torch.weights.convert import CONVERSION, convert
from backends.torch.weights.failure import said
from backends.torch.weights.pull import WHEELS, pulled

DEFAULT = "smollm2"
# What a decoder, a tokenizer or an embedding model is read from; the rest of a Hub folder stays.
WANTED = ["*.json", "*.jinja", "*.safetensors"]
UNWANTED = ["*/*.safetensors", "consolidated*"]  # the same weights in other layouts
ADAPTER = "adapter_config.json"
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def locate(
    model_path: str | None, default: str = DEFAULT, *, setting: str = "MODEL_PATH"
) -> Path | str:
    """The folder of a model in Hugging Face layout, or `module:factory` as it was given.

    Left out, it is the model of that name that was pulled. A GGUF file is converted once and
    kept; a Hub id is downloaded into the Hub's own cache.

    Raises:
        ValueError: there is no such model; the message is for the operator, and names `setting`.
    """
    if model_path is None or model_path in WHEELS:
        return _pulled(model_path or default, f"{setting} is not set, and " * (not model_path))
    try:
        path = Path(model_path).expanduser()
        if not path.exists() and _FACTORY.fullmatch(model_path):
            return model_path
        return _folder(path, model_path)
    except (ValueError, RuntimeError) as error:  # the latter of a home that is not known
        raise ValueError(f"{setting}: {error}") from error
    except OSError as error:
        raise ValueError(f"{setting}: {model_path:.200}: {error.strerror or error}") from error


def _folder(path: Path, given: str) -> Path:
    if path.is_file():
        return _converted(path.resolve())
    if not path.is_dir() and _HUB_ID.fullmatch(given):
        path = _from_hub(given)
    if not path.is_dir():
        raise ValueError(
            f"there is no file or folder {given!r}, and it is no Hub id (org/name)"
            " and no module:factory"
        )
    if (path / ADAPTER).exists():
        raise ValueError(f"the folder {path} holds an adapter ({ADAPTER}): merge it into its model")
    if not (path / "config.json").is_file():
        raise ValueError(f"the folder {path} is no model: it has no config.json")
    return path


def _pulled(name: str, unset: str) -> Path:
    if (folder := pulled(name)) is None:
        raise ValueError(f"{unset}{name} is not there yet: type `adapter models pull {name}`")
    return folder


def _converted(path: Path) -> Path:
    if path.suffix.lower() != ".gguf":
        raise ValueError(f"{path} is neither a folder nor a .gguf file")
    about = path.stat()
    identity = f"{path}\n{about.st_size}\n{about.st_mtime_ns}".encode()
    name = f"{path.stem}-{hashlib.sha256(identity).hexdigest()[:12]}-bf16-{CONVERSION}"
    # At least what is read: how much more depends on how it was packed.
    return kept(name, lambda folder: convert(path, folder), peak_bytes=about.st_size)


def _from_hub(name: str) -> Path:
    try:
        import huggingface_hub  # noqa: PLC0415 - a local model does without
    except ImportError as error:
        raise ValueError(
            f"there is no folder {name!r}, and a Hub id needs `pip install huggingface_hub`"
        ) from error
    try:
        return Path(
            huggingface_hub.snapshot_download(name, allow_patterns=WANTED, ignore_patterns=UNWANTED)
        )
    except Exception as error:  # the Hub's client raises whatever its transport raises
        raise ValueError(
            f"there is no folder {name!r}, and the Hub did not give it ({said(error)})"
        ) from error
