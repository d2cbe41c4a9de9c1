"""The strict reader of event streams: nothing is forgiven in silence."""

import pytest

from contract_tests.wire.exchange import Exchange
from contract_tests.wire.sse import Frame, frames_of, line_ends

BOM = b"\xef\xbb\xbf"


def answer(body: bytes, arrivals: list[tuple[float, int]] | None = None) -> Exchange:
    """An answer with that body."""
    return Exchange(
        "POST", "http://x/v1", [], b"", 200, body=body, arrivals=arrivals or [], duration_s=9
    )


def frames(body: bytes) -> list[Frame]:
    return frames_of(answer(body))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=repr)
def test_every_line_end_ends_a_line(end: bytes) -> None:
    body = end.join([b"data: 1", b"", b"event: e", b"data: 2", b"", b""])
    first, second = frames(body)
    assert (first.data, first.event) == ("1", None)
    assert (second.data, second.event) == ("2", "e")
    assert first.finished
    assert second.finished
    assert line_ends(answer(body)) == {end}


def test_line_ends_may_be_mixed_and_are_told_apart() -> None:
    body = b"data: 1\r\n\ndata: 2\r\rdata: 3\n\r\n"
    assert [frame.data for frame in frames(body)] == ["1", "2", "3"]
    assert line_ends(answer(body)) == {b"\r\n", b"\n", b"\r"}


def test_carriage_return_and_line_feed_are_one_end() -> None:
    (frame,) = frames(b"data: 1\r\ndata: 2\r\n\r\n")
    assert frame.data == "1\n2"


@pytest.mark.parametrize("body", [BOM + b"data: 1\n\n", BOM + b"data: 1"])
def test_a_bom_is_skipped_at_the_very_start(body: bytes) -> None:
    (frame,) = frames(body)
    assert frame.fields == [("data", "1")]


@pytest.mark.parametrize("body", [b"\n" + BOM + b"data: 1\n\n", BOM + BOM + b"data: 1\n\n"])
def test_a_bom_anywhere_else_is_part_of_the_name(body: bytes) -> None:
    (frame,) = frames(body)
    assert frame.data is None
    assert frame.fields == [("\ufeffdata", "1")]


def test_comments_are_kept_but_are_no_data() -> None:
    keepalive, chunk = frames(b": ping\n\n:pong\ndata: 1\n\n")
    assert keepalive.comments == [" ping"]
    assert keepalive.data is None
    assert keepalive.finished
    assert chunk.comments == ["pong"]
    assert chunk.data == "1"
    assert chunk.lines == [":pong", "data: 1"]


@pytest.mark.parametrize(
    ("line", "value"),
    [(b"data:1", "1"), (b"data: 1", "1"), (b"data:  1", " 1"), (b"data:\t1", "\t1")],
)
def test_one_space_after_the_colon_is_no_part_of_the_value(line: bytes, value: str) -> None:
    assert frames(line + b"\n\n")[0].data == value


def test_several_data_lines_are_joined() -> None:
    (frame,) = frames(b'data: {"a":\ndata: 1}\ndata:\n\n')
    assert frame.data == '{"a":\n1}\n'
    assert frame.values("data") == ['{"a":', "1}", ""]


def test_an_empty_data_line_is_data_and_none_is_none() -> None:
    assert frames(b"data:\n\n")[0].data == ""
    assert frames(b"id: 7\n\n")[0].data is None


@pytest.mark.parametrize("body", [b"data: 1\n\ndata: 2", b"data: 1\n\ndata: 2\n"])
def test_an_unfinished_last_frame_is_told(body: bytes) -> None:
    first, last = frames(body)
    assert first.finished
    assert not last.finished
    assert last.data == "2"


def test_blank_lines_alone_are_no_frames() -> None:
    assert frames(b"\n\n\n") == []
    assert frames(b"") == []
    assert len(frames(b"\n\ndata: 1\n\n\n\n")) == 1


def test_invalid_utf_8_is_replaced_and_does_not_reach_over_its_line() -> None:
    first, second = frames(b"data: \xff\xe6\x97\n\ndata: \xe6\x97\xa5\n\n")
    assert first.data is not None
    assert first.data.startswith("\ufffd")
    assert second.data == "日"


def test_a_field_without_a_colon_has_an_empty_value() -> None:
    (frame,) = frames(b"data\nretry\n\n")
    assert frame.fields == [("data", ""), ("retry", "")]
    assert frame.data == ""


def test_a_line_of_json_without_its_field_is_shown() -> None:
    (frame,) = frames(b'{"error": {"message": "no"}}\n\n')
    assert frame.data is None
    assert frame.lines == ['{"error": {"message": "no"}}']


def test_the_last_event_name_counts() -> None:
    assert frames(b"event: a\nevent: b\ndata: 1\n\n")[0].event == "b"


def test_other_ends_of_unicode_end_no_line() -> None:
    text = "a\u2028b\u0085c\x0bd"
    (frame,) = frames(f"data: {text}\n\n".encode())
    assert frame.data == text


def test_a_frame_arrives_with_its_last_byte() -> None:
    body = b"data: 1\n\ndata: 2\n\ndata: 3"
    arrivals = [(0.1, 8), (0.2, 9), (0.3, 20), (0.4, len(body))]
    assert [frame.at_s for frame in frames_of(answer(body, arrivals))] == [0.2, 0.3, 0.4]


def test_a_frame_without_an_arrival_came_in_the_end() -> None:
    assert frames_of(answer(b"data: 1\n\n"))[0].at_s == 9


@pytest.mark.parametrize("step", range(1, 12))
def test_how_the_body_was_split_changes_only_the_times(step: int) -> None:
    body = BOM + "data: é日🎉\r\n\r\n: c\rdata:2\r\revent: e\ndata\n\ndata: [DONE]".encode()
    sizes = [*range(step, len(body), step), len(body)]
    split = frames_of(answer(body, [(float(size), size) for size in sizes]))
    whole = frames(body)
    assert [(f.fields, f.comments, f.lines, f.finished) for f in split] == [
        (f.fields, f.comments, f.lines, f.finished) for f in whole
    ]
    times = [frame.at_s for frame in split]
    assert times == sorted(times)
    assert set(times) <= set(map(float, sizes))
