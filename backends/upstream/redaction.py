"""What of an upstream's words no client may see: keys, accounts, paths of its machine.

Only what has the form of a secret goes; words, identifiers of requests, names of models, JSON
pointers and URLs stay.

Source: https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml
"""

import re
from collections.abc import Iterable, Mapping

import orjson

from backends.protocol.header_value import SECRET_NAME

KEY, REST = "[key]", "[…]"
SHORT = 8  # a key this short may be a part of a word

# Neither a part of a word nor of a longer identifier.
BEGIN, END = r"(?<![\w-])", r"(?![\w-])"
# The look ahead is bounded: what an upstream sends may be made to be slow to search.
MIXED = "".join(rf"(?=[A-Za-z0-9+/]{{0,40}}{kind})" for kind in (r"\d", "[a-z]", "[A-Z]"))
KEYS = (
    r"sk-(?:ant|proj|or|svcacct|admin)-[\w-]{8,}",  # Anthropic, OpenAI, OpenRouter
    r"sk-(?=[\w-]*\d)[\w-]{8,}",
    r"sk-[A-Za-z0-9]{20,}",
    r"(?:sk|pk|key)[-_][\w-]*(?:[*•]{2,}|\.{2,}|…)[\w*•….-]*",  # as an upstream shortens it
    r"[spr]k_(?:live|test)_\w{8,}",
    r"(?:sk|pk|key|api|token|secret)[-_](?=[A-Za-z]*\d)[A-Za-z0-9]{16,}",
    r"(?:org|proj|user)[-_](?=[A-Za-z]*\d)(?:(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{8,}|[a-z0-9]{20,})",
    r"(?:hf|gsk|r8|fw|jina|gh[pousr]|xai|pplx|csk)[-_][A-Za-z0-9]{16,}",
    r"(?:github_pat|tgp_v1|nvapi|glpat|xox[abprs]|GOCSPX)[-_](?=[\w-]*\d)[\w-]{16,}",
    r"dapi[0-9a-f]{32}",
    r"AIza[\w-]{30,}",
    r"(?:AQ|ya29)\.[\w-]{20,}",
    r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA)[A-Z0-9]{16}",
    r"ABSK[A-Za-z0-9+/]{20,}=*",
    r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",  # a JWT
)
NAMED_KEY = re.compile(f"{BEGIN}(?:{'|'.join(KEYS)})")
# Without a prefix: 32 hexadecimal digits or 84 letters (Azure), 64 digits, 32 mixed letters and
# more, 40 with the signs of base64 (AWS).
BARE_KEY = re.compile(
    rf"{BEGIN}(?:[0-9a-f]{{32}}|[0-9A-F]{{32}}|[0-9a-f]{{64}}|[A-Za-z0-9]{{84}}"
    rf"|{MIXED}[A-Za-z0-9]{{32,}}|(?<![/.:]){MIXED}[A-Za-z0-9+/]{{40}}=*){END}"
)
# What stands before an identifier that is no secret.
IDENTIFIER = re.compile(
    r"(?:\b(?:id|ids|request|trace|span|digest|sha-?256|md5|commit|revision)|[-_]id)\W{0,4}$",
    re.IGNORECASE,
)
BEFORE_CHARACTERS = 20
# Where something says that a key follows, whatever has a letter and a digit is one; words are not.
VALUE = (
    r"""(?!https?:)(?:(?=[^\s"',;]{0,200}\d)(?=[^\s"',;]{0,200}[A-Za-z])[^\s"',;]{8,}"""
    r"""|[A-Za-z0-9]{24,}|[^\s*•…"']{0,64}[*•…][^\s"']*)"""
)
LABELLED_KEY = re.compile(
    r"((?:api|access|secret|private|subscription)[-_ ]?key(?: provided)?"
    r"|(?:access|auth|api|bearer|refresh|id|session)[-_]token|client[-_]secret|passw(?:or)?d"
    rf"""|authorization)(["']?\s*[:=]\s*["']?(?:Bearer |Basic )?){VALUE}""",
    re.IGNORECASE,
)
SCHEME = re.compile(
    r"\b((?i:Bearer|Basic))( +)(?:(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}|[\w.~+/=-]{24,}"
    r"|(?=[a-z]+[A-Z])\w{8,})"
)
IN_URL = re.compile(
    r"(://)[^\s/@]+(?=@)"
    r"|([?&](?:api[-_]?key|key|token|access[-_]token|sig|signature|secret)=)[^&\s\"']+",
    re.IGNORECASE,
)
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END[^\n]*|\Z)", re.DOTALL)
# A path of a file system: below a root that machines have, or to a file. "/v1/models" is none, nor
# is a JSON pointer.
ROOTS = (
    "home|root|srv|opt|usr|var|etc|tmp|mnt|media|Users|Volumes|private|proc|sys|dev|lib|lib64|nix"
    "|run|app|workspace|kaggle|dbfs|gpfs|lustre|scratch|nfs|storage|Library"
)
FILES = "bin|gguf|safetensors|pt|pth|onnx|py|pyc|so|dll|exe|js|ts|go|rs|java|c|cpp|h|sh|log|pem|crt"
PATH = re.compile(
    rf"(?<![\w:/.$#])/(?:(?:{ROOTS})(?:/[\w.@+-]+)+|[\w.@+-]+(?:/[\w.@+-]+)*\.(?:{FILES})\b)/?"
    r"|\b[A-Za-z]:\\(?:[\w .@+-]+\\)*[\w.@+-]+"
)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without secrets: those given, which we send ourselves, and what looks like one."""
    for secret in secrets:
        if len(secret) >= SHORT:
            text = text.replace(secret, KEY)
        else:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", KEY, text)
    text = PRIVATE_KEY.sub(REST, text)
    text = IN_URL.sub(rf"\1\2{REST}", text)
    text = LABELLED_KEY.sub(rf"\1\2{REST}", text)
    text = SCHEME.sub(rf"\1\2{REST}", text)
    text = NAMED_KEY.sub(REST, text)
    text = BARE_KEY.sub(_unless_identifier, text)
    return PATH.sub(REST, text)


def has_secret(body: bytes, secrets: Iterable[str] = ()) -> bool:
    """Whether a text anywhere in a JSON document would be redacted."""
    values = [orjson.loads(body)]
    while values:
        value = values.pop()
        if isinstance(value, str) and redacted(value, secrets) != value:
            return True
        if isinstance(value, dict):
            # With its name: an identifier of a request and a key may look the same.
            values += [
                f"{name}: {one}" if isinstance(one, str) else one for name, one in value.items()
            ]
        elif isinstance(value, list):
            values += value
    return False


def sent_secrets(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets among headers: the values of those that carry keys, without their scheme."""
    found = {
        value.split()[-1]
        for name, value in headers.items()
        if value.strip() and SECRET_NAME.search(name)
    }
    # The longest first: one may be a part of another.
    return tuple(sorted(found, key=len, reverse=True))


def _unless_identifier(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - BEFORE_CHARACTERS) : match.start()]
    return match.group() if IDENTIFIER.search(before) else REST
