"""The kernels' sources made a library: compiled once, kept by what it was made of."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch

from backends.torch.models.threads import openmp_libraries

SOURCES = Path(__file__).with_name("native")
FLAGS = (
    *("-O3", "-std=gnu11", "-fPIC", "-fopenmp"),
    *("-march=x86-64-v4", "-mtune=native", "-mavx512bf16", "-mavx512vnni"),
    *("-mamx-tile", "-mamx-bf16", "-mamx-int8"),  # run only where the processor has them
)
NEEDED = (  # what the flags allow, as torch names it: a virtual machine may hide any of them
    *("avx2", "bmi", "bmi2", "f16c", "fma3", "lzcnt"),
    *("avx512_f", "avx512_bw", "avx512_cd", "avx512_dq", "avx512_vl", "avx512_bf16", "avx512_vnni"),
)
COMPILE_TIMEOUT_S = 120
DIGEST_BYTES = 32  # SHA-256 of a library, behind its end, where the loader does not look


class NoKernelsError(Exception):
    """The fast tier cannot be had here; the message says why."""


def library(folder: Path, *, anew: bool = False) -> Path:
    """The compiled library in `folder`, made if it is not there yet, or if `anew`.

    Several processes may do so at once: each compiles for itself, and the last one's stays.
    Raises NoKernelsError.
    """
    _check_machine()
    command = compiler()
    openmp = torch_openmp()
    target = folder / f"kernels-{_key(command, openmp)}.so"
    try:
        if anew or not _whole(target):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                _compile(command, openmp, Path(scratch), target)
    except OSError as error:
        raise NoKernelsError(f"nothing can be kept in {folder}: {error}") from error
    return target


def torch_openmp() -> Path:
    """The OpenMP runtime that torch computes with, which is to be ours too.

    With a second one there would be two teams of threads, each waiting actively for work.
    """
    found = openmp_libraries()
    if len(found) != 1:
        raise NoKernelsError(f"torch runs on {len(found) or 'no'} libgomp, not on one")
    return found.pop()


def has_tiles() -> bool:
    """Whether the processor has AMX for bfloat16 and int8."""
    able = torch.cpu.get_capabilities()
    return all(able.get(name, False) for name in ("amx_tile", "amx_bf16", "amx_int8"))


def _check_machine() -> None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoKernelsError("they are for Linux on x86-64")
    able = torch.cpu.get_capabilities()
    lacking = [name for name in NEEDED if not able.get(name, False)]
    if lacking:
        raise NoKernelsError(f"the processor lacks {', '.join(lacking)}")


def compiler() -> str:
    """The C compiler: `$CC`, or the system's. Raises NoKernelsError."""
    for name in (os.environ.get("CC"), "gcc", "cc"):
        path = shutil.which(name) if name else None
        if path:
            return path
    raise NoKernelsError("there is no C compiler")


def _key(command: str, openmp: Path) -> str:
    """What a library depends on, as a short name."""
    version = _run([command, "--version"])
    if "clang" in version:
        raise NoKernelsError(f"{command} is clang, which needs another OpenMP runtime than torch's")
    able = sorted(f"{name}={value}" for name, value in torch.cpu.get_capabilities().items())
    parts = [version, *FLAGS, str(openmp), torch.__version__, *able]
    parts += [path.name + path.read_text("utf-8") for path in sorted(SOURCES.iterdir())]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _whole(library: Path) -> bool:
    """Whether it is there, and as it was made: loading half a library kills the process."""
    try:
        content = library.read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content[:-DIGEST_BYTES]).digest() == content[-DIGEST_BYTES:]


def _compile(command: str, openmp: Path, scratch: Path, target: Path) -> None:
    """Compile in `scratch`, on the target's own disk, so that the target appears whole."""
    sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
    _run([command, *FLAGS, "-c", *sources], cwd=scratch)
    objects = [str(path) for path in sorted(scratch.glob("*.o"))]
    made = scratch / target.name
    # Linked without -fopenmp, which would name the system's runtime.
    _run([command, "-shared", "-Wl,-z,defs", *objects, str(openmp), "-lm", "-o", str(made)])
    with made.open("r+b") as file:
        file.write(hashlib.sha256(file.read()).digest())
    made.replace(target)


def _run(command: list[str], cwd: Path | None = None) -> str:
    """What a command prints. Raises NoKernelsError where it fails."""
    try:
        done = subprocess.run(  # noqa: S603 # the compiler is the user's own
            command,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=COMPILE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoKernelsError(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        cause = next((line for line in lines if "error" in line or "undefined" in line), lines[0])
        raise NoKernelsError(f"{command[0]} fails: {cause}")
    return done.stdout
