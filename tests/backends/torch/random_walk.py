"""A model that knows nothing, to see what a grammar lets through."""

from random import Random

import numpy as np
from tokenizers import Tokenizer

from backends.torch.grammar.matcher import GrammarMatcher

TOKENS = 49_152
VOCABULARY = 49_200  # more rows than tokens, as where a model pads
STOPS = frozenset({0, 2})


class Walk:
    """It takes allowed tokens at random, but closes what is open."""

    def __init__(self, tokenizer: Tokenizer, seed: int, limit: int = 400) -> None:
        self.tokenizer, self.random, self.limit = tokenizer, Random(seed), limit
        closers = ['"', "}", "]", '"}', '":', "}}", "0", ",", " ", "\n", ': "', "true", "<", "_"]
        self.closers = [tokenizer.encode(text, add_special_tokens=False).ids[0] for text in closers]
        self.tokens: list[int] = []

    def next(self, matcher: GrammarMatcher) -> int:
        allowed = np.flatnonzero(matcher.mask())
        assert len(allowed), "a grammar that is not over has a token to go on with"
        assert allowed[-1] < TOKENS, "a padded row is never allowed"
        few = [token for token in (*self.closers, 2) if matcher.mask()[token]]
        few += [int(self.random.choice(allowed)) for _ in range(2)]
        if len(self.tokens) > self.limit // 2 and 2 in few:
            return 2
        return self.random.choice(few)

    def text(self, matcher: GrammarMatcher) -> str | None:
        """What came out, or None if it did not come to an end."""
        for _ in range(self.limit):
            token = self.next(matcher)
            matcher.consume(token)
            if token in STOPS:
                assert matcher.finished
                return self.tokenizer.decode(self.tokens, skip_special_tokens=False)
            self.tokens.append(token)
        return None
