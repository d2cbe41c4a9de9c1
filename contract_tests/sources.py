"""Who says so: the sources that a check may cite."""

from dataclasses import dataclass

DOCUMENT = "openai/openai-openapi"
SDK = "openai-python 3.52.0"


@dataclass(frozen=True, slots=True)
class Source:
    """One authority for a rule: its kind, where in it to look, and a link where there is one."""

    kind: str
    where: str
    url: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}"


def spec(pointer: str) -> Source:
    """The official OpenAPI document, by the JSON pointer below `#/components/schemas/`.

    A pointer that starts with `/` is taken from the document's root instead.
    """
    root = pointer.startswith("/")
    return Source("spec", f"#{pointer}" if root else f"#/components/schemas/{pointer}")


def doc(pointer: str) -> Source:
    """The description text at that pointer of the official document."""
    return Source("doc", spec(pointer).where)


def sdk(where: str) -> Source:
    """The behaviour of the official Python client, by module or name."""
    return Source("sdk", f"{SDK} {where}")


def issue(*references: str) -> tuple[Source, ...]:
    """GitHub threads (`owner/repo#number`) in which breaking the rule broke someone."""
    return tuple(
        Source("issue", one, "https://github.com/{}/issues/{}".format(*one.split("#")))
        for one in references
    )


def peer(project: str, test: str) -> Source:
    """Another project's test that asserts the same."""
    return Source("peer", f"{project} {test}")


def live(what: str) -> Source:
    """Known behaviour of api.openai.com that the document does not state."""
    return Source("live", what)


def rfc(section: str) -> Source:
    """A standard below the API: `RFC 9110 §11.1`, `WHATWG HTML §9.2`."""
    return Source("standard", section)
