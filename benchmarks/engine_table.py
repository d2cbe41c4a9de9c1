"""The table of engines: how each is run in process, and how it is served."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import exchange
from engine_model import Model
from servers import FOLDER, REPOSITORY, Server

WINDOW_TOKENS = 2048
SLOTS = 32
USAGE = {"stream_options": {"include_usage": True}}
PRIVATE = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}


@dataclass(frozen=True)
class Engine:
    """One engine: its worker, a script of this folder that its Python runs, and its server.

    `model` is the name it is asked by, None for the first that its server lists; `extra` goes into
    the body of each request.
    """

    name: str
    python: str
    worker: str | None
    options: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    server: Server | None = None
    model: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """What every engine is told, and its own."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(Path.home()), **PRIVATE, **own}


def ours(name: str, model: Model, *, kernels: bool, quantize: str, served: bool = True) -> Engine:
    """Our engine, at one of its tiers."""
    told = "true" if kernels else "false"
    own = environment({"PYTHONPATH": str(REPOSITORY), "TORCH_KERNELS": told, "QUANTIZE": quantize})
    command = [sys.executable, "-m", "adapter", "serve", "--backend", "torch"]
    command += ["--model-path", str(model.folder), "--port", "{port}"]
    server = Server(name, command, own, "/readyz") if served else None
    options = {"kernels": told, "quantize": quantize}
    return Engine(name, sys.executable, "engine_ours.py", options, own, server, extra=USAGE)


def generate(python: str) -> Engine:
    """`generate` of transformers, which has no server of its own worth the time."""
    return Engine("generate", python, "engine_transformers.py", {}, environment({}))


def batching(python: str, model: Model) -> Engine:
    """`transformers serve --continuous-batching`, which is a server alone."""
    program, folder = str(Path(python).parent / "transformers"), str(model.folder)
    command = [program, "serve", folder, "--continuous-batching", "--host", exchange.HOST]
    server = Server("batching", [*command, "--port", "{port}"], environment({}), "/health")
    return Engine("batching", python, None, server=server, model=folder)


def llamacpp(name: str, python: str, file: str, *, served: bool) -> Engine:
    """llama.cpp from a GGUF file; served by `llama-server` where there is one."""
    own, cores = environment({}), str(len(os.sched_getaffinity(0)))
    program = shutil.which("llama-server", path=str(Path(python).parent))
    if program:
        command = [program, "--model", file, "--parallel", str(SLOTS), "--threads", cores]
        command += ["--ctx-size", str(SLOTS * WINDOW_TOKENS // 8), "--kv-unified"]
    else:
        command = [python, "-m", "llama_cpp.server", "--model", file, "--n_threads", cores]
        command += ["--n_ctx", str(WINDOW_TOKENS), "--interrupt_requests", "false"]
    command += ["--host", exchange.HOST, "--port", "{port}"]
    server = Server(name, command, own, "/health" if program else "/v1/models")
    options = {"gguf": file}
    return Engine(name, python, "engine_llamacpp.py", options, own, server if served else None)


def vllm(name: str, python: str, model: Model, *, all_cores: bool) -> Engine:
    """The CPU build of vLLM, with a GB for its cache; one core is its own unless told."""
    own = environment({"VLLM_CPU_KVCACHE_SPACE": "1"})
    if all_cores:
        own["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    path = os.pathsep.join((str(Path(python).parent), own["PATH"]))  # it looks for its ninja
    own["PATH"] = path
    folder = str(model.folder)
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", folder]
    command += ["--dtype", "bfloat16", "--max-model-len", str(WINDOW_TOKENS)]
    command += ["--max-num-seqs", str(SLOTS)]
    command += ["--host", exchange.HOST, "--port", "{port}"]
    server = Server(name, command, own, "/health")
    # The same in process, so that what it compiled once is found again.
    options = {"window": str(WINDOW_TOKENS), "slots": str(SLOTS)}
    worker = "engine_vllm.py" if all_cores else None  # in process no core is wanted for a server
    return Engine(name, python, worker, options, own, server, folder, USAGE)


def openvino(python: str, file: str) -> Engine:
    """OpenVINO GenAI, which is a library alone."""
    return Engine("openvino", python, "engine_openvino.py", {"gguf": file}, environment({}))


def script(engine: Engine) -> str:
    """The file of an engine's worker."""
    assert engine.worker is not None  # noqa: S101 - asked of those that have one
    return str(FOLDER / engine.worker)
