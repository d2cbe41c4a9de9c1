"""The prompt as one text, by which a backend without a chat template is counted."""

from backends.protocol.request import GenerationRequest, text_of
from backends.protocol.tokenizer import count
from backends.protocol.wire import ChatCompletionRequestMessage
from backends.protocol.wire.calls import ToolCall

# What stands for a part that is not text, repeated so that it costs about what it costs at OpenAI.
PART_TEXT = {
    "image_url": "<|image|>" * 16,
    "input_audio": "<|audio|>" * 16,
    "file": "<|file|>" * 16,
}


def prompt_text(request: GenerationRequest) -> str:
    """The prompt as one text: as given, or the messages and tools in a plain chat template."""
    if request.prompt is not None:
        return request.prompt + (request.suffix or "")
    lines = [f"<|{message.role}|>{_content_text(message)}\n" for message in request.messages]
    lines += [
        f"<|tool|>{tool.name} {tool.description} {tool.parameters}\n" for tool in request.tools
    ]
    return "".join(lines)


def prompt_tokens(request: GenerationRequest) -> int:
    """How many tokens the prompt of a request has; counted once."""
    if request.prompt_tokens is None:
        if request.prompt_token_ids is not None:
            request.prompt_tokens = len(request.prompt_token_ids) + count(request.suffix or "")
        else:
            request.prompt_tokens = count(prompt_text(request))
    return request.prompt_tokens


def _content_text(message: ChatCompletionRequestMessage) -> str:
    text = text_of(message.content)
    if isinstance(message.content, list):
        text += "".join(PART_TEXT.get(part.type, "") for part in message.content)
    if message.role == "assistant":
        text += "".join(_call_text(call) for call in message.tool_calls or ())
    return text


def _call_text(call: ToolCall) -> str:
    if call.type == "function":
        return f"{call.function.name} {call.function.arguments}"
    return f"{call.custom.name} {call.custom.input}"
