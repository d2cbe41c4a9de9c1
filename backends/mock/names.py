"""The model names that people's code already uses."""

CHAT = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "o1",
    "o3",
    "o3-mini",
    "o4-mini",
    "gpt-4-turbo",
    "gpt-4",
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-instruct",
    "mock-1",
    "mock-refusal",
)
REFUSING = "mock-refusal"
EMBEDDING_SIZES = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
MODERATION = ("omni-moderation-latest", "text-moderation-latest")
ALL = (*CHAT, *EMBEDDING_SIZES, *MODERATION)
NOT_MODERATING = frozenset(ALL) - {*MODERATION, "mock-1"}
