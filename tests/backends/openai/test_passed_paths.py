"""Which paths go to an upstream: none that names a model beside the body, or leads out of `/v1`."""

import pytest

from tests.backends.openai.wicked import Wicked, whole
from tests.server import Serve, Server

KEYS = """
[[key]]
name = "cheap"
secret = "sk-cheap"
models = ["cheap"]
"""
BODY = {"model": "cheap", "messages": [{"role": "user", "content": "Hi"}]}
REFUSED = [
    "/v1/engines/dear/chat/completions",
    "/v1/Engines/dear/completions",
    "/v1/openai/deployments/dear/chat/completions",
    "/openai/deployments/dear/responses",
    "/openai/deployments/dear/chat/Completions",
    "/v1/deployments/dear/chat%2Fcompletions",
    "/v1/%65ngines/dear/completions",
    "/v1/%2565ngines/dear/completions",
    "/v1/x%2Fengines/dear",
    "/v1/responses/..;/admin",
    "/v1/responses/%252e%252e/admin",
    "/v1/responses%2F..%2Fadmin",
]


@pytest.fixture
def server(serve: Serve, wicked: Wicked, tmp_path_factory: pytest.TempPathFactory) -> Server:
    keys = tmp_path_factory.mktemp("keys") / "keys.toml"
    keys.write_text(KEYS)
    wicked.answer([whole(b"{}")])
    return serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        PASSTHROUGH_ALL="true",
        ENABLE_AUTH="true",
        API_KEYS_FILE=str(keys),
    )


def test_no_path_names_another_model_or_leads_out(server: Server, wicked: Wicked) -> None:
    with server.http() as http:
        http.headers["authorization"] = "Bearer sk-cheap"
        for path in REFUSED:
            answer = http.post(f"{server.url}{path}", json=BODY)
            assert answer.status_code == 404, path
        assert http.post(f"{server.url}/v1/engines/dear/completions").status_code == 404
        assert [one.target for one in wicked.asked if one.method == "POST"] == []
        assert http.get("/v1/files/a%2Fb").status_code == 200
