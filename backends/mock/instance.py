"""Placeholder until the real one lands."""


def instance(schema, *, seed=0):
    return "{}"


def matching(grammar):
    return ""
