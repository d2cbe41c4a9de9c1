"""The model of a run: its folder, what a token reads of it, and its forms for other engines."""

import json
import subprocess
import sys
from pathlib import Path

from peers import PeerError
from servers import FOLDER, REPOSITORY
from tokenizers import Tokenizer

SAMPLE = "The lighthouse keeper climbed the stairs every evening. One night in November, he"
LOCATE = "from backends.torch.weights.locate import locate; print(locate(None))"
LENGTH_BYTES = 8


class Model:
    """A folder in Hugging Face layout; files in GGUF are made in `scratch` when first asked for."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder, self._scratch = folder.resolve(), scratch

    @property
    def sample(self) -> list[int]:
        """The ids of a prompt in plain words."""
        ids: list[int] = Tokenizer.from_file(str(self.folder / "tokenizer.json")).encode(SAMPLE).ids
        return ids

    def numbers(self) -> int:
        """How many weights one token reads: all but the rows of an embedding of its own."""
        sizes = {}
        for file in self.folder.glob("*.safetensors"):
            with file.open("rb") as content:
                header = content.read(int.from_bytes(content.read(LENGTH_BYTES), "little"))
            for name, about in json.loads(header).items():
                sizes[name] = _product(about.get("shape", [0]))
        if "lm_head.weight" in sizes:
            sizes["model.embed_tokens.weight"] = 0
        return sum(sizes.values())

    def gguf(self, kind: str) -> str:
        """The same weights as GGUF in a number format.

        Raises: PeerError.
        """
        path = self._scratch / f"{kind}.gguf"
        if not path.is_file():
            command = [sys.executable, str(FOLDER / "engine_gguf.py")]
            _run([*command, str(self.folder), kind, str(path)])
        return str(path)


def default_folder() -> Path:
    """The model that our engine takes when it is given none.

    Raises: PeerError.
    """
    return Path(_run([sys.executable, "-c", LOCATE]).strip())


def _product(shape: list[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _run(command: list[str]) -> str:
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=FOLDER,
        env={"PYTHONPATH": str(REPOSITORY), "HOME": str(Path.home())},
    )
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no reason"])[-1]
        raise PeerError(f"no model for it: {last}")
    return result.stdout
