"""Passthrough to a server that speaks the OpenAI API: the client's bytes out, its bytes back."""

from backends.openai.backend import OpenAIBackend

__all__ = ["OpenAIBackend"]
