"""From logits to tokens.

| file | holds |
|---|---|
| `drawing.py` | how a sequence's tokens are drawn, and what comes out |
| `sampler.py` | `Sampler`: one token for each row of logits |
| `greedy.py` | the likeliest tokens, without taking rows off a GPU |
| `distribution.py` | bias, penalties, mask, temperature, a place in the running sum |
| `nucleus.py` | `cut`: the fewest tokens that hold `top_p` |
| `logprobs.py` | what the model itself thought of a token, and of the likeliest |
"""
