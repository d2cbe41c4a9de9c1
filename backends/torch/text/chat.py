"""Messages and tools as the model reads them: one text, by the model's own chat template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backends.protocol.errors import BadRequestError
from backends.torch.text.hermes import told, without_system
from backends.torch.text.inert import Inert
from backends.torch.text.messages import Message, plain_messages, plain_tools
from backends.torch.text.template import Template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backends.protocol import Tool
    from backends.protocol.wire import ChatCompletionRequestMessage
    from backends.torch.text.tokenizer import Tokenizer

# For a model without a chat template: who speaks, what they say, an empty line between.
PLAIN = """\
{{ bos_token }}{% for message in messages %}
{{ message.role | capitalize }}: {{ message.content }}

{% endfor %}
{% if add_generation_prompt %}
Assistant:{% endif %}"""
_SPEAKER = re.compile(r"""message\s*(\.name\b|\[\s*['"]name['"]\s*\])""")


class Chat:
    """The chat template of a tokenizer's folder, or a plain one.

    `native_tools` says whether the template itself tells the tools; they are called as
    `<tool_call>` with JSON either way, since that is what is looked for in the answer. A template
    with another form of call is told tools by `hermes.py`.

    `turn_ends` are strings at which an answer ends, where no token says so.

    Raises:
        ValueError: the template is broken.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        templates = tokenizer.templates
        self.turn_ends = () if templates else ("\nUser:", "\nSystem:")
        source = templates.get("default", PLAIN)
        with_tools = templates.get("tool_use", source)
        self.native_tools = _teaches_hermes(with_tools)
        self._template = Template(source)
        self._with_tools = Template(with_tools) if self.native_tools else self._template
        self._tokenizer = tokenizer
        self._inert = Inert(tokenizer.marks(source + with_tools))
        self._names = dict.fromkeys(("bos_token", "eos_token"), "") | dict(tokenizer.names)

    def encode(
        self, messages: Sequence[ChatCompletionRequestMessage], tools: Sequence[Tool] = ()
    ) -> list[int]:
        """The ids of the prompt, up to where the assistant begins to speak.

        The template's marks are tokens of their own; the same letters in a message are text.

        Raises:
            BadRequestError: the template refuses the messages, or a message is no text.
        """
        # The template writes the special tokens itself: none is added.
        first, *rest = self.pieces(messages, tools)
        ids = self._tokenizer.encode(first)
        for piece in rest:
            ids += self._tokenizer.encode_behind(piece)
        return ids

    def pieces(
        self, messages: Sequence[ChatCompletionRequestMessage], tools: Sequence[Tool] = ()
    ) -> list[str]:
        """The prompt's text, in pieces that are encoded one by one.

        Raises:
            BadRequestError: as `encode`.
        """
        try:
            return self._inert.apart(self._rendered(messages, tools))
        except RecursionError:  # in the arguments of a past call, or the parameters of a tool
            raise BadRequestError(
                "The arguments or parameters of a function are nested too deeply.",
                param="messages",
            ) from None

    def _rendered(
        self, messages: Sequence[ChatCompletionRequestMessage], tools: Sequence[Tool]
    ) -> str:
        plain = self._spoken(self._inert.sewn(plain_messages(messages)))
        listed = self._inert.sewn(plain_tools(tools))
        if self.native_tools:
            template = self._with_tools if tools else self._template
            return self._render(template, plain, tools=listed or None)
        said = told(plain, listed)
        if not tools or plain[0]["role"] == "system":
            return self._render(self._template, said)
        try:
            return self._render(self._template, said)
        except BadRequestError:  # a template may know no system prompt: this one is our own
            return self._render(self._template, without_system(said))

    def _render(self, template: Template, messages: list[Message], **more: object) -> str:
        variables = {**self._names, "add_generation_prompt": True, **more}
        return template.render(messages=messages, **variables)

    def _spoken(self, messages: list[Message]) -> list[Message]:
        """The messages with the roles and names that the template knows.

        A template with no word for the name of who speaks has it before what they say.
        """
        source = self._template.source
        for message in messages:
            if message["role"] == "developer" and "developer" not in source:
                message["role"] = "system"
            if message["role"] != "tool" and "name" in message and not _SPEAKER.search(source):
                message["content"] = f"{message.pop('name')}: {message['content']}"
        return messages


def _teaches_hermes(source: str) -> bool:
    """Whether a template tells tools by itself, with calls as JSON between `<tool_call>` tags."""
    return "<tool_call>" in source and "<function=" not in source and Template(source).uses("tools")
