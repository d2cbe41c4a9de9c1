"""The settings alone are read as the SDK reads them, without the SDK."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from openai import AsyncOpenAI

from backends.openai.connection import connection, connection_of
from backends.openai.settings import OpenAISettings

FULL: dict[str, Any] = {
    "openai_api_key": "sk-one",
    "openai_base_url": "http://upstream.test/v1/",
    "openai_org_id": "org-1",
    "openai_project_id": "proj-1",
    "openai_headers": {"X-Team": "blue"},
    "openai_silence_s": 7,
}


@pytest.mark.parametrize("given", [FULL, {"openai_api_key": "sk-two"}])
async def test_a_client_with_the_same_settings_makes_the_same_connection(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    settings = OpenAISettings(**given)
    async with AsyncOpenAI(
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url,
        organization=settings.openai_org_id,
        project=settings.openai_project_id,
        default_headers=settings.openai_headers,
        timeout=settings.openai_silence_s,
    ) as client:
        theirs = connection_of(client, settings)
    ours = connection(settings)
    told = {name: value for name, value in theirs.headers.items() if name != "user-agent"}
    assert replace(theirs, headers=told, base_url=theirs.base_url.rstrip("/")) == replace(
        ours, base_url=ours.base_url.rstrip("/")
    )


async def test_a_key_in_the_environment_is_found_as_the_sdk_finds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-three")
    assert connection(OpenAISettings()).auth == {"authorization": "Bearer sk-three"}
    monkeypatch.delenv("OPENAI_API_KEY")
    assert connection(OpenAISettings(openai_api_key=None)).auth == {}


def test_the_server_starts_without_importing_the_sdk() -> None:
    code = "import sys; from backends import load; load('openai'); print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
