"""The dynamic model list behind the API: listed, routed, priced, and told of."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server import Serve, Server

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


def entry(model: str, provider: str, price: float | None) -> dict[str, Any]:
    return {
        "model_version": model,
        "model_family": "family",
        "handle": f"/{provider}/v1/chat/completions",
        "prompt_price_1k": price,
        "completion_price_1k": price,
    }


@pytest.fixture
def server(serve: Serve, tmp_path: Path) -> Server:
    (tmp_path / "models.json").write_text(
        json.dumps([entry("gpt-4o-mini", "dev", 0.5), entry("elsewhere", "nobody", None)])
    )
    (tmp_path / "adapter.yaml").write_text(
        "backends:\n  dev: {use: mock}\n  other: {use: mock}\n"
        "models:\n  gpt-4o: {backend: other}\n  known: {backend: dev, model: gpt-4o}\n"
    )
    return serve(
        "--config",
        "adapter.yaml",
        MODEL_LIST_URL=str(tmp_path / "models.json"),
        COST_HEADER="true",
    )


def chat(http: httpx.Client, model: str) -> httpx.Response:
    return http.post("/v1/chat/completions", json={"model": model, "messages": HELLO})


def test_listed_models_are_served_by_their_provider_and_priced(server: Server) -> None:
    with server.http() as http:
        listed = {one["id"]: one["owned_by"] for one in http.get("/v1/models").json()["data"]}
        assert listed["gpt-4o-mini"] == "dev"
        answer = chat(http, "gpt-4o-mini")
        usage = answer.json()["usage"]
        assert float(answer.headers["x-adapter-cost-usd"]) == usage["total_tokens"] * 0.5 / 1000
        assert "x-adapter-cost-usd" not in chat(http, "gpt-4o").headers
        metrics = http.get("/metrics").text
        assert 'adapter_cost_usd_total{key="anyone",model="gpt-4o-mini"}' in metrics


def test_a_listed_model_of_a_provider_that_is_not_there_is_not_found(server: Server) -> None:
    with server.http() as http:
        assert chat(http, "elsewhere").status_code == 404


def test_readiness_and_metrics_tell_of_the_list(server: Server) -> None:
    with server.http() as http:
        assert http.get("/readyz").json()["model_list"]["status"] == "ok"
        metrics = http.get("/metrics").text
    assert "adapter_model_list_models 2.0" in metrics
    assert "adapter_model_list_failing 0.0" in metrics


def test_a_missing_list_is_no_reason_not_to_serve(serve: Serve, tmp_path: Path) -> None:
    server = serve(MODEL_LIST_URL=str(tmp_path / "missing.json"))
    with server.http() as http:
        assert chat(http, "gpt-4o").status_code == 200
        state = http.get("/readyz").json()["model_list"]
    assert state["status"] == "empty"
    assert state["error"]
    assert str(tmp_path) not in state["error"]
