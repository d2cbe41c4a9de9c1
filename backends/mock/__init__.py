"""The mock: echoes the last user message and keeps the whole contract, with no model at all.

| file | holds |
|---|---|
| `backend.py` | `MockBackend`: what is asked for, in which order, at which pace |
| `answer.py` | what the answer to a request is: text, a refusal, a document, calls |
| `calls.py` | which tools are called |
| `instance/` | a document that a JSON schema accepts |
| `sampler.py` | a tiny model around the answer: bias, penalties, temperature, logprobs |
| `media.py` | refuses images and audio that are none |
| `embedding.py`, `moderation.py` | vectors and judgements from words |
| `settings.py`, `names.py` | `MOCK_*`, and the model names that people's code already uses |
"""

from backends.mock.backend import MockBackend

__all__ = ["MockBackend"]
