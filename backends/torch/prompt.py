"""A request's prompt as the token ids that the model reads."""

from backends.protocol import GenerationRequest
from backends.torch.text.chat import Chat
from backends.torch.text.tokenizer import Tokenizer


def prompt_ids(request: GenerationRequest, tokenizer: Tokenizer, chat: Chat) -> list[int]:
    """The ids of the messages by the chat template, of the prompt, or those that the client sent.

    Raises:
        BadRequestError: an id is none, the template refuses the messages, or the model cannot
            fill in what goes before a `suffix`.
    """
    if request.messages:
        return chat.encode(request.messages, request.callable_tools)
    if request.suffix:
        return tokenizer.encode_fill(request.prompt or "", request.suffix)
    if request.prompt_token_ids is not None:
        tokenizer.require(request.prompt_token_ids, "prompt")
        return list(request.prompt_token_ids)
    return tokenizer.encode(request.prompt or "", special=True)
