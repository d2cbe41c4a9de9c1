"""Events in, OpenAI's shapes out: the one place that writes ids, indices, roles and usage.

| file | writes |
|---|---|
| `head.py` | the constant part of an answer: id, time, model |
| `fold.py` | a stream of events folded into whole choices |
| `chat.py` | `chat.completion` and its chunks |
| `completion.py` | `text_completion`, whole and streamed |
| `logprobs.py` | both shapes of logprobs |
| `embedding.py`, `model.py`, `moderation.py` | the other resources |
"""
