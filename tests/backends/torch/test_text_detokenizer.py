from collections.abc import Iterable
from functools import cache
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.torch.text.detokenizer import Detokenizer
from backends.torch.text.tokenizer import Tokenizer
from tests.backends.torch.tokenizer_folders import metaspace, write

read = cache(Tokenizer.read)
IDS = st.lists(st.integers(0, 2**32), max_size=30)
EASY = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer.read(write(tmp_path_factory.mktemp("llama"), metaspace()))


def pieces(detokenizer: Detokenizer, ids: Iterable[int]) -> list[str]:
    return [*(detokenizer.push(token) for token in ids), detokenizer.flush()]


@EASY
@given(drawn=IDS, special=st.booleans())
def test_byte_level_pieces_join_to_what_the_library_decodes(
    smollm2: Path, drawn: list[int], special: bool
) -> None:
    tokenizer = read(smollm2)
    ids = [number % tokenizer.vocabulary for number in drawn]
    joined = "".join(pieces(Detokenizer(tokenizer, special=special), ids))
    assert joined == tokenizer.decode(ids, special=special)
    assert joined == tokenizer.inner.decode(ids, skip_special_tokens=not special)


@EASY
@given(drawn=IDS, special=st.booleans())
def test_metaspace_pieces_join_to_the_text_of_all(
    llama: Tokenizer, drawn: list[int], special: bool
) -> None:
    ids = [number % llama.vocabulary for number in drawn]
    joined = "".join(pieces(Detokenizer(llama, special=special), ids))
    assert joined == llama.decode(ids, special=special)


@EASY
@given(text=st.text(st.characters(exclude_characters="▁", codec="utf-8"), max_size=30))
def test_any_text_comes_back_and_no_piece_has_half_a_character(llama: Tokenizer, text: str) -> None:
    shown = pieces(Detokenizer(llama, special=True), llama.encode(text))
    assert "".join(shown) == text
    assert "�" in text or not any("�" in piece for piece in shown)


def test_a_character_is_shown_when_its_last_byte_has_come(llama: Tokenizer) -> None:
    ids = [3 + byte for byte in "é🙂".encode()]
    assert pieces(Detokenizer(llama), ids) == ["", "é", "", "", "", "🙂", ""]
    assert pieces(Detokenizer(llama), ids[:1]) == ["", "�"]


def test_a_text_that_goes_on_keeps_the_space_before_its_first_word(llama: Tokenizer) -> None:
    ids = llama.encode("the cat")
    assert "".join(pieces(Detokenizer(llama), ids)) == "the cat"
    assert "".join(pieces(Detokenizer(llama, begins=False), ids)) == " the cat"


def test_a_long_answer_costs_no_more_for_each_token(smollm2: Path) -> None:
    tokenizer = read(smollm2)
    detokenizer = Detokenizer(tokenizer)
    began = perf_counter()
    for _ in range(100_000):
        detokenizer.push(157)  # a byte that never completes a character
    assert perf_counter() - began < 5
