"""Sentence embeddings.

| file | holds |
|---|---|
| `embedder.py` | `Embedder`: texts in, unit vectors out |
| `sentence.py` | what a folder says of itself: window, prefix, pooling |
| `pooling.py` | one vector out of many |
"""
