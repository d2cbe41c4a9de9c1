"""What every refusal and every failure looks like."""

from backends.protocol.wire.model import WireModel


class Error(WireModel):
    """What went wrong, and in which parameter; all four keys are always there."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorResponse(WireModel):
    """The body of every answer that is not a success."""

    error: Error
