"""A document that a JSON schema accepts, a text that a grammar accepts.

| file | holds |
|---|---|
| `synthesis.py` | `instance` and `matching`: what is tried, and what is refused |
| `grammars.py` | what may come next |
| `document.py` | writes JSON: short, plain, the same each time |
| `pen.py` | writes the bytes that a grammar allows |
| `schema.py` | what a schema suggests, and the shapes of it that show more |
| `cost.py` | which schemas would cost the libraries underneath too much |
"""

from backends.mock.instance.synthesis import instance, matching

__all__ = ["instance", "matching"]
