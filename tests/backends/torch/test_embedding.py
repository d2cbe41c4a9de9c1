import asyncio
import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from backends.protocol import EmbeddingRequest, Embeddings
from backends.protocol.errors import BadRequestError, ContextLengthExceeded
from backends.torch.embedding.embedder import Embedder

TEXTS = [
    "A cat sat on the mat.",
    "",
    "kitten",
    "The bond market fell sharply today after the central bank spoke. " * 9,
    "Ein Kätzchen 🐈",
    *(f"{number} bottles of beer on the wall" for number in range(40)),
]
Load = Callable[[Path], Embedder]


@pytest.fixture
def load() -> Iterator[Load]:
    """Loads models; each is closed when the test ends."""
    loaded = []

    def load_one(folder: Path) -> Embedder:
        loaded.append(Embedder.load(folder))
        return loaded[-1]

    yield load_one
    for embedder in loaded:
        embedder.close()


@pytest.fixture(scope="module")
def embedder(minilm: Path) -> Iterator[Embedder]:
    torch.set_num_threads(1)
    loaded = Embedder.load(minilm)
    yield loaded
    loaded.close()


@pytest.fixture
def changed(minilm: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes the model's folder with other files of JSON in it; None is without the file."""

    def change(**files: Any) -> Path:
        folder = tmp_path / "changed"
        shutil.copytree(
            minilm, folder, copy_function=lambda one, other: Path(other).symlink_to(one)
        )
        for name, content in files.items():
            path = folder / f"{name.replace('__', '/')}.json"
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_text(json.dumps(content))
        return folder

    return change


async def embedded(
    embedder: Embedder, texts: Sequence[str], dimensions: int | None = None
) -> Embeddings:
    return await embedder.embed(EmbeddingRequest("minilm", texts, dimensions))


def reference(folder: Path, texts: Sequence[str]) -> tuple[torch.Tensor, int]:
    """The vectors by transformers, one text at a time, and their tokens."""
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415 - takes a second

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    vectors, tokens = [], 0
    for text in texts:
        inputs = tokenizer(text, return_tensors="pt")
        tokens += inputs["input_ids"].numel()
        with torch.inference_mode():
            mean = model(**inputs).last_hidden_state[0].mean(0)
        vectors.append(mean / mean.norm())
    return torch.stack(vectors), tokens


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_vectors_are_those_of_transformers(embedder: Embedder, minilm: Path) -> None:
    found = await embedded(embedder, TEXTS)
    vectors, tokens = reference(minilm, TEXTS)
    torch.testing.assert_close(torch.tensor(found.vectors), vectors, atol=1e-5, rtol=0)
    assert found.prompt_tokens == tokens


async def test_a_text_has_the_same_vector_alone_and_in_company(embedder: Embedder) -> None:
    together = await embedded(embedder, TEXTS)
    for row in (0, 1, 3, 17):
        alone = await embedded(embedder, [TEXTS[row]])
        assert alone.vectors[0] == pytest.approx(together.vectors[row], abs=1e-5)


async def test_vectors_have_length_one_whatever_their_dimensions(embedder: Embedder) -> None:
    whole = (await embedded(embedder, TEXTS[:3])).vectors
    for dimensions in (None, 1, 100, 384):
        for row, vector in enumerate((await embedded(embedder, TEXTS[:3], dimensions)).vectors):
            assert len(vector) == (dimensions or 384)
            assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)
            cut = whole[row][:dimensions]
            length = math.hypot(*cut)
            assert vector == pytest.approx([number / length for number in cut], abs=1e-5)


async def test_more_dimensions_than_there_are_is_refused(embedder: Embedder) -> None:
    with pytest.raises(BadRequestError, match="have 384 dimensions") as refused:
        await embedded(embedder, ["cat"], 385)
    assert refused.value.param == "dimensions"


async def test_like_is_near_like(embedder: Embedder) -> None:
    cat, kitten, bond = (await embedded(embedder, ["cat", "kitten", "bond"])).vectors
    assert cosine(cat, kitten) > 0.6 > cosine(cat, bond)


async def test_a_text_beyond_the_window_is_refused_not_cut(embedder: Embedder) -> None:
    assert embedder.context_tokens == 256
    await embedded(embedder, ["cat " * 254])
    with pytest.raises(
        ContextLengthExceeded, match=r" 256 tokens.* your input\[1\] .* 257"
    ) as refused:
        await embedded(embedder, ["cat", "cat " * 255])
    assert refused.value.param == "input"


async def test_requests_at_once_each_have_their_own(embedder: Embedder) -> None:
    alone = [(await embedded(embedder, [text])).vectors[0] for text in TEXTS[:8]]
    found = await asyncio.gather(*(embedded(embedder, [text]) for text in TEXTS[:8]))
    for one, other in zip(alone, found, strict=True):
        assert other.vectors[0] == one


async def test_the_event_loop_goes_on_meanwhile(embedder: Embedder) -> None:
    await embedded(embedder, ["cat"])
    task = asyncio.create_task(embedded(embedder, TEXTS * 3))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 20


@pytest.mark.parametrize("mode", ["cls", "max", "lasttoken"])
async def test_a_folder_says_how_its_tokens_become_one(
    minilm: Path, changed: Callable[..., Path], load: Load, mode: str
) -> None:
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415 - takes a second

    names = {"cls": "cls_token", "max": "max_tokens", "lasttoken": "lasttoken"}
    folder = changed(**{"1_Pooling__config": {f"pooling_mode_{names[mode]}": True}})
    found = await embedded(load(folder), ["A cat.", "A cat sat on the mat."])
    inputs: Any = AutoTokenizer.from_pretrained(minilm)("A cat.", return_tensors="pt")
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(minilm).eval()(**inputs).last_hidden_state[0]
    vector = {"cls": hidden[0], "max": hidden.amax(0), "lasttoken": hidden[-1]}[mode]
    torch.testing.assert_close(
        torch.tensor(found.vectors[0]), vector / vector.norm(), atol=1e-5, rtol=0
    )


async def test_a_folder_without_modules_has_the_mean_of_its_tokens(
    embedder: Embedder, changed: Callable[..., Path], load: Load
) -> None:
    plain = load(changed(modules=None, sentence_bert_config=None))
    assert plain.context_tokens == 512
    found, expected = await embedded(plain, ["cat"]), await embedded(embedder, ["cat"])
    assert found.vectors[0] == pytest.approx(expected.vectors[0], abs=1e-6)


async def test_a_prompt_that_the_model_wants_is_put_before_each_text(
    embedder: Embedder, changed: Callable[..., Path], load: Load
) -> None:
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    found = await embedded(load(changed(config_sentence_transformers=prompts)), ["cat"])
    expected = await embedded(embedder, ["query: cat"])
    assert found.vectors[0] == pytest.approx(expected.vectors[0], abs=1e-6)
    assert found.prompt_tokens == expected.prompt_tokens


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config": None}, "config.json: no such file"),
        ({"config": {"quantization_config": {"quant_method": "fp8"}}}, r"quantised .fp8."),
        ({"config": {"max_position_embeddings": "many"}}, "'max_position_embeddings' is 'many'"),
        ({"modules": [{"path": "1"}]}, "no JSON list of modules"),
        ({"config_sentence_transformers": {"default_prompt_name": "q"}}, "there is no prompt 'q'"),
        ({"tokenizer": None}, "has no tokenizer.json"),
        ({"modules": [{"type": "a.Dense", "path": "2"}]}, "modules not known: .'Dense'."),
        ({"1_Pooling__config": {"pooling_mode_weightedmean_tokens": True}}, "weightedmean"),
        ({"modules": 5}, "no JSON list of modules"),
    ],
)
def test_a_folder_that_is_not_known_is_one_line(
    changed: Callable[..., Path], files: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as wrong:
        Embedder.load(changed(**files))
    assert "\n" not in str(wrong.value)


async def test_weights_that_cannot_be_read_are_one_line(
    changed: Callable[..., Path], load: Load
) -> None:
    folder = changed()
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"model\.safetensors: is truncated or corrupt") as wrong:
        load(folder)
    assert "\n" not in str(wrong.value)


async def test_weights_that_lack_a_tensor_make_no_vectors(
    minilm: Path, changed: Callable[..., Path], load: Load
) -> None:
    folder, lacking = changed(), "encoder.layer.3.output.dense.weight"
    tensors = load_file(minilm / "model.safetensors")
    (folder / "model.safetensors").unlink()
    save_file(
        {name: tensors[name] for name in tensors if name != lacking}, folder / "model.safetensors"
    )
    with pytest.raises(ValueError, match=f"{lacking} is in none of its files"):
        await embedded(load(folder), ["cat"])


async def test_a_model_of_small_letters_is_given_small_letters(
    embedder: Embedder, changed: Callable[..., Path], load: Load
) -> None:
    folder = changed(sentence_bert_config={"max_seq_length": 256, "do_lower_case": True})
    cased = json.loads((folder / "tokenizer.json").read_text())
    cased["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").write_text(json.dumps(cased))
    found, expected = await embedded(load(folder), ["A CAT"]), await embedded(embedder, ["a cat"])
    assert found.vectors[0] == pytest.approx(expected.vectors[0], abs=1e-6)


def test_a_pooling_that_leaves_the_prompt_out_is_refused(changed: Callable[..., Path]) -> None:
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    pooling = {"pooling_mode_mean_tokens": True, "include_prompt": False}
    folder = changed(config_sentence_transformers=prompts, **{"1_Pooling__config": pooling})
    with pytest.raises(ValueError, match="leaves its prompt out"):
        Embedder.load(folder)
