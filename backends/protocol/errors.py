"""The errors a backend or the adapter raises; `adapter/errors.py` alone turns them into JSON.

The names are the OpenAI client's: the server raises what the caller catches.

    APIError                       500 server_error
    ├─ BadRequestError             400 invalid_request_error
    │  ├─ ContextLengthExceeded    400 ... code=context_length_exceeded
    │  └─ UnsupportedParameter     400 ... code=unsupported_parameter
    ├─ AuthenticationError         401 ... code=invalid_api_key
    ├─ PermissionDeniedError       403
    ├─ NotFoundError               404
    │  └─ ModelNotFound            404 ... code=model_not_found
    ├─ MethodNotAllowed            405
    ├─ ConflictError               409
    ├─ RequestTooLarge             413
    ├─ UnsupportedCoding           415 (Accept-Encoding)
    ├─ RateLimitError              429 (Retry-After)
    ├─ BackendUnavailable          503 (Retry-After)
    └─ BackendTimeout              504
"""

# Why an upstream failed: it refused the connection, its name does not resolve, its certificate is
# not trusted, another failure of TLS, too slow, the connection broke, or it answered with an error.
REASONS = frozenset({"refused", "dns", "certificate", "tls", "timeout", "reset", "status"})


class APIError(Exception):
    """A failure the client is told about: its status, and the four members of the envelope.

    `message` reaches the client word for word: it names the field and the bound, and never
    carries a key, a path or a class name. `retry_after_s` becomes the `Retry-After` header; a
    class that always has one says so. `reason` is for logs and metrics and never sent: one of
    `REASONS` where an upstream failed, else None.
    """

    status = 500
    type = "server_error"
    code: str | None = None
    retry_after_s: int | None = None
    reason: str | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: int | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or type(self).code
        self.retry_after_s = retry_after_s or type(self).retry_after_s
        self.reason = reason or type(self).reason


class BadRequestError(APIError):
    """The request is wrong, and would be wrong again."""

    status = 400
    type = "invalid_request_error"


class ContextLengthExceeded(BadRequestError):
    """The prompt does not fit the model's context window; `beyond` says so in OpenAI's words."""

    code = "context_length_exceeded"

    @classmethod
    def beyond(
        cls,
        window_tokens: int,
        prompt_tokens: int | None = None,
        answer_tokens: int = 0,
        *,
        param: str = "messages",
        what: str | None = None,
    ) -> "ContextLengthExceeded":
        """The error of a prompt of that many tokens (None: not counted), in OpenAI's sentence.

        Clients know it by these words: LiteLLM falls back to a model with a larger window, agents
        compact their conversation. `answer_tokens` are those that were asked for beside the
        prompt's, `what` is the client's name of the text if it is only a part of `param`.

        Source: https://github.com/BerriAI/litellm, is_error_str_context_window_exceeded
        """
        what = what or param
        if answer_tokens and prompt_tokens is not None:
            seen = (
                f"you requested {prompt_tokens + answer_tokens} tokens"
                f" ({prompt_tokens} in the {what}, {answer_tokens} in the completion)"
            )
            todo = f"Please reduce the length of the {what} or completion."
        else:
            counted = "more" if prompt_tokens is None else f"{prompt_tokens} tokens"
            filled = ", which leaves none for the answer" if prompt_tokens == window_tokens else ""
            seen = f"your {what} resulted in {counted}{filled}"
            todo = f"Please reduce the length of the {what}."
        length = f"This model's maximum context length is {window_tokens} tokens."
        return cls(f"{length} However, {seen}. {todo}", param=param)


class UnsupportedParameter(BadRequestError):
    """A known parameter that this backend cannot honour, and that must not be dropped."""

    code = "unsupported_parameter"


class AuthenticationError(APIError):
    """The key is missing or wrong; which of the two, the client is not told."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class PermissionDeniedError(APIError):
    """The key is right, and the operation is not for it."""

    status = 403
    type = "invalid_request_error"


class NotFoundError(APIError):
    """There is nothing under that name."""

    status = 404
    type = "invalid_request_error"


class ModelNotFound(NotFoundError):
    """No model of that name is served to this key; `advice` says how to have others served."""

    code = "model_not_found"

    def __init__(self, model: str, advice: str = "") -> None:
        super().__init__(
            f"The model '{model[:100]}' does not exist or you do not have access to it."
            f" GET /v1/models lists those that you may use. {advice}".rstrip(),
            param="model",
        )


class MethodNotAllowed(APIError):
    """The path exists, for other methods; `allow` lists them for the `Allow` header."""

    status = 405
    type = "invalid_request_error"

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


class ConflictError(APIError):
    """The request fights with the present state of the thing it names."""

    status = 409
    type = "invalid_request_error"


class RequestTooLarge(APIError):
    """The body is larger than the server reads."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class UnsupportedCoding(APIError):
    """The body is in a coding that is not read; `accepted` lists those for `Accept-Encoding`."""

    status = 415
    type = "invalid_request_error"
    code = "unsupported_content_encoding"

    def __init__(self, message: str, *, accepted: str) -> None:
        super().__init__(message)
        self.accepted = accepted


class RateLimitError(APIError):
    """Too many requests; `retry_after_s` says when to come back."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
    retry_after_s = 1


class BackendUnavailable(APIError):
    """The backend cannot answer now; `retry_after_s` says when to come back."""

    status = 503
    type = "server_error"
    code = "backend_unavailable"
    retry_after_s = 1


class BackendTimeout(APIError):
    """The backend did not answer in the time it had."""

    status = 504
    type = "server_error"
    code = "backend_timeout"
    reason = "timeout"
