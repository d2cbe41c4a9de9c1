"""A document that a JSON schema accepts, a text that a grammar accepts.

| file | holds |
|---|---|
| `synthesis.py` | `instance` and `matching`: what is attempted, what is refused |
| `cost.py` | which schemas would be too much for the libraries underneath |
| `schema.py` | what a schema holds, and the values that it suggests |
| `shapes.py` | the forms of it that grammars are made of |
| `grammars.py` | which bytes may come next, by llguidance |
| `choices.py` | which of them are preferred |
| `document.py`, `pen.py` | writing JSON, writing bytes |
| `checking.py` | the last word on a document, by jsonschema-rs |
"""

from backends.mock.instance.synthesis import instance, matching

__all__ = ["instance", "matching"]
