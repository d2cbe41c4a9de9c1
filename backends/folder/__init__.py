"""Providers that a folder describes: adding one is adding a folder, and no code.

| file | holds |
|---|---|
| `backend.py` | `FolderBackend`, which asks the provider that claims the model |
| `provider.py` | one provider, read from its folder |
| `metadata.py` | `metadata.json`: where it is, what it serves, where its answer's parts stand |
| `header.py` | `header.txt`: the request line and the headers |
| `payload.py` | `payload.json`: the body, with placeholders |
| `placeholders.py` | what each placeholder stands for |
| `answer.py` | a provider's answer as events |
| `example.py` | `response_example.md`, an answer to try the mapping on |
| `files.py` | reading the files, and what is said of a wrong one |
| `expression.py` | JMESPath |
| `cli.py` | `adapter providers check` |
"""

from backends.folder.backend import FolderBackend

__all__ = ["FolderBackend"]
