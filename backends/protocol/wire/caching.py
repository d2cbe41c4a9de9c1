"""What a client says about the reuse of its prompt."""

from typing import Any, Literal

from backends.protocol.wire.model import Omittable, WireModel


class PromptCacheOptionsParam(WireModel):
    """How the prefixes of a request are cached, and for how long at least."""

    ttl: Omittable[Literal["30m"]] = None
    mode: Omittable[Literal["implicit", "explicit"]] = None


class PromptCacheBreakpointParam(WireModel):
    """The end of a prefix that is worth keeping."""

    mode: Literal["explicit"]


class CacheControl(WireModel):
    """The same in Anthropic's words; which types and lifetimes there are is Anthropic's to say."""

    type: str
    ttl: str | None = None


class Cacheable(WireModel):
    """May end a prefix worth keeping: many clients send Anthropic's own word through chat."""

    cache_control: CacheControl | None = None

    def cache_mark(self) -> dict[str, Any] | None:
        """The `cache_control` as the client sent it, None where there is none."""
        given = self.cache_control
        return None if given is None else given.model_dump(exclude_unset=True)
