"""The prompt as one text, by which a backend without a chat template is counted."""

from backends.protocol.request import GenerationRequest, text_of
from backends.protocol.tokenizer import count
from backends.protocol.wire import ChatCompletionRequestMessage

IMAGE_TEXT = "<|image|>" * 28
AUDIO_TEXT = "<|audio|>" * 16
FILE_TEXT = "<|file|>" * 16


def prompt_text(request: GenerationRequest) -> str:
    """The prompt as one text: as given, or the messages and tools in a plain chat template."""
    if request.prompt is not None:
        return request.prompt + (request.suffix or "")
    lines = [f"<|{message.role}|>{_content_text(message)}\n" for message in request.messages]
    lines += [f"<|tool|>{tool.name} {tool.description} {tool.parameters}\n" for tool in request.tools]
    return "".join(lines)


def prompt_tokens(request: GenerationRequest) -> int:
    """How many tokens the prompt of a request has."""
    if request.prompt_token_ids is not None:
        return len(request.prompt_token_ids) + count(request.suffix or "")
    return count(prompt_text(request))


def _content_text(message: object) -> str:
    content: str | Sequence[object] | None = getattr(message, "content", None)
    text = text_of(content)
    if isinstance(content, list):
        kinds = [part.type for part in content]
        text += IMAGE_TEXT * kinds.count("image_url") + AUDIO_TEXT * kinds.count("input_audio")
    for call in getattr(message, "tool_calls", None) or ():
        called = getattr(call, "function", None) or getattr(call, "custom", None)
        text += f"{called.name} {getattr(called, 'arguments', None) or getattr(called, 'input', '')}"
    return text
