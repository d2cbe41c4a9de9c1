"""From a backend's events to complete ones: what a small backend leaves to the adapter.

| file | does |
|---|---|
| `duties.py` | drives the backend: `n`, several prompts, `echo`, finish reasons, usage |
| `choice.py` | one choice: counts its tokens, ends it at `max_tokens` and at a stop string |
| `stops.py` | finds stop strings, holding back what may begin one |
| `interleave.py` | several streams as one |
"""
