"""The `adapter` command: what it says, and that each way of starting it serves."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

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


@pytest.mark.parametrize("arguments", [["--help"], ["check", "http://x/v1", "--strict"]])
def test_without_the_contract_extra_the_command_says_what_to_install(arguments: list[str]) -> None:
    program = (
        f"import sys; sys.modules['rich'] = None; from adapter.cli import main; main({arguments})"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "openai-server-kit[contract]" in run.stdout + run.stderr
    assert run.returncode == (0 if arguments == ["--help"] else 2)
