"""Claude over Anthropic's own API: chats go out as Messages, and come back as events.

| file | holds |
|---|---|
| `backend.py` | `AnthropicBackend`: asks, and reads the answer as it comes |
| `body.py` | the request body: limits, sampling, stop sequences, output format |
| `parameters.py` | what becomes of each property of a request |
| `turns.py` | messages as a system prompt and alternating turns |
| `parts.py` | texts, images and files as content blocks |
| `tools.py` | tools and tool choices |
| `thinking.py` | how hard to think, in the way that the model knows |
| `answer.py` | the events of Anthropic's stream as ours |
| `catalogue.py` | the models that Anthropic lists, and how they think |
| `errors.py` | Anthropic's refusals as ours |
| `settings.py` | `ANTHROPIC_*` |

Source: https://platform.claude.com/docs/en/api/messages
"""

from backends.anthropic.backend import AnthropicBackend

__all__ = ["AnthropicBackend"]
