"""The models: how one is read, kept and run.

| file | holds |
|---|---|
| `load.py` | `load`: a decoder from a folder or from `module:factory` |
| `device.py`, `memory.py` | where it runs, in which number format, and whether it fits |
| `config.py`, `tensors.py` | what `config.json` says, and the tensors that follow from it |
| `weights.py` | `Checkpoint`: a folder's tensors, checked by their headers |
| `llama.py` | `Llama`: the Llama and Qwen families, one forward over `Ops` |
| `ops.py`, `portable.py` | `Ops`, what the tiers of speed implement, and the one in plain torch |
| `rotary.py` | the tables of rotary positions |
| `threads.py` | the threads that PyTorch computes with, and letting go of them |
| `causal_lm.py`, `trial.py` | any other model of transformers, and whether it may be run |
| `cache.py` | `PagedCache`: keys and values in blocks |
| `attention.py`, `varlen.py` | paged attention in plain torch, and on CUDA |
"""
