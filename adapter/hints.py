"""The 404 for a path that is not here, with what its client may have meant."""

from backends.protocol.errors import NotFoundError

HERE = frozenset(
    {"chat", "completions", "embeddings", "models", "moderations", "tokenize", "detokenize"}
)
# The other APIs of OpenAI's, and one that is often asked for beside them.
ABSENT = {
    "responses": "OpenAI's Responses API",
    "conversations": "OpenAI's Conversations API",
    "assistants": "OpenAI's Assistants API",
    "threads": "OpenAI's Assistants API",
    "audio": "OpenAI's Audio API",
    "images": "OpenAI's Images API",
    "videos": "OpenAI's Videos API",
    "realtime": "OpenAI's Realtime API",
    "files": "OpenAI's Files API",
    "uploads": "OpenAI's Uploads API",
    "batches": "OpenAI's Batch API",
    "fine_tuning": "OpenAI's Fine-tuning API",
    "vector_stores": "OpenAI's Vector stores API",
    "containers": "OpenAI's Containers API",
    "evals": "OpenAI's Evals API",
    "organization": "OpenAI's Administration API",
    "messages": "Anthropic's Messages API",
}
# How clients that ask for responses unless told otherwise are told to ask for chats.
CHAT_INSTEAD = (
    " Let the client ask for chat completions:"
    ' set_default_openai_api("chat_completions") in the OpenAI Agents SDK,'
    " use_responses_api=False in LangChain, openai.chat(model) in Vercel's AI SDK."
)


def unknown_url(method: str, path: str) -> NotFoundError:
    """The refusal of a path that nothing serves."""
    return NotFoundError(
        f"Unknown request URL: {method} {path[:200]}.{_hint(path)}", code="unknown_url"
    )


def _hint(path: str) -> str:
    names = path.split("/")[1:]
    if names[:2] == ["v1", "v1"]:
        return " '/v1' stands twice in it: leave it out of the base URL or of the path."
    below_v1 = names[0] == "v1"
    name = "".join(names[1:2] if below_v1 else names[:1])
    hint = ""
    if not below_v1 and (name in HERE or name in ABSENT):
        hint = f" The API is below /v1: use a base URL that ends in /v1 (/v1{path[:200]})."
    if name in ABSENT:
        hint += f" This server does not have {ABSENT[name]}."
    return hint + CHAT_INSTEAD if name == "responses" else hint
