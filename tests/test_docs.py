"""What the README says, works as written."""

import re
import subprocess
import sys
from pathlib import Path

from tests.server import Serve, Server

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_curl_lines(mock: Server) -> None:
    (command,) = [block for block in blocks("sh") if block.startswith("curl")]
    command = command.replace("http://127.0.0.1:8000", mock.url)
    shown = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert '"content":"Hello"' in shown.stdout


def test_the_python_lines(mock: Server) -> None:
    program = blocks("python")[0].replace("http://127.0.0.1:8000", mock.url)
    command = [sys.executable, "-c", program]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shown.stdout == "Hello"


def test_the_backend_of_ones_own(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(blocks("python")[1])
    client = serve("--backend", "mine:MyBackend").client()
    chat = client.chat.completions.create(
        model="mine-1", messages=[{"role": "user", "content": "hello"}]
    )
    assert chat.choices[0].message.content == "You said: hello"


def test_every_link_leads_somewhere() -> None:
    for document in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if not target.startswith("https://"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"
