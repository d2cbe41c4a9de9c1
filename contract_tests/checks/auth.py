"""Keys: who is let in, who is not, and how a server without keys treats them."""

from contract_tests.check import MAY, MUST, SHOULD, Check, check
from contract_tests.checks.errors import TRUNCATED
from contract_tests.expect import expect
from contract_tests.samples import CHAT, COMPLETIONS, EMBEDDINGS, MODELS, MODERATIONS
from contract_tests.server import JSON, Server, refusal
from contract_tests.sources import issue, live, peer, sdk, spec
from contract_tests.verdict import Uncooperative, Unsupported
from contract_tests.wire.exchange import Exchange

AUTH = ("auth",)
WRONG = "sk-certainly-wrong"
BEARER = spec("/components/securitySchemes/ApiKeyAuth")
PEERS = (
    sdk("AuthenticationError"),
    peer("llama.cpp", "test_incorrect_api_key"),
    peer("vllm", "test_authentication_middleware"),
)
ROUTES = peer("vllm", "test_auto_discovered_protected_routes_require_auth")
ANY_KEY = issue(
    "unslothai/unsloth#10423",
    "openai/openai-python#3225",
    "langgenius/dify-official-plugins#1724",
)


async def _chat(server: Server, authorization: str = "") -> Exchange:
    """The answer to a chat with that header, or without one."""
    headers = {"Authorization": authorization} if authorization else None
    return await server.post(
        CHAT, server.chat_body("Say hi."), headers=headers, key="", fresh=False
    )


# --- a server with keys ---


@check(
    "auth.bearer",
    MUST,
    "The key is accepted as `Authorization: Bearer`.",
    BEARER,
    issue("sgl-project/sglang#466", "xebia-functional/xef#279"),
    needs=("auth", "chat"),
    clients="every official SDK",
)
async def bearer(server: Server) -> None:
    answer = await _chat(server, f"Bearer {_key(server)}")
    expect(answer.ok, "an answer to the right key", answer.brief())


def _key(server: Server) -> str:
    if not server.target.key:
        raise Uncooperative("the server wants a key, and the run was given none")
    return server.target.key


@check(
    "auth.refuses.missing",
    SHOULD,
    "A request without a key is a 401 with an error body.",
    PEERS,
    issue("langgenius/dify-official-plugins#1724"),
    needs=AUTH,
    clients="handlers of AuthenticationError",
)
async def missing(server: Server) -> None:
    refusal(await _chat(server), 401)


@check(
    "auth.refuses.wrong",
    SHOULD,
    "A wrong key is a 401 with an error body, not a 400, 403 or 500.",
    PEERS,
    issue("sgl-project/sglang#466"),
    needs=AUTH,
    clients="handlers of AuthenticationError",
)
async def wrong(server: Server) -> None:
    refusal(await _chat(server, f"Bearer {WRONG}"), 401)


@check(
    "auth.refuses.blank",
    SHOULD,
    "`Bearer` without a key is a 401.",
    PEERS,
    issue("openai/openai-python#3225"),
    needs=AUTH,
    clients="clients whose key is empty",
)
async def blank(server: Server) -> None:
    refusal(await _chat(server, "Bearer"), 401)


def _nearly(name: str, rule: str, start: int, end: int | None, more: str = "") -> Check:
    @check(f"auth.refuses.{name}", SHOULD, rule, PEERS, needs=AUTH)
    async def nearly(server: Server) -> None:
        refusal(await _chat(server, f"Bearer {_key(server)[start:end]}{more}"), 401)

    return nearly


shorter = _nearly("shorter", "The key without its last letter is a 401.", 0, -1)
longer = _nearly("longer", "The key with a letter more is a 401.", 0, None, "x")


@check(
    "auth.code",
    MAY,
    "The error of a wrong key has the code invalid_api_key.",
    live("invalid_api_key"),
    peer("llama.cpp", "test_incorrect_api_key"),
    needs=AUTH,
)
async def code(server: Server) -> None:
    answer = await _chat(server, f"Bearer {WRONG}")
    seen = (answer.error.get("type"), answer.error.get("code"))
    expected = ("invalid_request_error", "invalid_api_key")
    expect(seen == expected, " with the code ".join(expected), answer.brief())


@check(
    "auth.stream",
    SHOULD,
    "With stream, a wrong key is the same 401 and JSON.",
    peer("llama.cpp", "test_incorrect_api_key"),
    issue("sgl-project/sglang#21900"),
    needs=("auth", "chat.stream"),
    clients="retry loops, for the wrong exception is raised",
)
async def stream(server: Server) -> None:
    body = server.chat_body("Say hi.", stream=True)
    refusal(await server.post(CHAT, body, key=WRONG, fresh=False), 401)


@check(
    "auth.first",
    SHOULD,
    "The key is checked before the body: a wrong key with a bad body is a 401.",
    live("401 before 400"),
    peer("vllm", "test_authentication_middleware"),
    needs=AUTH,
)
async def first(server: Server) -> None:
    refusal(await server.send("POST", CHAT, content=TRUNCATED, key=WRONG, fresh=False), 401)
    refusal(await server.post(CHAT, {}, key=WRONG, fresh=False), 401)


def _route(name: str, method: str, path: str, needs: str) -> Check:
    @check(
        f"auth.route.{name}",
        SHOULD,
        f"{method} {path} wants a key.",
        ROUTES,
        needs=("auth", needs),
    )
    async def route(server: Server) -> None:
        where = path.replace("{id}", server.model())
        body: JSON | None = {} if method == "POST" else None
        answer = await server.send(method, where, body, key=WRONG, fresh=False)
        refusal(answer, 401)

    return route


route_completions = _route("completions", "POST", COMPLETIONS, "completions")
route_embeddings = _route("embeddings", "POST", EMBEDDINGS, "embeddings")
route_moderations = _route("moderations", "POST", MODERATIONS, "moderations")
route_models = _route("models", "GET", MODELS, "models")
route_model = _route("model", "GET", "/models/{id}", "models")
route_tokenize = _route("tokenize", "POST", "/tokenize", "tokenize")


@check(
    "auth.route.slash",
    SHOULD,
    "A slash at the end of a path opens no door.",
    peer("vllm", "test_trailing_slash_does_not_unguard"),
    needs=AUTH,
)
async def slash(server: Server) -> None:
    body = server.chat_body("Say hi.")
    for method, path in (("GET", "/models/"), ("POST", f"{CHAT}/")):
        sent = body if method == "POST" else None
        answer = await server.send(method, path, sent, key=WRONG, fresh=False)
        expect(not answer.ok, "no answer to a wrong key", answer.brief())


@check(
    "auth.options",
    SHOULD,
    "OPTIONS opens no door: without a key it shows nothing.",
    peer("vllm", "test_bare_options_needs_a_token"),
    needs=AUTH,
)
async def options(server: Server) -> None:
    for path, shown in ((MODELS, b'"data"'), (CHAT, b'"choices"')):
        body = None if path == MODELS else server.chat_body("Say hi.")
        answer = await server.send("OPTIONS", path, body, key="", fresh=False)
        expect(shown not in answer.body, "nothing of the API", answer.brief())


# --- a server without keys ---


def _keyless(name: str, rule: str, authorization: str) -> Check:
    @check(
        f"auth.keyless.{name}",
        SHOULD,
        rule,
        BEARER,
        ANY_KEY,
        needs="chat",
        clients="VS Code Copilot; clients that must send some key, or send an empty one",
    )
    async def keyless(server: Server) -> None:
        open_to = [await _chat(server, one) for one in ("", f"Bearer {WRONG}")]
        if server.target.key or not any(answer.ok for answer in open_to):
            raise Unsupported("the server wants a key")
        answer = await _chat(server, authorization)
        expect(answer.ok, "an answer, as without a key", answer.brief())

    return keyless


keyless_none = _keyless("none", "A server without keys takes requests without one.", "")
keyless_blank = _keyless("blank", "A server without keys takes an empty one.", "Bearer")
keyless_any = _keyless("any", "A server without keys takes any.", f"Bearer {WRONG}")
