"""The official client over every endpoint, sync and async, streamed and whole."""

from collections.abc import AsyncIterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from tests.server import KEY, Server

MODEL = "gpt-4o"
ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there, wörld"}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


@pytest.fixture
async def aclient(mock: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    async with mock.async_client() as client:
        yield client


def test_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=ASKED)
    assert answer.choices[0].message.content == "Hello there, wörld"
    assert answer.model == MODEL
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id  # noqa: SLF001 - so the client names it in its documentation


async def test_chat_async(aclient: openai.AsyncOpenAI) -> None:
    answer = await aclient.chat.completions.create(model=MODEL, messages=ASKED, n=2)
    assert [choice.message.content for choice in answer.choices] == ["Hello there, wörld"] * 2


def test_chat_streamed(client: openai.OpenAI) -> None:
    text, usages = "", []
    for chunk in client.chat.completions.create(
        model=MODEL, messages=ASKED, stream=True, stream_options={"include_usage": True}
    ):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        usages.append(chunk.usage)
    assert text == "Hello there, wörld"
    assert usages[-1]
    assert not any(usages[:-1])


async def test_chat_streamed_async(aclient: openai.AsyncOpenAI) -> None:
    stream = await aclient.chat.completions.create(model=MODEL, messages=ASKED, stream=True)
    chunks = [chunk async for chunk in stream]
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == "Hello there, wörld"
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_chat_stream_helper(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=ASKED, logprobs=True, n=2, stream_options={"include_usage": True}
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    whole = client.chat.completions.create(model=MODEL, messages=ASKED, logprobs=True, n=2)
    assert [c.message.content for c in final.choices] == [c.message.content for c in whole.choices]
    assert [c.logprobs for c in final.choices] == [c.logprobs for c in whole.choices]
    assert final.usage == whole.usage


async def test_chat_stream_helper_async(aclient: openai.AsyncOpenAI) -> None:
    async with aclient.chat.completions.stream(
        model=MODEL, messages=ASKED, tools=[WEATHER], tool_choice="required"
    ) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_completion()
    assert kinds.count("tool_calls.function.arguments.done") == 1
    assert final.choices[0].message.tool_calls
    assert final.choices[0].message.tool_calls[0].function.name == "get_weather"
    assert final.choices[0].finish_reason == "tool_calls"


def test_chat_parsed_into_a_model(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model=MODEL, messages=ASKED, response_format=Person)
    assert isinstance(answer.choices[0].message.parsed, Person)


async def test_chat_parsed_into_a_model_streamed(aclient: openai.AsyncOpenAI) -> None:
    async with aclient.chat.completions.stream(
        model=MODEL, messages=ASKED, response_format=Person
    ) as stream:
        final = await stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Person)


def test_chat_cut_within_a_document_raises_as_the_client_says(client: openai.OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(
            model=MODEL, messages=ASKED, response_format=Person, max_completion_tokens=1
        )


def test_a_tool_called_and_answered(client: openai.OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Weather in Rome?"}]
    first = client.chat.completions.parse(model=MODEL, messages=messages, tools=[WEATHER])
    (call,) = first.choices[0].message.tool_calls or []
    assert first.choices[0].finish_reason == "tool_calls"
    assert isinstance(call.function.parsed_arguments, dict)
    messages.append(first.choices[0].message.to_dict())  # type: ignore[arg-type]
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "21 °C"})
    second = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert second.choices[0].finish_reason == "stop"
    assert "21 °C" in (second.choices[0].message.content or "")


def test_completions(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt=["a b", "c d"], n=2, echo=True)
    assert [choice.text for choice in answer.choices] == ["a ba b"] * 2 + ["c dc d"] * 2
    pieces = client.completions.create(model=MODEL, prompt="a b", stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == "a b"


async def test_completions_async(aclient: openai.AsyncOpenAI) -> None:
    answer = await aclient.completions.create(model=MODEL, prompt="a b", logprobs=1)
    assert answer.choices[0].logprobs
    assert answer.choices[0].logprobs.tokens == ["a", " b"]
    stream = await aclient.completions.create(model=MODEL, prompt="a b", stream=True)
    assert "".join([piece.choices[0].text async for piece in stream]) == "a b"


def test_embeddings(client: openai.OpenAI) -> None:
    model = "text-embedding-3-small"
    default = client.embeddings.create(model=model, input=["one", "two"], dimensions=8)
    floats = client.embeddings.create(
        model=model, input=["one", "two"], dimensions=8, encoding_format="float"
    )
    assert [one.embedding for one in default.data] == [one.embedding for one in floats.data]
    assert all(isinstance(one.embedding[0], float) for one in default.data)


async def test_embeddings_async(aclient: openai.AsyncOpenAI) -> None:
    answer = await aclient.embeddings.create(model="text-embedding-3-large", input="one")
    assert len(answer.data[0].embedding) == 3072


def test_models(client: openai.OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert {"gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-5", "o3", "mock-1"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert [client.models.retrieve(name).id for name in ids] == ids
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("mock-1")


async def test_models_async(aclient: openai.AsyncOpenAI) -> None:
    ids = [model.id async for model in aclient.models.list()]
    assert "mock-1" in ids
    with pytest.raises(openai.NotFoundError) as refused:
        await aclient.models.retrieve("org/none:such")
    assert refused.value.code == "model_not_found"


async def test_moderations(client: openai.OpenAI, aclient: openai.AsyncOpenAI) -> None:
    answer = client.moderations.create(input=["hello", "I will kill you"])
    assert [result.flagged for result in answer.results] == [False, True]
    assert answer.results[1].categories.violence
    assert (await aclient.moderations.create(input="hello")).results == answer.results[:1]


def test_a_refusal_of_a_request_is_the_clients_own_error(mock: Server) -> None:
    with mock.client(KEY) as client, pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=MODEL, messages=ASKED, n=129, stream=True)
    assert refused.value.param == "n"
    assert refused.value.request_id
