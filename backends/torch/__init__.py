"""The local engine: text by a model on this machine, many sequences at a time.

| room | holds |
|---|---|
| `backend.py` | `TorchBackend`: requests in, events out |
| `local_model.py` | the files of the model, checked, and what is made of them |
| `prompt.py`, `generation.py`, `answer.py` | a request as token ids, in the engine, as events |
| `measures.py`, `settings.py` | the numbers for `/metrics`; `TORCH_*` |
| `decoder.py` | the inner seam: what a decoder is, and what it is given |
| `engine/` | blocks, prefix cache, scheduler, the thread |
| `models/` | decoders: Llama and Qwen families, any other by transformers, one's own |
| `kernels/` | the fast tier on CPUs: C, compiled at first use |
| `sampling/` | how tokens are drawn |
| `grammar/` | structured output and tool calls |
| `text/` | tokenizer, chat template, text from tokens |
| `embedding/` | sentence embeddings |
| `weights/` | where a model's files come from |
"""
