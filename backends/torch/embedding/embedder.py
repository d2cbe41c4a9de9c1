"""Texts in, unit vectors out, by any encoder that transformers knows."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import torch
from torch.nn.functional import normalize

from backends.protocol import EmbeddingRequest, Embeddings
from backends.protocol.errors import BadRequestError, ContextLengthExceeded
from backends.torch.embedding.pooling import pooled
from backends.torch.embedding.sentence import Sentence, read_sentence
from backends.torch.models.causal_lm import quiet
from backends.torch.models.threads import release_threads
from backends.torch.models.weights import Checkpoint
from backends.torch.text.tokenizer import Tokenizer
from backends.torch.weights.failure import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

BATCH_TOKENS = 2048  # with padding: what one forward takes, so that others need not wait long


class Embedder:
    """A sentence embedding model. Its weights are read at first use, or by `warm`.

    One forward runs at a time, on a thread of its own; requests take turns between forwards.
    """

    def __init__(self, sentence: Sentence, tokenizer: Tokenizer, device: torch.device) -> None:
        self._sentence = sentence
        self.tokenizer = tokenizer
        self._device = device
        self._model: Any = None
        self._thread = ThreadPoolExecutor(1, "embedding")

    @classmethod
    def load(cls, folder: Path, device: str | torch.device = "cpu") -> Self:
        """The model of a folder in the layout of Hugging Face or sentence-transformers.

        Raises:
            ValueError: the folder has none, or one that is not known here.
        """
        try:
            sentence = read_sentence(folder)
            with Checkpoint(sentence.transformer):  # whole, as far as its headers tell
                pass
        except ValueError as error:
            raise ValueError(f"the embedding model: {error}") from error
        return cls(sentence, Tokenizer.read(sentence.transformer), torch.device(device))

    @property
    def context_tokens(self) -> int:
        """The most tokens that a text may have."""
        return self._sentence.context_tokens

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """The vectors of the texts.

        Raises:
            ContextLengthExceeded: a text is longer than the model reads.
            BadRequestError: more dimensions are wanted than there are, or a text is empty.
        """
        ids = await self._run(self._encode, request.texts)
        size = (await self._run(self._size)) if request.dimensions else None
        if request.dimensions and size is not None and request.dimensions > size:
            raise BadRequestError(
                f"The model's vectors have {size} dimensions: fewer may be asked for, not"
                f" {request.dimensions}.",
                param="dimensions",
            )
        vectors: list[list[float]] = [[]] * len(ids)
        for batch in _batches([len(tokens) for tokens in ids]):
            found = await self._run(self._forward, [ids[row] for row in batch], request.dimensions)
            for row, vector in zip(batch, found, strict=True):
                vectors[row] = vector
        return Embeddings(vectors=vectors, prompt_tokens=sum(map(len, ids)))

    def close(self) -> None:
        """Let go of the thread and the weights."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._model = None

    async def _run(self, work: Any, *arguments: Any) -> Any:  # noqa: ANN401 - what `work` takes
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _loaded(self) -> Any:  # noqa: ANN401 - transformers' classes have no common type
        if self._model is None:
            folder = self._sentence.transformer
            try:
                with quiet():
                    model = self._read(folder)
                self.tokenizer.check(model.get_input_embeddings().num_embeddings)
            except Exception as error:  # transformers raises what its readers raise
                raise ValueError(
                    f"cannot load the embedding model in {folder}: {said(error)}"
                ) from error
            self._model = model.to(self._device).eval()
            release_threads()
        return self._model

    def _read(self, folder: Path) -> Any:  # noqa: ANN401 - likewise
        from transformers import AutoModel  # noqa: PLC0415 - its import takes a second

        loaded: Any = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32 if self._device.type == "cpu" else "auto",
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        model, found = loaded
        # BERT's pooler follows the last hidden state, of which the vectors are made.
        if missing := sorted(name for name in found["missing_keys"] if "pooler." not in name):
            raise ValueError(f"{missing[0]} is in none of its files")
        return model

    def _size(self) -> int:
        return int(self._loaded().config.hidden_size) * len(self._sentence.pooling)

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        found = []
        for index, text in enumerate(texts):
            ids = self.tokenizer.encode(self._sentence.read(text), special=True)
            if len(ids) > self.context_tokens:
                what = f"input[{index}]"
                raise ContextLengthExceeded.beyond(
                    self.context_tokens, len(ids), param="input", what=what
                )
            if not ids:
                raise BadRequestError(f"Input {index} has no tokens to embed.", param="input")
            found.append(ids)
        return found

    @torch.inference_mode()
    def _forward(self, ids: list[list[int]], dimensions: int | None) -> list[list[float]]:
        model = self._loaded()
        longest = max(map(len, ids))
        tokens = torch.full((len(ids), longest), self._sentence.padding)  # [B, T]
        mask = torch.zeros((len(ids), longest), dtype=torch.long)  # [B, T]
        for row, one in enumerate(ids):
            tokens[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        tokens, mask = tokens.to(self._device), mask.to(self._device)
        hidden = model(input_ids=tokens, attention_mask=mask).last_hidden_state  # [B, T, C]
        vectors: Tensor = pooled(hidden, mask, self._sentence.pooling).float()  # [B, C]
        whole: list[list[float]] = normalize(vectors[:, :dimensions], dim=-1).tolist()
        release_threads()
        return whole


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of like length together, so that little of a batch is padding."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[row] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
