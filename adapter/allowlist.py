"""Which models a server, or a key, may use."""

import re
from collections.abc import Sequence
from fnmatch import translate


class AllowList:
    """Names with `*` and `?` as wildcards; an empty list allows everything."""

    def __init__(self, names: Sequence[str]) -> None:
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise TypeError("models must be a list of names")
        self._pattern = re.compile("|".join(translate(name) for name in names))

    def allows(self, model: str) -> bool:
        """Whether a model of that name may be used."""
        return self._pattern.match(model) is not None


EVERYTHING = AllowList(())
