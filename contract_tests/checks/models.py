"""`GET /models` and `GET /models/{id}`."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import at, expect
from contract_tests.samples import MODELS, NO_MODEL
from contract_tests.server import Server, refusal
from contract_tests.sources import issue, live, peer, rfc, sdk, spec
from contract_tests.verdict import Unsupported
from contract_tests.wire.exchange import Exchange

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NEEDS = ("models",)
RETRIEVE = ("models.retrieve",)
KEYS = {"id": str, "object": str, "created": int, "owned_by": str}
MILLISECONDS = 10**11
MANY = 20  # models retrieved one by one


async def _models(server: Server) -> list[dict[str, Any]]:
    body = (await server.get(MODELS)).json
    return [at(body, "data", place, of=dict) for place in range(len(at(body, "data", of=list)))]


@check(
    "models.list.shape",
    MUST,
    'The list is {"object": "list", "data": [...]}.',
    spec("ListModelsResponse/required"),
    issue("exo-explore/exo#590", "obot-platform/tools#445"),
    needs=NEEDS,
    clients="openai-python lists nothing; generic providers refuse the server",
)
async def list_shape(server: Server) -> None:
    answer = await server.get(MODELS)
    expect(answer.status == 200, "200", answer.brief())
    expect(at(answer.json, "object") == "list", '`object` to be "list"', answer.json)
    at(answer.json, "data", of=list)


def _required(key: str) -> Any:
    @check(
        f"models.model.{key}",
        MUST,
        f"Every model has `{key}`.",
        spec("Model/required"),
        issue("oracle/ai-optimizer#216", "webai-at-home/webai-at-home#208"),
        needs=NEEDS,
        clients="typed SDKs fail to parse the list",
    )
    async def required(server: Server) -> None:
        for model in await _models(server):
            value = at(model, key, of=KEYS[key])
            expect(value != "", f"`{key}` not to be empty", model)
            expect(key != "object" or value == "model", '`object` to be "model"', model)

    return required


model_id, model_object, model_created, model_owned_by = [_required(key) for key in KEYS]


@check(
    "models.model.created_seconds",
    SHOULD,
    "`created` counts seconds, not milliseconds.",
    spec("Model/properties/created"),
    needs=NEEDS,
)
async def created_seconds(server: Server) -> None:
    for model in await _models(server):
        created = at(model, "created", of=int)
        expect(0 <= created < MILLISECONDS, "seconds since 1970", model)


@check(
    "models.list.head",
    SHOULD,
    "HEAD is answered as GET is, without the body.",
    rfc("RFC 9110 §9.3.2"),
    needs=NEEDS,
    clients="`wget --spider` and uptime monitors take the server for down",
)
async def list_head(server: Server) -> None:
    got, answer = await server.get(MODELS), await server.send("HEAD", MODELS, fresh=False)
    expect(answer.fault is None and answer.status == got.status, f"{got.status}", answer.brief())
    expect(answer.media_type == got.media_type, f"`{got.media_type}`", answer.media_type)


@check(
    "models.list.unique",
    SHOULD,
    "No id is listed twice.",
    peer("llmprobe", "models-ids"),
    needs=NEEDS,
)
async def unique(server: Server) -> None:
    ids = [at(model, "id") for model in await _models(server)]
    expect(len(set(ids)) == len(ids), "each id once", ids)


@check(
    "models.list.nonempty",
    SHOULD,
    "At least one model is listed.",
    peer("llmprobe", "models-nonempty"),
    needs=NEEDS,
)
async def nonempty(server: Server) -> None:
    expect(await _models(server), "a model", "an empty list")


@check(
    "models.list.target",
    SHOULD,
    "The model that answers is listed.",
    peer("llmprobe", "models-includes-target"),
    issue("decolua/9router#1512"),
    needs=("models", "chat"),
    clients="model pickers of opencode, Zed and Cline",
)
async def target_listed(server: Server) -> None:
    ids = [at(model, "id") for model in await _models(server)]
    expect(server.model() in ids, f"{server.model()} in the list", ids)


async def _alone(server: Server, model: dict[str, Any]) -> Exchange:
    return await server.get(f"{MODELS}/{quote(at(model, 'id', of=str), safe='')}")


@check(
    "models.retrieve.found",
    MUST,
    "GET /models/{id} finds every listed model, with its `id`, `object`, `created` and `owned_by`.",
    spec("/paths/~1models~1{model}/get"),
    spec("Model/required"),
    issue("ollama/ollama#10139", "BerriAI/litellm#37271", "ogx-ai/ogx#1038"),
    needs=RETRIEVE,
    clients="clients that verify the model before they use it",
)
async def retrieve_found(server: Server) -> None:
    for model in (await _models(server))[:MANY]:
        answer = await _alone(server, model)
        expect(answer.status == 200, f"200 for {model['id']}", answer.brief())
        for key, kind in KEYS.items():
            at(answer.json, key, of=kind)
        expect(answer.json["id"] == model["id"], f"the model {model['id']}", answer.json)


@check(
    "models.retrieve.same",
    SHOULD,
    "A model by itself has the `object` and the `owned_by` that it has in the list.",
    spec("/paths/~1models~1{model}/get"),
    needs=RETRIEVE,
)
async def retrieve_same(server: Server) -> None:
    for model in (await _models(server))[:MANY]:
        answer = await _alone(server, model)
        if not answer.ok:
            raise Unsupported("a listed model cannot be retrieved; models.retrieve.found says so")
        for key in ("object", "owned_by"):
            listed, alone = at(model, key), at(answer.json, key)
            seen = f"{key} {listed!r} in the list, {alone!r} alone"
            expect(alone == listed, f"the same `{key}`", seen)


@check(
    "models.retrieve.slash",
    SHOULD,
    "An id with a slash can be retrieved, written raw or as %2F.",
    sdk("_utils/_path.py percent-encodes path parameters"),
    issue("ollama/ollama#10139", "BerriAI/litellm#37271"),
    needs=RETRIEVE,
    clients="every official SDK",
)
async def retrieve_slash(server: Server) -> None:
    ids = [at(model, "id", of=str) for model in await _models(server)]
    name = next((one for one in ids if "/" in one), None)
    if name is None:
        raise Unsupported("no listed id has a slash")
    for path in (quote(name), quote(name, safe="")):
        answer = await server.get(f"/models/{path}")
        expect(answer.status == 200, f"200 for /models/{path}", answer.brief())
        expect(at(answer.json, "id") == name, f"the model {name}", answer.json)


@check(
    "models.retrieve.unknown",
    SHOULD,
    "An unknown id is a 404 with an error body.",
    sdk("NotFoundError"),
    live("model_not_found"),
    needs=RETRIEVE,
)
async def retrieve_unknown(server: Server) -> None:
    refusal(await server.get(f"{MODELS}/{NO_MODEL}"), 404)


@check(
    "models.list.sdk",
    SHOULD,
    "The official client lists the models in one page.",
    sdk("pagination.SyncPage"),
    needs=NEEDS,
)
async def sdk_list(server: Server) -> None:
    listed = [at(model, "id") for model in await _models(server)]
    body = (await server.get(MODELS)).json
    expect(not at(body).get("has_more"), "no `has_more`, for there is no second page", body)

    async def lists(client: "AsyncOpenAI") -> list[str]:
        return [model.id async for model in client.models.list()]

    iterated = await server.sdk(lists, "the client to list the models")
    expect(iterated == listed, f"the ids {listed}", iterated)
