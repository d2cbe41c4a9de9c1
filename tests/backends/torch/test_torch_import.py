"""The engine's start imports PyTorch, and nothing else that takes long."""

import subprocess
import sys

SLOW = {"transformers", "sympy", "torch._dynamo", "torch._inductor", "scipy", "huggingface_hub"}


def test_the_engine_imports_nothing_slow_but_torch() -> None:
    shown = "import backends.torch.backend, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", shown], capture_output=True, check=True, text=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "torch" in loaded
    assert not loaded & SLOW
