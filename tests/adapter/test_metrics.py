"""What `/metrics` tells: names, bounded labels, and right counts."""

import json

from tests.adapter.envelope import CHAT
from tests.adapter.watching import LABELS, scrape, total
from tests.server import Serve

PATH = "/v1/chat/completions"
NAMES = {
    "adapter_requests_total",
    "adapter_requests_in_flight",
    "adapter_cancellations_total",
    "adapter_overhead_seconds_count",
    "gen_ai_server_request_duration_seconds_count",
    "gen_ai_server_time_to_first_token_seconds_count",
    "gen_ai_server_time_per_output_token_seconds_count",
    "gen_ai_client_token_usage_total",
}


def test_names_are_there_after_one_chat_and_one_cancellation_less(serve: Serve) -> None:
    server = serve()
    with server.http() as http:
        http.post(PATH, json=CHAT)
        text = http.get("/metrics").text
    assert {name for name, _ in scrape(server)} >= NAMES - {"adapter_cancellations_total"}
    assert "adapter_cancellations_total" in text


def test_requests_are_counted_by_operation_model_and_status(serve: Serve) -> None:
    server = serve()
    with server.http() as http:
        for _ in range(3):
            assert http.post(PATH, json=CHAT).status_code == 200
        http.post(PATH, json=CHAT | {"stream": True})
        http.post(PATH, json=CHAT | {"n": 0})
        http.post(PATH, json=CHAT | {"model": "nope-1"})
        http.post("/v1/completions", json={"model": "mock-1", "prompt": "a"})
        http.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": "a"})
        http.get("/v1/models")
    counted = "adapter_requests_total"
    assert total(server, counted, operation="chat", model="gpt-4o", status="200") == 4
    assert total(server, counted, operation="chat", status="400") == 1
    assert total(server, counted, operation="chat", model="other", status="404") == 1
    assert total(server, counted, operation="text_completion", model="mock-1") == 1
    assert total(server, counted, operation="embeddings", model="text-embedding-3-small") == 1
    assert total(server, counted, operation="models", status="200") == 1
    duration = "gen_ai_server_request_duration_seconds_count"
    assert total(server, duration, operation="chat") == total(server, counted, operation="chat")
    assert total(server, "adapter_overhead_seconds_count", operation="chat") == 6
    assert total(server, "gen_ai_server_time_to_first_token_seconds_count", operation="chat") == 1


def test_tokens_are_those_of_the_usage_streaming_or_not(serve: Serve) -> None:
    server = serve()
    options = {"stream": True, "stream_options": {"include_usage": True}}
    with server.http() as http:
        usages = [http.post(PATH, json=CHAT | {"n": 2}).json()["usage"]]
        streamed = http.post(PATH, json=CHAT | options).text
        usages.append(json.loads(streamed.split("data: ")[-2])["usage"])
        unreported = http.post(PATH, json=CHAT | {"stream": True})
        assert '"usage"' not in unreported.text
        usages.append(usages[1])
        body = {"model": "text-embedding-3-small", "input": "Hello"}
        embedded = http.post("/v1/embeddings", json=body).json()["usage"]
    used, model = "gen_ai_client_token_usage_total", "gpt-4o"
    prompt, completion = (
        sum(usage[kind] for usage in usages) for kind in ("prompt_tokens", "completion_tokens")
    )
    assert total(server, used, model=model, token="input") == prompt
    assert total(server, used, model=model, token="output") == completion
    assert total(server, used, operation="embeddings") == embedded["prompt_tokens"] > 0


def test_labels_are_bounded_whatever_clients_send(serve: Serve) -> None:
    server = serve(MOCK_MODELS="gpt-4o,org/*,*")
    with server.http() as http:
        for number in range(20):
            http.get(f"/nope-{number}")
            http.get(f"/v1/models/org/nope-{number}")
            http.post(PATH, json=CHAT | {"model": f"org/nope-{number}"})
            http.request(f"NOPE{number}", PATH)
        http.post(PATH, json=CHAT)
        text = http.get("/metrics").text
    assert "nope" not in text.lower()
    assert "/v1" not in text
    labelled = {
        (name, value) for _, labels in scrape(server) for name, value in labels if name != "le"
    }
    assert {v for n, v in labelled if n == LABELS["model"]} <= {"gpt-4o", "other"}
    assert {v for n, v in labelled if n == LABELS["operation"]} <= {"chat", "models", "other"}
    assert total(server, "adapter_requests_total", operation="chat", model="other") >= 20


def test_in_flight_counts_none_but_the_scrape_when_all_is_quiet(serve: Serve) -> None:
    server = serve()
    with server.http() as http:
        for body in (CHAT, {}, CHAT | {"stream": True}):
            http.post(PATH, json=body)
    assert total(server, "adapter_requests_in_flight") <= 1


def test_times_are_those_of_the_pace(serve: Serve) -> None:
    server = serve(MOCK_TTFT_MS="200", MOCK_ITL_MS="20")
    with server.http() as http:
        http.post(PATH, json=CHAT | {"stream": True})
    assert total(server, "gen_ai_server_time_to_first_token_seconds_sum") >= 0.2
    assert total(server, "gen_ai_server_request_duration_seconds_sum", operation="chat") >= 0.22
    assert 0.01 < total(server, "gen_ai_server_time_per_output_token_seconds_sum") < 0.2
    assert total(server, "adapter_overhead_seconds_sum", operation="chat") < 0.2
