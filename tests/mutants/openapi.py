"""The defects of `schema.py` again, for the checks that judge by a given OpenAPI document."""

from tests.mutants.schema import planted

MUTANTS = tuple(planted("openapi"))
