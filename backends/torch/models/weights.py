"""The tensors of a model folder: what there is, whether it is whole, and one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

from backends.torch.models.config import read_config, read_json
from backends.torch.models.tensors import HEAD, expected

if TYPE_CHECKING:
    from torch import Tensor

    from backends.torch.models.config import Config

LoadProgress = Callable[[int, int], None]  # bytes done, bytes in all

SINGLE = "model.safetensors"
NEEDLESS = ".rotary_emb.inv_freq"  # old files hold what follows from the config
INDEX = "model.safetensors.index.json"
NUMBERS = {"BF16": 2, "F16": 2, "F32": 4, "F64": 8}  # bytes an element


class Checkpoint(Mapping[str, "Tensor"]):
    """The tensors of a folder by name, each read when it is asked for.

    Opening reads headers alone, so that a missing, truncated or corrupt file is known before
    anything is loaded. `progress` hears of every tensor read; close it when all are.
    """

    def __init__(
        self,
        folder: Path,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        progress: LoadProgress | None = None,
    ) -> None:
        self._dtype, self._device, self._progress = dtype, device, progress
        self._close = ExitStack()
        self._files: dict[str, Any] = {}  # by tensor name; safetensors' handle has no type
        self._paths: dict[str, Path] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._bytes: dict[str, int] = {}
        self._done_bytes = 0
        with self._close:
            for path, promised in _files(folder).items():
                self._open(path, promised)
            self._close = self._close.pop_all()

    def _open(self, path: Path, promised: set[str]) -> None:
        try:
            path.open("rb").close()  # safetensors finds no file where it may not read one
            file = self._close.enter_context(safe_open(path, "pt"))
        except FileNotFoundError:
            raise ValueError(f"{path}: no such file") from None
        except OSError as error:
            raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from None
        except SafetensorError as error:
            raise ValueError(f"{path}: is truncated or corrupt: {error}") from None
        if lacking := sorted(promised.difference(file.keys())):
            raise ValueError(f"{path}: lacks {lacking[0]}, which {INDEX} says it holds")
        for name in file.keys():  # noqa: SIM118 # the handle is no mapping
            piece = file.get_slice(name)
            kind, shape = piece.get_dtype(), tuple(piece.get_shape())
            # What is no weight may be a table of positions or a mask, which nothing is made of.
            if kind not in NUMBERS and name.endswith(".weight"):
                raise ValueError(f"{path}: {name} is {kind}; {', '.join(NUMBERS)} can be read")
            self._files[name], self._paths[name], self.shapes[name] = file, path, shape
            self._bytes[name] = prod(shape) * NUMBERS.get(kind, 1)

    def __getitem__(self, name: str) -> Tensor:
        tensor: Tensor = self._files[name].get_tensor(name)
        self._done_bytes += self._bytes[name]
        if self._progress:
            self._progress(self._done_bytes, sum(self._bytes.values()))
        # A copy: nothing of the running model is to hang on a file that may change under it.
        return tensor.to(device=self._device, dtype=self._dtype, copy=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def path(self, name: str) -> Path:
        """The file that a tensor is in."""
        return self._paths[name]

    @property
    def elements(self) -> int:
        """How many numbers there are in all."""
        return sum(map(prod, self.shapes.values()))

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self._close.close()


def _files(folder: Path) -> dict[Path, set[str]]:
    """The files of a folder that hold tensors, each with those that an index says it holds."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    if (folder / SINGLE).exists():
        return {folder / SINGLE: set()}
    if not (folder / INDEX).exists():
        raise ValueError(f"{folder}: holds neither {SINGLE} nor {INDEX}")
    places = read_json(folder / INDEX).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ValueError(f"{folder / INDEX}: has no weight_map")
    files: dict[Path, set[str]] = {}
    for name, file in places.items():
        if not isinstance(file, str) or Path(file).name != file:
            raise ValueError(f"{folder / INDEX}: {file!r:.80} is no name of a file beside it")
        files.setdefault(folder / file, set()).add(name)
    return files


def check(folder: Path) -> Config | str:
    """A folder's config, or why another way must run it; its files are whole either way.

    Where our own forward runs the model, every name and shape is as the config says.
    Raises ValueError, one line that names the file, before anything is loaded.
    """
    config = read_config(folder)
    with Checkpoint(folder) as checkpoint:
        if isinstance(config, str):
            return config
        if config.tied and HEAD in checkpoint:  # the files decide, as they do for transformers
            config = replace(config, tied=False)
        _compare(config, checkpoint, folder)
    return config


def _compare(config: Config, checkpoint: Checkpoint, folder: Path) -> None:
    wanted = expected(config)
    for name, shape in wanted.items():
        if name not in checkpoint:
            raise ValueError(f"{folder}: {name} is in none of its files")
        if checkpoint.shapes[name] != shape:
            raise ValueError(
                f"{checkpoint.path(name)}: {name} is {_times(checkpoint.shapes[name])}, "
                f"and by config.json {_times(shape)}"
            )
    for name in checkpoint:
        if name not in wanted and not name.endswith(NEEDLESS):
            raise ValueError(f"{checkpoint.path(name)}: {name} has no place in config.json's model")


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
