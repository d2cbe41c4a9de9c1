"""Why a connection failed: a word for logs, and a sentence for a client that names no host.

Only the standard library's errors are looked at, which every HTTP client has as a cause.
"""

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

# Codes of OpenSSL's X509_V_ERR_*.
CERTIFICATE_FAULTS = {
    9: "is not valid yet",
    10: "has expired",
    62: "is for another name",
    64: "is for another address",
}
UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})
DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """Why: `reason` is one of `REASONS` in `errors.py`."""

    reason: str
    message: str


def failure_of(error: BaseException | None, who: str = "The upstream") -> Failure:
    """What went wrong with the connection to `who`, by the error and its causes."""
    for cause in _causes(error):
        if found := _known(cause, who):
            return found
    return Failure("reset", f"{who} broke off the connection.")


def _known(error: BaseException, who: str) -> Failure | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = CERTIFICATE_FAULTS.get(error.verify_code, "is not trusted")
        return Failure("certificate", f"{who}'s certificate {fault}.")
    if isinstance(error, ssl.SSLError):
        return Failure("tls", f"{who} failed the TLS handshake.")
    if isinstance(error, socket.gaierror):
        return Failure("dns", f"{who}'s name does not resolve.")
    if isinstance(error, ConnectionRefusedError):
        return Failure("refused", f"{who} refuses connections.")
    if isinstance(error, ConnectionError):
        return Failure("reset", f"{who} broke off the connection.")
    if isinstance(error, TimeoutError):
        return Failure("timeout", f"{who} accepts no connection in time.")
    if isinstance(error, OSError) and error.errno in UNREACHABLE:
        return Failure("refused", f"{who} cannot be reached.")
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What caused an error, the deepest first: a client's own errors may be of several kinds."""
    chain: list[BaseException] = []
    while error is not None and error not in chain and len(chain) < DEEPEST:
        chain.append(error)
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        else:
            error = error.__cause__ or error.__context__
    yield from reversed(chain)
