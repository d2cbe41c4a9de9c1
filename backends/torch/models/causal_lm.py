"""Any `AutoModelForCausalLM`, with transformers' attention led into our paged cache.

A step is one row of tokens with their positions. What cannot work so is refused by name; what
has no name is found by `trial.py`, before anything is served.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from logging import CRITICAL
from typing import TYPE_CHECKING, Any

import torch

from backends.torch.decoder import Shape
from backends.torch.models.attention import PagedStep
from backends.torch.models.config import read_json
from backends.torch.models.parts import parts_of
from backends.torch.weights.failure import said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor, nn

    from backends.torch.decoder import Cache
    from backends.torch.models.weights import LoadProgress

ATTENTION = "adapter_paged"  # in transformers' registry; a mask registered with it there is none
REFUSED = {
    "sliding_window": "sliding windows",
    "softcap": "soft-capped attention",
    "s_aux": "attention sinks",
}
# How quickly these turn depends on the longest sequence of a step: keys kept would not fit.
RESTLESS = ("dynamic", "longrope")


class CausalLM:
    """A transformers model that attends to the paged cache.

    On a CPU each sequence of a step is computed by itself: its numbers depend on nothing else.
    """

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - transformers' classes share no type
        if reason := unfit(model.config):
            raise ValueError(f"{reason} cannot be run")
        self._model = model.eval().requires_grad_(requires_grad=False)
        self._keeps = "logits_to_keep" in signature(model.forward).parameters
        _register()
        model.set_attn_implementation(ATTENTION)
        self.shape = self._measure()
        self.reproducible = self.shape.device.type == "cpu"

    @torch.inference_mode()
    def forward(self, token_ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        """The logits, [L, V], of the rows `cache.step.wanted` of `token_ids` [T]."""
        if not self.reproducible:
            return self._logits(token_ids, positions, cache)
        assert isinstance(cache, PagedStep), "our forward runs on our cache"  # noqa: S101 # our own bug
        places: list[int] = []
        logits = []
        for part in parts_of(cache):
            # Copies: a model's products may round by where in memory a row begins.
            rows = token_ids[part.rows].clone(), positions[part.rows].clone()
            logits.append(self._logits(*rows, part.cache))
            places += part.logits
        return torch.cat(logits)[torch.tensor(places).argsort()]

    def _logits(self, token_ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        kept = {"logits_to_keep": cache.step.wanted} if self._keeps else {}
        logits: Tensor = self._model(
            input_ids=token_ids[None],
            position_ids=positions[None].long(),
            use_cache=False,
            paged_step=cache,
            **kept,
        ).logits[0]
        return logits if self._keeps else logits[cache.step.wanted]

    def reference(self, token_ids: Tensor) -> Tensor:
        """The logits [T, V] of one whole sequence, by the model's own attention."""
        self._model.set_attn_implementation("eager")
        try:
            with torch.inference_mode():
                logits: Tensor = self._model(input_ids=token_ids[None], use_cache=False).logits[0]
        finally:
            self._model.set_attn_implementation(ATTENTION)
        return logits

    @torch.inference_mode()
    def _measure(self) -> Shape:
        """The shape, from what the layers attend with; a config spells it in many ways."""
        device = next(self._model.parameters()).device
        seen = Measuring()
        one = torch.zeros((1, 1), dtype=torch.int64, device=device)
        logits = self._model(
            input_ids=one, position_ids=one, use_cache=False, paged_step=seen
        ).logits
        config = self._model.config.get_text_config()
        layers = len(seen.sizes)
        if list(seen.sizes) != list(range(layers)) or layers != config.num_hidden_layers:
            raise ValueError(
                f"{layers} of its {config.num_hidden_layers} layers attend by way of transformers' "
                "attention interface, so it cannot be run"
            )
        if len(set(seen.sizes.values())) != 1:
            raise ValueError("layers that differ in their heads cannot be run")
        heads, kv_heads, size, dtype = seen.sizes[0]
        return Shape(
            layers=layers,
            heads=heads,
            kv_heads=kv_heads,
            head_size=size,
            vocabulary=logits.shape[-1],
            context_tokens=config.max_position_embeddings,
            dtype=dtype,
            device=device,
        )


@dataclass(slots=True)
class Measuring:
    """Stands in for a cache, and notes with what each layer attends."""

    sizes: dict[int, tuple[int, int, int, torch.dtype]] = field(default_factory=dict)

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """An answer of the right shape."""
        if key.shape != value.shape:
            raise ValueError("keys and values that differ in size cannot be kept")
        self.sizes[layer] = (query.shape[1], key.shape[1], query.shape[2], key.dtype)
        return query


def load_causal_lm(
    folder: Path, device: torch.device, dtype: torch.dtype, progress: LoadProgress | None = None
) -> CausalLM:
    """The model of a folder.

    Raises:
        ValueError: transformers is not there, or the model cannot be run; one line says why.
    """
    try:
        with quiet():
            decoder = CausalLM(_read(folder, dtype).to(device))
    except ModuleNotFoundError as error:
        package = (error.name or "transformers").partition(".")[0]
        raise ValueError(f"{folder}: this architecture needs `pip install {package}`") from error
    except Exception as error:  # transformers raises what its readers raise
        raise ValueError(f"{folder}: {said(error)}") from error
    if progress:
        progress(1, 1)
    return decoder


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' own lines on stderr: what is wrong is said once, and by us."""
    from transformers.utils import logging  # noqa: PLC0415 - takes a second

    before: int = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity(CRITICAL)
    if not sys.stderr.isatty():
        logging.disable_progress_bar()  # type: ignore[no-untyped-call] # has no types
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call] # likewise


def _read(folder: Path, dtype: torch.dtype) -> Any:  # noqa: ANN401 - likewise
    from transformers import (  # noqa: PLC0415 - takes a second
        CONFIG_MAPPING,
        AutoConfig,
        AutoModelForCausalLM,
    )

    raw = read_json(folder / "config.json")
    if raw.get("auto_map") and raw.get("model_type") not in CONFIG_MAPPING:
        raise ValueError("a model that brings code of its own cannot be run")
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    if reason := unfit(config):
        raise ValueError(f"{reason} cannot be run")
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        dtype=dtype,
        trust_remote_code=False,
        ignore_mismatched_sizes=True,  # to name one below
        output_loading_info=True,
    )
    model, found = loaded
    if mismatched := sorted(found["mismatched_keys"]):
        name, *sizes = mismatched[0]
        in_file, by_config = (" x ".join(map(str, size)) for size in sizes)
        raise ValueError(f"{name} is {in_file}, and by config.json {by_config}")
    if missing := sorted(found["missing_keys"]):
        raise ValueError(f"{missing[0]} is in none of its files")
    return model


def unfit(config: Any) -> str | None:  # noqa: ANN401 - transformers' configs share no type
    """What about a model cannot work with a paged cache, by name; None if nothing is known."""
    if getattr(config, "is_encoder_decoder", False):
        return "an encoder and a decoder together"
    text = config.get_text_config()
    for kind in getattr(text, "layer_types", None) or ():
        if kind != "full_attention":
            return f"layers of type {kind}"
    for kind in _rope_types(getattr(text, "rope_parameters", None) or {}):
        if kind in RESTLESS:
            return f"rope scaling {kind}"
    window = getattr(text, "sliding_window", None)
    if window and getattr(text, "use_sliding_window", True):
        if window < getattr(text, "max_position_embeddings", 0):
            return f"a sliding window of {window} tokens"
        text.sliding_window = None  # as wide as the context, it cuts nothing off
    return None


def _rope_types(rope: dict[str, Any]) -> list[str]:
    nested = [
        kind for value in rope.values() if isinstance(value, dict) for kind in _rope_types(value)
    ]
    return [*nested, *([rope["rope_type"]] if "rope_type" in rope else [])]


def _register() -> None:
    from transformers import AttentionInterface  # noqa: PLC0415 - takes a second

    AttentionInterface.register(ATTENTION, _attend)


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *_: object,
    paged_step: Cache | Measuring | None = None,
    scaling: float | None = None,
    **other: Any,  # noqa: ANN401 - whatever a model passes on
) -> tuple[Tensor, None]:
    """What transformers calls for each layer: `query` is [1, H, T, D], the answer [1, T, H, D]."""
    for name, what in REFUSED.items():
        if other.get(name) is not None:
            raise ValueError(f"{what} cannot be run")
    if paged_step is None:
        raise ValueError("a model that does not hand its arguments on to its layers cannot be run")
    if attention_mask is not None or not getattr(module, "is_causal", True):
        raise ValueError("attention that is not plainly causal cannot be run")
    layer = module.layer_idx
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))  # [T, heads, D]
    return paged_step.attend(int(layer), q, k, v, scaling)[None], None  # type: ignore[arg-type] # a module's attribute may be anything
