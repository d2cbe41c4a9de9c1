"""A tiny language model around a text that is already decided.

At each step the decided token leads a few common tokens by `LEAD` in logits. Bias and penalties
act on these logits as OpenAI documents them, and the likeliest token comes out, so a ban, a forced
token or a strong penalty shows. Temperature adds noise that is bounded by `NOISE`: up to
temperature 1 it never overcomes the lead, so the mock keeps echoing; above, it may, by the seed.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import exp, log
from random import Random

from backends.protocol import Sampling, TextDelta, TokenLogprob
from backends.protocol.tokenizer import token_id, token_text

LEAD = 1.9
STEP = 0.5
NOISE = 0.9
BIASED_LOGIT = -20.0
COMMON = (
    " the",
    " of",
    " and",
    " to",
    " in",
    " is",
    " it",
    " you",
    " for",
    " on",
    " was",
    " as",
    " be",
    " at",
    " or",
    " we",
    " he",
    " by",
    " an",
    " my",
    " no",
    " so",
    " up",
    " me",
    " do",
    " if",
    " go",
    " us",
)
Scores = Callable[[str], float]


def needs_sampler(sampling: Sampling, logprobs: int | None) -> bool:
    """Whether anything but the decided tokens could come out or be told."""
    return bool(
        logprobs is not None
        or sampling.temperature > 1
        or sampling.frequency_penalty
        or sampling.presence_penalty
        or sampling.logit_bias
    )


class Sampler:
    """Draws one sequence; the same request draws the same one."""

    def __init__(self, sampling: Sampling, logprobs: int | None) -> None:
        self._sampling = sampling
        self._logprobs = logprobs
        self._bias: Mapping[str, float] = {
            token_text(token): bias for token, bias in sampling.logit_bias.items()
        }
        self._random = Random(sampling.seed or 0)  # noqa: S311 - reproducible on purpose
        self._seen: Counter[str] = Counter()

    def draw(self, token: str) -> TextDelta:
        """The token that comes out where `token` was decided."""
        logits = self._logits(token)
        drawn = max(logits, key=self._noisy(logits))
        self._seen[drawn] += 1
        return self._delta(drawn, logits)

    def told(self, token: str, *, first: bool = False) -> TextDelta:
        """A token that is certain (of a prompt, of a constrained document), with its logprobs."""
        if self._logprobs is None:
            return TextDelta(token, tokens=1)
        if first:
            return TextDelta(token, tokens=1, logprobs=(TokenLogprob(token, None),))
        return self._delta(token, _leading(token))

    def _logits(self, token: str) -> dict[str, float]:
        logits = _leading(token)
        for text, bias in self._bias.items():
            logits[text] = logits.get(text, BIASED_LOGIT) + bias
        sampling = self._sampling
        if sampling.frequency_penalty or sampling.presence_penalty:
            for text, times in self._seen.items():
                if text in logits:
                    penalty = sampling.frequency_penalty * times + sampling.presence_penalty
                    logits[text] -= penalty
        return logits

    def _noisy(self, logits: Mapping[str, float]) -> Scores:
        temperature = self._sampling.temperature
        if not temperature:
            return logits.__getitem__
        kept = _nucleus(logits, temperature, self._sampling.top_p)
        noise = {text: self._random.uniform(-NOISE, NOISE) * temperature for text in logits}
        return lambda text: logits[text] + noise[text] if text in kept else float("-inf")

    def _delta(self, token: str, logits: Mapping[str, float]) -> TextDelta:
        if self._logprobs is None:
            return TextDelta(token, tokens=1)
        total = log(sum(map(exp, logits.values())))
        ranked = sorted(logits, key=logits.__getitem__, reverse=True)[: self._logprobs]
        top = [(text, round(logits[text] - total, 6)) for text in ranked]
        logprob = round(min(0.0, logits[token] - total), 6)
        return TextDelta(token, tokens=1, logprobs=(TokenLogprob(token, logprob, top),))


def _leading(token: str) -> dict[str, float]:
    start = token_id(token) % len(COMMON)
    others = (*COMMON[start:], *COMMON[:start])[:24]
    logits = {text: -STEP * rank for rank, text in enumerate(others)}
    logits[token] = LEAD
    return logits


def _nucleus(logits: Mapping[str, float], temperature: float, top_p: float) -> Sequence[str]:
    """The likeliest tokens that together reach a mass of `top_p`."""
    ranked = sorted(logits, key=logits.__getitem__, reverse=True)
    if top_p >= 1:
        return ranked
    highest = logits[ranked[0]]
    masses = [exp((logits[text] - highest) / temperature) for text in ranked]
    wanted, reached, kept = top_p * sum(masses), 0.0, 0
    while kept == 0 or reached < wanted:
        reached += masses[kept]
        kept += 1
    return ranked[:kept]
