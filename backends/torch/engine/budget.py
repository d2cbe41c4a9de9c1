"""How many prompt tokens a step may take, by what steps were measured to last."""

_WEIGHT = 0.3  # of the newest measurement: five steps forget a machine that was slow for a moment
_ODD = 4.0  # a measurement counts as at most so many times off: one odd step must not govern
_FLOOR = 16  # prompt tokens a step at the least, so that decoding never starves a prompt
_TOGETHER = 32  # steps in a row with prompts; then one without, to see what decoding alone takes
_TELLING = 64  # a prompt piece of fewer tokens costs little more than reading the weights


class PrefillBudget:
    """Keeps a step that has decoding sequences within `stall_s`.

    Where decoding alone takes most of that, prompts may make a step last half as long again. A
    step is taken to last as long as decoding alone does, for so many sequences, and a fixed time
    for each prompt token. Both follow what is measured, so context, threads and company show.
    """

    def __init__(self, stall_s: float = 0.05, most_tokens: int = 512) -> None:
        self._stall_s = stall_s
        self._most = most_tokens
        self._alone_s: dict[int, float] = {}  # by the bit length of the number of sequences
        self._token_s: float | None = None
        self._together = 0

    def tokens(self, decoding: int) -> int:
        """How many prompt tokens may go with `decoding` sequences of one token each."""
        if not decoding:
            return self._most
        alone_s = self._alone_s.get(decoding.bit_length())
        if alone_s is None or self._together >= _TOGETHER:
            return 0
        if self._token_s is None:
            return min(_TELLING, self._most)
        fitting = int(self._room_s(alone_s) / self._token_s)
        return max(min(_FLOOR, self._most), min(self._most, fitting))

    def learn(self, decoding: int, prompt_tokens: int, step_s: float) -> None:
        """Take in what a step lasted."""
        size = decoding.bit_length()
        alone_s = self._alone_s.get(max(1, size))
        if not prompt_tokens:
            self._together = 0
            known_s = step_s if alone_s is None else alone_s
            self._alone_s[size] = known_s + _WEIGHT * (step_s - known_s)
            return
        self._together += 1
        if (alone_s is None or self._token_s is None) and prompt_tokens < _TELLING:
            return
        if alone_s is not None and decoding:
            self._alone_s[size] = alone_s = min(alone_s, step_s)  # it was measured in worse times
        token_s = max(1e-7, step_s - (alone_s or 0.0)) / prompt_tokens
        known_s = token_s if self._token_s is None else self._token_s
        token_s = min(max(token_s, known_s / _ODD), known_s * _ODD)
        if token_s < known_s and prompt_tokens < _TELLING <= self._room_s(alone_s or 0) / known_s:
            return  # it was short by itself, and may cost nothing where a long one will
        self._token_s = known_s + _WEIGHT * (token_s - known_s)

    def _room_s(self, alone_s: float) -> float:
        return max(self._stall_s - alone_s, alone_s / 2)
