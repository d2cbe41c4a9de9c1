"""The `adapter` command: what it says, and that each way of starting it serves."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

import httpx
import pytest

from adapter.settings import Settings
from backends import BACKENDS
from tests.adapter.commands import adapter, answers, environment
from tests.server import ROOT, Serve, free_port

SCRIPT = Path(sys.executable).with_name("adapter")
FLAGS = ["host", "port", "backend", "model-path", "tokenizer-path", "model-name", "workers"]


@pytest.mark.parametrize("words", [["--help"], ["serve", "--help"], ["--version"]])
def test_help_and_version(tmp_path: Path, words: list[str]) -> None:
    done = adapter(tmp_path, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def test_help_tells_every_flag_with_its_variable(tmp_path: Path) -> None:
    text = adapter(tmp_path, "serve", "--help").stdout
    for flag in FLAGS:
        assert f"--{flag}" in text
        assert flag.replace("-", "_").upper() in text
    assert "serve" in adapter(tmp_path, "--help").stdout


def test_help_tells_what_a_value_is_and_which_backends_there_are(tmp_path: Path) -> None:
    text = adapter(tmp_path, "serve", "--help").stdout
    for flag in ("--port INTEGER", "--workers INTEGER", "--config FILE", "--device [auto|cpu|"):
        assert flag in text
    choices = "|".join(get_args(Settings.model_fields["log_level"].annotation))
    assert f"--log-level [{choices}]" in text
    told = " ".join(text.split()).partition("--backend ")[2].partition("[BACKEND")[0]
    assert [name for name in BACKENDS if f" {name}," not in told] == []


@pytest.mark.parametrize("words", [[], ["models"], ["providers"]])
def test_a_commands_summary_is_whole(tmp_path: Path, words: list[str]) -> None:
    text = adapter(tmp_path, *words, "--help", COLUMNS="80").stdout
    assert "..." not in text.partition("Commands:")[2]


@pytest.mark.parametrize("backend", ["mock", "echo"])
def test_a_model_path_where_no_model_is_loaded_says_what_loads_one(
    tmp_path: Path, backend: str
) -> None:
    done = adapter(tmp_path, "serve", "--backend", backend, "--model-path", "/models/a")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"MODEL_PATH: the backend '{backend}' takes none" in line
    assert "--backend torch loads a model" in line


@pytest.mark.parametrize("words", [["nope"], ["serve", "--nope"], ["serve", "extra"]])
def test_unknown_words_stop_with_2(tmp_path: Path, words: list[str]) -> None:
    done = adapter(tmp_path, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "nope" in done.stderr or "extra" in done.stderr


@pytest.mark.parametrize("command", [[str(SCRIPT)], [sys.executable, "-m", "adapter"]])
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_each_command_serves_until_it_is_stopped(
    tmp_path: Path, command: list[str], stop: signal.Signals
) -> None:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "serve", "--port", str(port)],
            cwd=tmp_path,
            env=environment(),
            stdout=log,
            stderr=log,
        )
    try:
        assert answers(f"http://127.0.0.1:{port}/health")
        process.send_signal(stop)
        process.wait(15)
        assert "Traceback" not in (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_key_is_made_and_printed_once_where_none_is_set(tmp_path: Path, workers: str) -> None:
    port, printed, log = free_port(), tmp_path / "stdout", tmp_path / "stderr"
    command = [sys.executable, "-m", "adapter", "serve", "--port", str(port), "--workers", workers]
    with printed.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment(ENABLE_AUTH="true"), stdout=out, stderr=err
        )
    try:
        url = f"http://127.0.0.1:{port}"
        assert answers(f"{url}/health")
        [key] = [word for word in printed.read_text().split() if word.startswith("sk-")]
        assert len(key) >= 32
        assert httpx.get(f"{url}/v1/models").status_code == 401
        for _ in range(8):
            found = httpx.get(f"{url}/v1/models", headers={"authorization": f"Bearer {key}"})
            assert found.status_code == 200
        assert key not in log.read_text()
    finally:
        process.terminate()
        process.wait(15)


def test_a_stream_in_progress_does_not_keep_the_server_from_stopping(serve: Serve) -> None:
    server = serve(MOCK_ITL_MS="60000")
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "a b"}]}
    with server.http() as http, http.stream("POST", "/v1/chat/completions", json=body) as answer:
        assert next(answer.iter_raw())
        server.process.terminate()
        server.process.wait(12)


def without(package: str, program: str) -> subprocess.CompletedProcess[str]:
    """What a program says where a package is not installed."""
    command = [sys.executable, "-c", f"import sys; sys.modules[{package!r}] = None; {program}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["check", "http://x/v1", "--strict"]])
def test_without_the_contract_extra_the_command_says_what_to_install(arguments: list[str]) -> None:
    run = without("rich", f"from adapter.cli import main; main({arguments})")
    said = " ".join((run.stdout + run.stderr).split())
    assert "pip install -e '.[contract]'" in said
    assert "'openai-server-kit[contract]'" in said
    assert run.returncode == (0 if arguments == ["--help"] else 2)


def test_without_torch_its_backend_says_what_to_install() -> None:
    run = without("torch", "from adapter.cli import main; main(['serve', '--backend', 'torch'])")
    (line,) = run.stderr.splitlines()
    assert "'torch'" in line
    assert "pip install -e '.[torch]'" in line
    assert run.returncode == 2


def test_without_the_contract_extra_pytest_says_it_in_one_line() -> None:
    arguments = [
        "-p",
        "no:cacheprovider",
        "--pyargs",
        "contract_tests",
        "--base-url",
        "http://x/v1",
    ]
    run = without("httpx", f"import pytest; sys.exit(pytest.main({arguments}))")
    (line,) = [line for line in (run.stdout + run.stderr).splitlines() if line.strip()]
    assert "needs httpx" in line
    assert "pip install -e '.[contract]'" in line
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
