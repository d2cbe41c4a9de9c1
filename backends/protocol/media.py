"""What kind of image some bytes are: by their first ones, whatever their name or label says."""

import re

# The images that the API takes. Four lines do for what a library of all formats would.
IMAGE_HEADS = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
)
HEAD_BYTES = 12


def image_type(head: bytes) -> str | None:
    """The media type of an image by its first `HEAD_BYTES` bytes, None if it is none of these."""
    return next((name for name, pattern in IMAGE_HEADS if pattern.match(head)), None)
