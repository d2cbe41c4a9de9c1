"""The dynamic model list: read from a URL or a file, checked, and kept through every failure.

| file | holds |
|---|---|
| `document.py` | the JSON document, checked, as `ListedModel`s |
| `source.py` | where it is read: over HTTP, or from a file |
| `saved.py` | the last good one on disk |
| `keeper.py` | `ModelList`: reads again and again, and keeps the last good one |
"""

from adapter.model_list.document import ListedModel
from adapter.model_list.keeper import ListState, ModelList

__all__ = ["ListState", "ListedModel", "ModelList"]
