"""The engine behind the whole server, by the official client: a real model, real text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

from tests.adapter.envelope import error_of
from tests.backends.torch.served import served
from tests.server import Server

CAPITAL = [{"role": "user", "content": "Name the capital of Japan."}]
STORY = [{"role": "user", "content": "Tell me a story."}]
RAINY = [{"role": "user", "content": "What will the weather be in Oslo for 3 days?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def engine(
    tmp_path_factory: pytest.TempPathFactory, smollm2: Path, minilm: Path
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("engine")
    server = served(folder, smollm2, TORCH_EMBEDDING_MODEL=str(minilm))
    yield server
    server.stop()


@pytest.fixture
def client(engine: Server) -> Iterator[openai.OpenAI]:
    with engine.client() as client:
        yield client


@pytest.fixture
def http(engine: Server) -> Iterator[httpx.Client]:
    with engine.http() as http:
        yield http


@pytest.fixture
def model(client: openai.OpenAI) -> str:
    return client.models.list().data[0].id


def ask(client: openai.OpenAI, model: str, **more: object) -> openai.types.chat.ChatCompletion:
    given: dict[str, object] = {"messages": CAPITAL, "temperature": 0, "max_tokens": 24, **more}
    answer = client.chat.completions.create(model=model, **given)  # type: ignore[call-overload]
    assert isinstance(answer, openai.types.chat.ChatCompletion)
    return answer


def test_it_answers_sensibly_and_tells_what_it_took(client: openai.OpenAI, model: str) -> None:
    answer = ask(client, model)
    assert "Tokyo" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    tokens = client.post("/tokenize", body={"model": model, "messages": CAPITAL}, cast_to=object)
    assert isinstance(tokens, dict)
    assert answer.usage.prompt_tokens == tokens["count"]


def test_a_stream_is_the_whole_answer_in_pieces(client: openai.OpenAI, model: str) -> None:
    whole = ask(client, model).choices[0].message.content
    asked: Any = client.chat.completions.create
    given = {"messages": CAPITAL, "temperature": 0, "max_tokens": 24, "stream": True}
    with asked(model=model, **given) as stream:
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert "".join(pieces) == whole
    assert len(pieces) > 5


def test_the_second_time_the_prompt_is_cached(client: openai.OpenAI, model: str) -> None:
    long = [{"role": "user", "content": "Count the letters of these words. " * 20}]
    first, second = (ask(client, model, messages=long, max_tokens=4) for _ in range(2))
    assert first.choices == second.choices
    assert second.usage is not None
    assert second.usage.prompt_tokens_details is not None
    cached = second.usage.prompt_tokens_details.cached_tokens or 0
    assert second.usage.prompt_tokens - 32 <= cached < second.usage.prompt_tokens
    stopped = ask(client, model, messages=long, max_tokens=24, stop=[" "])
    assert stopped.usage is not None
    assert stopped.usage.prompt_tokens_details is not None
    assert stopped.usage.prompt_tokens_details.cached_tokens == cached


def test_a_seed_repeats_and_choices_differ(client: openai.OpenAI, model: str) -> None:
    texts = [
        [
            choice.message.content
            for choice in ask(
                client, model, messages=STORY, temperature=1.2, seed=seed, n=3
            ).choices
        ]
        for seed in (7, 7, 8)
    ]
    assert texts[0] == texts[1] != texts[2]
    assert len(set(texts[0])) == 3


def test_stop_strings_and_limits_end_an_answer(client: openai.OpenAI, model: str) -> None:
    stopped = ask(client, model, stop=["Tokyo"]).choices[0]
    assert stopped.finish_reason == "stop"
    assert stopped.message.content
    assert "Tok" not in stopped.message.content
    cut = ask(client, model, max_tokens=3)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 3


def test_logprobs_join_to_the_text_and_lead_with_the_drawn(
    client: openai.OpenAI, model: str
) -> None:
    choice = ask(client, model, logprobs=True, top_logprobs=3).choices[0]
    assert choice.logprobs is not None
    tokens = choice.logprobs.content or []
    assert "".join(token.token for token in tokens) == choice.message.content
    for token in tokens:
        assert token.top_logprobs[0].token == token.token
        assert token.logprob == token.top_logprobs[0].logprob <= 0


def test_penalties_and_biases_show(client: openai.OpenAI, model: str) -> None:
    first = client.post("/tokenize", body={"model": model, "prompt": "The"}, cast_to=object)
    assert isinstance(first, dict)
    banned = {str(token): -100 for token in first["tokens"]}
    assert (ask(client, model).choices[0].message.content or "").startswith("The")
    without = ask(client, model, logit_bias=banned).choices[0].message.content or ""
    assert not without.startswith("The")
    plain, bent = (
        ask(client, model, messages=STORY, max_tokens=40, frequency_penalty=penalty)
        .choices[0]
        .message.content
        for penalty in (0, 2)
    )
    assert plain != bent


def test_a_pydantic_model_is_parsed(client: openai.OpenAI, model: str) -> None:
    parsed = client.chat.completions.parse(
        model=model,
        messages=[{"role": "user", "content": "Ann is 31 years old. Who is it?"}],
        response_format=Person,
        temperature=0,
        max_tokens=80,
    )
    assert isinstance(parsed.choices[0].message.parsed, Person)


def test_a_required_call_keeps_to_its_schema(client: openai.OpenAI, model: str) -> None:
    answer = ask(
        client,
        model,
        messages=RAINY,
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=120,
        parallel_tool_calls=False,
    )
    call = (answer.choices[0].message.tool_calls or [])[0]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.type == "function"
    assert call.function.name == "get_weather"
    arguments = json.loads(call.function.arguments)
    assert set(arguments) == {"city", "days"}
    assert isinstance(arguments["days"], int)


def test_no_call_is_made_twice(client: openai.OpenAI, model: str) -> None:
    answer = ask(
        client, model, messages=RAINY, tools=[WEATHER], tool_choice="required", max_tokens=400
    ).choices[0]
    calls = [
        (call.function.name, call.function.arguments)
        for call in answer.message.tool_calls or []
        if call.type == "function"
    ]
    assert calls
    assert len(set(calls)) == len(calls)


def test_calls_stream_in_pieces_that_join(client: openai.OpenAI, model: str) -> None:
    with client.chat.completions.stream(
        model=model,
        messages=RAINY,  # type: ignore[arg-type]
        tools=[WEATHER],  # type: ignore[list-item]
        tool_choice="required",
        parallel_tool_calls=False,
        temperature=0,
        max_tokens=120,
    ) as stream:
        final = stream.get_final_completion()
    call = (final.choices[0].message.tool_calls or [])[0]
    assert set(json.loads(call.function.arguments)) == {"city", "days"}


def test_legacy_completions_take_ids_echo_and_tell_prompt_logprobs(
    client: openai.OpenAI, model: str
) -> None:
    ids = client.post("/tokenize", body={"model": model, "prompt": "The sky is"}, cast_to=object)
    assert isinstance(ids, dict)
    texts = [
        client.completions.create(model=model, prompt=prompt, max_tokens=5, temperature=0)
        for prompt in ("The sky is", ids["tokens"])
    ]
    assert texts[0].choices[0].text == texts[1].choices[0].text
    told = client.completions.create(
        model=model, prompt="The sky is", max_tokens=0, echo=True, logprobs=2
    ).choices[0]
    assert told.text == "The sky is"
    assert told.logprobs is not None
    assert told.logprobs.token_logprobs is not None
    assert told.logprobs.token_logprobs[0] is None
    assert all(value < 0 for value in told.logprobs.token_logprobs[1:])
    assert "".join(told.logprobs.tokens or []) == told.text


def test_embeddings_are_of_length_one_and_know_what_is_near(client: openai.OpenAI) -> None:
    model = client.models.list().data[1].id
    found = client.embeddings.create(model=model, input=["a cat", "a kitten", "government bonds"])
    cat, kitten, bonds = (one.embedding for one in found.data)
    assert abs(sum(x * x for x in cat) - 1) < 1e-4
    near, far = (sum(x * y for x, y in zip(cat, other, strict=True)) for other in (kitten, bonds))
    assert near > far + 0.2
    assert (
        len(client.embeddings.create(model=model, input="a", dimensions=32).data[0].embedding) == 32
    )


def test_what_cannot_be_done_is_refused_by_name(http: httpx.Client, model: str) -> None:
    chat = {"model": model, "messages": CAPITAL}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    long = {"role": "user", "content": "word " * 9000}
    for path, body, param in (
        ("chat/completions", {"messages": [{"role": "user", "content": [image]}]}, None),
        ("chat/completions", {"reasoning_effort": "low"}, "reasoning_effort"),
        ("chat/completions", {"logit_bias": {"99999999": 1}}, "logit_bias"),
        ("chat/completions", {"messages": [long]}, "messages"),
        ("completions", {"messages": None, "prompt": "a", "suffix": "b"}, "suffix"),
        ("embeddings", {"messages": None, "input": "a"}, "model"),
    ):
        answer = http.post(f"/v1/{path}", json=chat | body)
        assert answer.status_code == 400, answer.text
        assert param is None or error_of(answer)["param"] == param
    error = error_of(http.post("/v1/chat/completions", json=chat | {"messages": [long]}))
    assert error["code"] == "context_length_exceeded"


def test_the_engines_numbers_are_in_the_metrics(
    http: httpx.Client, client: openai.OpenAI, model: str
) -> None:
    ask(client, model)
    text = http.get("/metrics").text
    for name in (
        "vllm:num_requests_running",
        "vllm:kv_cache_usage_perc",
        "vllm:prefix_cache_hits_total",
        "vllm:generation_tokens_total",
    ):
        assert f"\n{name}{{" in text
    assert "gen_ai_server_time_to_first_token_seconds" in text


def test_without_an_embedding_model_the_refusal_says_how_to_get_one(
    tmp_path: Path, smollm2: Path
) -> None:
    server = served(tmp_path, smollm2, ADAPTER_CACHE_DIR=str(tmp_path / "empty"))
    try:
        with server.http() as http:
            model = http.get("/v1/models").json()["data"][0]["id"]
            answer = http.post("/v1/embeddings", json={"model": model, "input": "a"})
        error = error_of(answer)
        assert (answer.status_code, error["param"]) == (400, "model")
        assert "adapter models pull minilm" in error["message"]
    finally:
        server.stop()
