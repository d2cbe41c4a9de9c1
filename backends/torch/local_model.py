"""The model on this machine: its files, checked at once, and what is made of them when needed."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import torch

from backends.torch.decoder import Decoder, Shape
from backends.torch.embedding.embedder import Embedder
from backends.torch.engine.loaded import Loaded
from backends.torch.grammar.grammars import Grammars
from backends.torch.models.cache import PagedCache
from backends.torch.models.config import Config
from backends.torch.models.device import device_of, dtype_of
from backends.torch.models.load import load
from backends.torch.models.memory import available, require, weight_bytes
from backends.torch.models.threads import release_threads
from backends.torch.models.varlen import attention_on, block_tokens_on
from backends.torch.models.weights import check
from backends.torch.settings import TorchSettings
from backends.torch.text.chat import Chat
from backends.torch.text.tokenizer import Tokenizer
from backends.torch.tier import check_tier, ops_of
from backends.torch.weights.locate import DEFAULT, locate
from backends.torch.weights.progress import bar
from backends.torch.weights.pull import pulled

CACHE_BYTES = 384_000_000
"""For keys and values, unless a window of the model takes more, or half of what is free less."""
BYTES_PER_MB = 1_000_000
PERCENT = 100
EMBEDDING = "minilm"

_log = logging.getLogger(__name__)


class LocalModel:
    """What is known of a model before its weights are loaded, and `load`.

    The weights of a decoder of ours are loaded later, on the engine's thread; any other says what
    it is only when it is made, so it is made here.

    Raises:
        ValueError: it cannot be served; one line for the operator.
    """

    def __init__(
        self,
        model_path: str | None,
        tokenizer_path: str | None,
        device: str,
        quantize: str,
        settings: TorchSettings,
    ) -> None:
        self._settings, self._quantize = settings, quantize
        self._device = device_of(device)
        self._dtype = dtype_of(settings.torch_dtype, self._device)
        check_tier(self._device, self._dtype, quantize)
        self._source = locate(model_path)
        self.name = _name(model_path, self._source)
        self._made: Decoder | None = None
        shape, self._weight_bytes = self._look()
        window = min(shape.context_tokens, settings.torch_context_tokens or shape.context_tokens)
        self._shape = replace(shape, context_tokens=window)
        self._block_tokens = block_tokens_on(self._device)
        self._blocks = self._room() // (self._block_tokens * shape.bytes_per_token)
        self.window_tokens = min(window, self._blocks * self._block_tokens)
        if self.window_tokens < window:
            _log.warning(
                "%s: there is memory for %d tokens of its window of %d; TORCH_KV_CACHE_MB sets it",
                self.name,
                self.window_tokens,
                window,
            )
        self.max_tokens = settings.torch_max_tokens
        self._folder = self._tokenizer_folder(tokenizer_path)
        self.tokenizer = Tokenizer.read(self._folder)
        self.tokenizer.check(shape.vocabulary)
        self.chat = Chat(self.tokenizer)
        self._grammars: Grammars | None = None
        self._making_grammars = asyncio.Lock()
        self.embedder, self.embedding_name = self._embedding()
        release_threads()

    def load(self) -> Loaded:
        """The decoder and its cache; called on the thread that runs them."""
        begun_s = perf_counter()
        if self._settings.torch_threads is not None:
            torch.set_num_threads(self._settings.torch_threads)
        decoder = self._made or self._loaded()
        if decoder.shape.context_tokens != self.window_tokens:
            decoder.shape = replace(decoder.shape, context_tokens=self.window_tokens)
        attention = attention_on(decoder.shape, self._block_tokens)
        cache = PagedCache(decoder.shape, self._blocks, self._block_tokens, attention)
        _log.info("loaded %s in %.1f s", self.name, perf_counter() - begun_s)
        # A decoder of the operator's own need not say.
        return Loaded(decoder, cache, reproducible=getattr(decoder, "reproducible", False))

    async def grammars(self) -> Grammars:
        """The grammars over the tokenizer's tokens, made when first needed."""
        async with self._making_grammars:  # one makes them, the others wait
            if self._grammars is None:
                self._grammars = await asyncio.to_thread(
                    Grammars,
                    self._folder / "tokenizer.json",
                    self._shape.vocabulary,
                    self.tokenizer.stops,
                )
        return self._grammars

    def tokenizer_of(self, model: str) -> Tokenizer:
        """The tokenizer of the model that generates, or of the one that embeds."""
        if self.embedder is not None and model == self.embedding_name:
            return self.embedder.tokenizer
        return self.tokenizer

    def close(self) -> None:
        """Let go of the embedding model's thread."""
        if self.embedder is not None:
            self.embedder.close()

    def _look(self) -> tuple[Shape, int]:
        """The shape, and what the weights take, before they are loaded if it can be told."""
        if isinstance(self._source, Path):
            config = check(self._source)
            if isinstance(config, Config):
                int8 = self._quantize == "int8"
                return self._shape_of(config), weight_bytes(config, self._dtype, int8=int8)
        if self._quantize != "none":
            raise ValueError("QUANTIZE: int8 is for the Llama and Qwen families alone")
        self._made = load(self._source, device=str(self._device), dtype=_word(self._dtype))
        return self._made.shape, 0

    def _shape_of(self, config: Config) -> Shape:
        return Shape(
            layers=config.layers,
            heads=config.heads,
            kv_heads=config.kv_heads,
            head_size=config.head_size,
            vocabulary=config.vocabulary,
            context_tokens=config.context_tokens,
            dtype=self._dtype,
            device=self._device,
        )

    def _room(self) -> int:
        """The bytes for keys and values.

        Raises:
            ValueError: so much is not free.
        """
        block_bytes = self._block_tokens * self._shape.bytes_per_token
        window_bytes = -(-self._shape.context_tokens // self._block_tokens) * block_bytes
        told_mb = self._settings.torch_kv_cache_mb
        if told_mb is not None:
            room = int(told_mb * BYTES_PER_MB)
        else:
            room = max(CACHE_BYTES, window_bytes)
            free = available(self._device)
            if free is not None:
                room = min(room, max(0, free - self._weight_bytes) // 2)
        room = max(room, block_bytes)
        try:
            require(self._weight_bytes + room, self._device)
        except ValueError as error:
            raise ValueError(f"MODEL_PATH: {self.name} {error}") from error
        return room

    def _loaded(self) -> Decoder:
        assert isinstance(self._source, Path), "a factory's decoder is made already"  # noqa: S101
        ops = ops_of(
            self._device, self._dtype, self._quantize, kernels=self._settings.torch_kernels
        )
        with bar(f"Loading {self.name}", PERCENT) as progress:
            return load(
                self._source,
                device=str(self._device),
                dtype=_word(self._dtype),
                ops=ops,
                int8=self._quantize == "int8",
                context_tokens=self.window_tokens,
                progress=_steps(progress.update),
            )

    def _tokenizer_folder(self, tokenizer_path: str | None) -> Path:
        if tokenizer_path is not None:
            try:
                return Path(tokenizer_path).expanduser()
            except RuntimeError as error:
                raise ValueError(f"TOKENIZER_PATH: {tokenizer_path}: {error}") from error
        if isinstance(self._source, Path):
            return self._source
        raise ValueError("TOKENIZER_PATH: a model of your own needs the folder of its tokenizer")

    def _embedding(self) -> tuple[Embedder | None, str | None]:
        told = self._settings.torch_embedding_model
        if told is None and pulled(EMBEDDING) is None:
            return None, None
        folder = locate(told or EMBEDDING, setting="TORCH_EMBEDDING_MODEL")
        if not isinstance(folder, Path):
            raise ValueError(f"TORCH_EMBEDDING_MODEL: {told!r} is no folder")  # noqa: TRY004 - a setting
        name = _name(told or EMBEDDING, folder)
        if name == self.name:
            raise ValueError(f"TORCH_EMBEDDING_MODEL: {name!r} is the name of MODEL_PATH's too")
        return Embedder.load(folder, self._device), name


def _name(path: str | None, source: Path | str) -> str:
    """What a model is called: as it was pulled, its folder or file, its class."""
    if path is None:
        return DEFAULT
    if isinstance(source, str):
        return source.rpartition(":")[2]
    return Path(path).expanduser().absolute().name.removesuffix(".gguf")


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _steps(update: Callable[[int], None]) -> Callable[[int, int], None]:
    """Bytes done and in all as steps in percent, which is what the bar takes."""
    done = 0

    def progress(now_bytes: int, all_bytes: int) -> None:
        nonlocal done
        now = now_bytes * PERCENT // all_bytes
        update(now - done)
        done = now

    return progress
