"""The decoder of one's own, served: its tokens come through the whole API."""

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from tests.server import ROOT, Serve


def byte_tokenizer(folder: Path) -> Path:
    """A tokenizer whose 256 tokens are the bytes."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: number for number, character in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_a_decoder_of_ones_own_is_served(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "tiny_decoder.py").write_text((ROOT / "examples/tiny_decoder.py").read_text())
    server = serve(
        *("--backend", "torch", "--model-path", "tiny_decoder:TinyDecoder"),
        *("--tokenizer-path", str(byte_tokenizer(tmp_path / "bytes")), "--device", "cpu"),
    )
    with server.http() as http:
        while http.get("/readyz").status_code != 200:
            pass
    with server.client() as client:
        model = client.models.list().data[0].id
        assert model == "TinyDecoder"
        first, again = (
            client.completions.create(model=model, prompt="Hello", max_tokens=9, temperature=0)
            for _ in range(2)
        )
        assert first.choices[0].text == again.choices[0].text
        assert first.usage is not None
        assert (first.usage.prompt_tokens, first.usage.completion_tokens) == (5, 9)
        chosen = client.completions.create(
            model=model, prompt="Hello", max_tokens=4, logit_bias={"70": 100}
        )
        assert len(set(chosen.choices[0].text)) == 1
