"""A GGUF file: its metadata, its tensors, and one clear line for what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gguf import ReaderTensor
    from numpy import ndarray


@dataclass(frozen=True, slots=True)
class GGUF:
    """What a GGUF file holds; the tensors are still packed, and still on disk."""

    metadata: Mapping[str, Any]
    tensors: Mapping[str, ReaderTensor]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a number, a string or a list
        """A field of the metadata.

        Raises:
            ValueError: there is none of that name.
        """
        if name not in self.metadata:
            raise ValueError(f"its metadata has no {name!r}")
        return self.metadata[name]

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - likewise
        """A field of the metadata that may be left out."""
        return self.metadata.get(name, default)

    @property
    def architecture(self) -> str:
        """The family, as GGUF spells it; it begins the names of the family's own fields."""
        return str(self["general.architecture"])

    def tensor(self, name: str) -> ReaderTensor:
        """A tensor as it is packed.

        Raises:
            ValueError: there is none of that name.
        """
        if name not in self.tensors:
            raise ValueError(f"it has no tensor {name!r}")
        return self.tensors[name]

    def unpacked(self, name: str) -> ndarray:
        """A tensor as float32, rows first."""
        from gguf import dequantize  # noqa: PLC0415 - only a conversion needs it

        tensor = self.tensor(name)
        return dequantize(tensor.data, tensor.tensor_type)


def read(path: Path) -> GGUF:
    """The content of a GGUF file.

    Raises:
        ValueError: it is none, or a broken one, or the `gguf` package is not there to read it.
    """
    try:
        from gguf import GGUFReader  # noqa: PLC0415 - only a conversion needs it
    except ImportError as error:  # there is none, or a folder of that name is in its place
        raise ValueError(
            f"reading {path.name} needs `pip install gguf`, and no folder named 'gguf' beside it"
        ) from error
    try:
        reader = GGUFReader(path)
        metadata = {name: field.contents() for name, field in reader.fields.items()}
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else "it ends too early"
        raise ValueError(f"{path} is no whole GGUF file: {reason}") from error
    if (parts := metadata.get("split.count", 1)) > 1:
        raise ValueError(f"{path} is one of {parts} parts: join them by llama-gguf-split --merge")
    return GGUF(metadata, {tensor.name: tensor for tensor in reader.tensors})
