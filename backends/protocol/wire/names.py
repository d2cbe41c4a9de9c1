"""How a client names a model, a function and a token."""

from typing import Annotated

from pydantic import Field

ModelName = Annotated[str, Field(min_length=1)]
"""Any name: which models there are is the server's affair, not the wire's."""

FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Also the name of a JSON schema."""

TokenId = Annotated[int, Field(ge=0)]
"""A position in the model's vocabulary, whose end only the backend knows."""
