from functools import cache
from pathlib import Path

import pytest

from backends.protocol.errors import BadRequestError, UnsupportedParameter
from backends.torch.text.tokenizer import Tokenizer
from tests.backends.torch.tokenizer_folders import byte_level, metaspace, words, write

read = cache(Tokenizer.read)  # the folder of the session
TEXTS = [
    "",
    "Hello world",
    "  two  spaces\n\nand lines\t",
    "é 漢字 🙂 x=1+2345",
    "<|im_end|> is read",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back_from_its_ids(smollm2: Path, text: str) -> None:
    tokenizer = read(smollm2)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text == tokenizer.inner.decode(ids, skip_special_tokens=False)
    assert "".join(map(tokenizer.token_text, tokenizer.encode("Hello world"))) == "Hello world"


def test_the_default_model_has_its_end_and_its_names(smollm2: Path) -> None:
    tokenizer = read(smollm2)
    assert tokenizer.vocabulary == 49152
    assert tokenizer.stops == {2}
    assert tokenizer.names["bos_token"] == "<|im_start|>"
    assert tokenizer.decode([1, *tokenizer.encode("hi"), 2], special=False) == "hi"
    assert "im_start" in tokenizer.templates["default"]


def test_a_leading_space_that_the_tokenizer_added_is_dropped(tmp_path: Path) -> None:
    tokenizer = Tokenizer.read(write(tmp_path, metaspace()))
    for text in ("the cat", " two", "é🙂", "the\ncat"):
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text == tokenizer.inner.decode(ids)
    cat = tokenizer.encode("the cat")[-1]
    assert tokenizer.token_text(cat).endswith("t")
    assert tokenizer.token_bytes(3 + 0xE9) == b"\xe9"
    assert tokenizer.token_text(3 + 0xE9) == "\udce9"


def test_a_decoder_of_another_kind_is_asked_token_by_token(tmp_path: Path) -> None:
    tokenizer = Tokenizer.read(write(tmp_path, words()))
    assert tokenizer.decode(tokenizer.encode("a kitten")) == "a kitten"


def test_the_ids_that_end_an_answer_come_from_all_who_name_them(tmp_path: Path) -> None:
    inner = byte_level("<a>", "<b>", "<c>")
    a, b, c = (inner.token_to_id(name) for name in ("<a>", "<b>", "<c>"))
    config = {"eos_token": {"content": "<c>"}}
    folder = write(tmp_path, inner, config, config={"eos_token_id": a})
    assert Tokenizer.read(folder).stops == {a, c}
    write(tmp_path, inner, config, generation_config={"eos_token_id": [b, c]})
    assert Tokenizer.read(folder).stops == {b, c}


@pytest.mark.parametrize(
    "names",
    [
        ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
        ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
        ("<PRE>", "<SUF>", "<MID>"),
    ],
)
def test_a_suffix_is_asked_for_by_the_models_own_tokens(
    tmp_path: Path, names: tuple[str, str, str]
) -> None:
    tokenizer = Tokenizer.read(write(tmp_path, byte_level(*names)))
    before, after, middle = names
    assert tokenizer.decode(tokenizer.encode_fill("one", "two")) == f"{before}one{after}two{middle}"


def test_a_suffix_is_refused_where_there_are_no_such_tokens(smollm2: Path) -> None:
    with pytest.raises(UnsupportedParameter, match="suffix") as refused:
        read(smollm2).encode_fill("one", "two")
    assert refused.value.param == "suffix"


def test_truncation_and_padding_that_a_folder_asks_for_are_not_done(tmp_path: Path) -> None:
    inner = byte_level()
    inner.enable_truncation(4)
    inner.enable_padding(length=8)
    tokenizer = Tokenizer.read(write(tmp_path, inner))
    assert len(tokenizer.encode("abcdef")) == 6
    assert len(tokenizer.encode("a")) == 1


@pytest.mark.parametrize("model", [100, 200, 1000])
def test_a_tokenizer_of_another_model_is_one_line(tmp_path: Path, model: int) -> None:
    tokenizer = Tokenizer.read(write(tmp_path, byte_level()))
    tokenizer.check(256)
    tokenizer.check(288)
    with pytest.raises(ValueError, match="256 ids and the model") as wrong:
        tokenizer.check(model)
    assert "\n" not in str(wrong.value)


def test_a_folder_without_a_tokenizer_or_with_a_broken_one_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no tokenizer\.json"):
        Tokenizer.read(tmp_path)
    for content in ('{"version": "1.0", ', "[]", '{"model": {"type": "Nonsense"}}'):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(ValueError, match=r"tokenizer\.json is no") as wrong:
            Tokenizer.read(tmp_path)
        assert "\n" not in str(wrong.value)


def test_ids_outside_the_vocabulary_are_refused_or_empty(tmp_path: Path) -> None:
    tokenizer = Tokenizer.read(write(tmp_path, byte_level()))
    tokenizer.require([0, 255], "tokens")
    for token in (-1, 256):
        assert tokenizer.decode([token]) == ""
        with pytest.raises(BadRequestError, match="not in the vocabulary of 256") as refused:
            tokenizer.require([token], "tokens")
        assert refused.value.param == "tokens"


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    tokenizer = Tokenizer.read(write(tmp_path, byte_level()))
    with pytest.raises(BadRequestError, match="surrogate"):
        tokenizer.encode("a\ud800")


def test_templates_are_read_by_name_and_a_file_of_its_own_wins(tmp_path: Path) -> None:
    named = [{"name": "default", "template": "one"}, {"name": "tool_use", "template": "two"}]
    folder = write(tmp_path, byte_level(), {"chat_template": named})
    assert Tokenizer.read(folder).templates == {"default": "one", "tool_use": "two"}
    (folder / "chat_template.jinja").write_text("three")
    assert Tokenizer.read(folder).templates == {"default": "three", "tool_use": "two"}


@pytest.mark.parametrize("template", ["a", 5, ["x"], [{"name": "a"}], [{"name": 1, "template": 2}]])
def test_a_chat_template_that_is_none_is_one_line(tmp_path: Path, template: object) -> None:
    folder = write(tmp_path, byte_level(), {"chat_template": template})
    if template == "a":
        assert Tokenizer.read(folder).templates == {"default": "a"}
    else:
        with pytest.raises(ValueError, match="a 'chat_template' that is none"):
            Tokenizer.read(folder)


def test_an_end_that_the_vocabulary_does_not_have_is_left_out(tmp_path: Path) -> None:
    told = {"eos_token_id": [3, 999_999]}
    folder = write(tmp_path, byte_level(), generation_config=told)
    assert Tokenizer.read(folder).stops == {3}


@pytest.mark.parametrize("told", ["2", ["a"], [None], [2.5]])
def test_an_end_that_is_no_id_is_one_line(tmp_path: Path, told: object) -> None:
    folder = write(tmp_path, byte_level(), generation_config={"eos_token_id": told})
    with pytest.raises(ValueError, match="an 'eos_token_id' that is no id"):
        Tokenizer.read(folder)
