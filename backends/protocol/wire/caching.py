"""What a client says about the reuse of its prompt."""

from typing import Literal

from backends.protocol.wire.model import Omittable, WireModel


class PromptCacheOptionsParam(WireModel):
    """How the prefixes of a request are cached, and for how long at least."""

    ttl: Omittable[Literal["30m"]] = None
    mode: Omittable[Literal["implicit", "explicit"]] = None


class PromptCacheBreakpointParam(WireModel):
    """The end of a prefix that is worth keeping."""

    mode: Literal["explicit"]
