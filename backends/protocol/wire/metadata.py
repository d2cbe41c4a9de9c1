"""The labels that a client hangs on an object."""

from typing import Annotated

from pydantic import Field

Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16, fail_fast=True),
]
"""At most 16 pairs, a key of at most 64 and a value of at most 512 characters."""
