"""Stop strings against the definition, over many random texts cut into random pieces."""

from random import Random

from adapter.generation.stops import StopFilter
from backends.protocol import TextDelta


def until_stopped(text: str, stops: list[str]) -> tuple[str, bool]:
    """By the definition: the text before the stop string that is complete first."""
    for end in range(1, len(text) + 1):
        if starts := [end - len(stop) for stop in stops if text[:end].endswith(stop)]:
            return text[: min(starts)], True
    return text, False


def test_any_cut_of_any_text_is_stopped_alike_and_leaks_nothing() -> None:
    lot = Random(0)
    for _ in range(5000):
        text = "".join(lot.choices("ab", k=lot.randrange(14)))
        stops = ["".join(lot.choices("ab", k=lot.randrange(1, 5))) for _ in range(3)]
        expected = until_stopped(text, stops)
        found, given, at = StopFilter(stops), "", 0
        while at < len(text) and not found.stopped:
            size = lot.randrange(1, 4)
            given += "".join(piece.text for piece in found.push(TextDelta(text[at : at + size])))
            at += size
            assert expected[0].startswith(given), (text, stops)
        if not found.stopped:
            given += "".join(piece.text for piece in found.flush())
        assert (given, found.stopped) == expected, (text, stops)


def test_a_long_stop_string_takes_linear_time() -> None:
    found = StopFilter(["a" * 200_000 + "b"])
    assert not any(found.push(TextDelta("aaaa")) for _ in range(50_000))
    assert len(found.push(TextDelta("c"))) == 50_001
