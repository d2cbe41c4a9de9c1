"""A GGUF file: its metadata, its tensors, and one clear line for what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.torch.weights.failure import said

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

    class Reader(GGUFReader):
        """Ends where the file does: a count that lies would have it read nothing for years."""

        def _get(
            self,
            offset: int,
            dtype: Any,  # noqa: ANN401 - numpy has no name for it
            count: int = 1,
            override_order: Any = None,  # noqa: ANN401 - likewise
        ) -> ndarray:
            found = super()._get(offset, dtype, count, override_order)
            if len(found) != count:
                raise ValueError("it ends too early")
            return found

    try:
        reader = Reader(path)
        metadata = {name: field.contents() for name, field in reader.fields.items()}
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # the reader checks little, and fails as numpy does
        raise ValueError(f"{path} is no whole GGUF file: {said(error)}") from error
    if (parts := str(metadata.get("split.count", 1))) not in {"0", "1"}:
        raise ValueError(f"{path} is one of {parts} parts: join them by llama-gguf-split --merge")
    return GGUF(metadata, {tensor.name: tensor for tensor in reader.tensors})
