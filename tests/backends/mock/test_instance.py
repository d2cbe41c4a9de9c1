"""Documents for schemas: valid, plain, the same each time."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import jsonschema_rs
import pytest
from pydantic import AnyUrl, BaseModel, Field, RootModel

from backends.mock.instance import instance
from backends.protocol.errors import BadRequestError

Schema = dict[str, Any]
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_4 = "http://json-schema.org/draft-04/schema#"


def accepts(schema: Schema | bool, document: str) -> bool:
    return jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(json.loads(document))


def an_object(*required: str, **properties: object) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def defining(**definitions: object) -> Schema:
    """The first of the definitions, which may refer to each other."""
    return {"$ref": f"#/$defs/{next(iter(definitions))}", "$defs": definitions}


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
DOCUMENTS: list[tuple[Schema, str]] = [
    ({}, '"text"'),
    ({"type": "object"}, '{"key":"text"}'),
    ({"type": "object", "additionalProperties": False}, "{}"),
    (an_object("city", city=STRING, unit={"enum": ["c", "f"]}), '{"city":"text","unit":"c"}'),
    (an_object(a={"type": ["null", "string"]}), '{"a":"text"}'),
    (an_object(a=an_object(b=an_object(c=an_object(d=INTEGER)))), '{"a":{"b":{"c":{"d":1}}}}'),
    ({"type": "object", "additionalProperties": INTEGER}, '{"key":1}'),
    ({"type": "object", "minProperties": 2}, '{"key":"text","key2":"text"}'),
    ({**an_object(a=INTEGER), "additionalProperties": STRING}, '{"a":1}'),
    ({"type": "object", "required": ["a b", 'c"d']}, '{"a b":"text","c\\"d":"text"}'),
    ({"allOf": [an_object("a", a=INTEGER), an_object(b=STRING)]}, '{"a":1,"b":"text"}'),
    ({"anyOf": [{"type": "null"}, an_object("a", a=INTEGER)]}, '{"a":1}'),
    ({"oneOf": [an_object("k", k={"const": 1}), an_object("k", k={"const": 2})]}, '{"k":1}'),
    ({"oneOf": [INTEGER, NUMBER]}, "0.5"),
    (defining(A=an_object("b", b={"$ref": "#/$defs/B"}), B={"enum": ["x"]}), '{"b":"x"}'),
    ({"type": "array", "items": STRING}, '["text"]'),
    ({"type": "array", "items": INTEGER, "minItems": 2}, "[1,1]"),
    ({"type": "array", "items": INTEGER, "minItems": 3, "uniqueItems": True}, "[1,0,2]"),
    ({"type": "array", "maxItems": 0}, "[]"),
    ({"type": "array", "prefixItems": [INTEGER, STRING], "minItems": 2}, '[1,"text"]'),
    ({"type": "array", "contains": {"const": 5}}, "[5]"),
    ({"enum": ["é", "日本"]}, '"é"'),
    ({"enum": [None, 3, "a"]}, "3"),
    ({"const": None}, "null"),
    ({"const": {"a": [1, {"b": None}], "c": "d"}}, '{"a":[1,{"b":null}],"c":"d"}'),
    ({"type": "string", "minLength": 10}, '"texttextte"'),
    ({"type": "string", "maxLength": 1}, '"a"'),
    ({"type": "string", "maxLength": 0}, '""'),
    ({"type": "string", "pattern": "^ab+c?$", "examples": ["abbc"]}, '"abbc"'),
    ({"type": "string", "pattern": "^(?!foo)[a-z]+$"}, '"text"'),
    ({"type": "string", "format": "of-our-own"}, '"text"'),
    ({"type": "integer", "minimum": 18, "maximum": 99}, "18"),
    ({"type": "integer", "multipleOf": 7, "minimum": 100}, "105"),
    ({"type": "integer", "multipleOf": 9699690, "minimum": 5}, "19399380"),
    ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, "0.5"),
    ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001}, "0.0005"),
    ({"type": "integer", "maximum": 18446744073709551615}, "1"),
    ({"$schema": DRAFT_7, "items": [STRING, INTEGER], "minItems": 2}, '"text"'),
    ({"$schema": DRAFT_4, "type": "integer", "minimum": 1, "exclusiveMinimum": True}, "2"),
    ({**an_object(a=STRING, b=STRING), "dependentRequired": {"a": ["b"]}},
     '{"a":"text","b":"text"}'),
    ({**STRING, "x-guidance": {"whitespace_pattern": "("}}, '"text"'),
]  # fmt: skip
VALID: list[Schema] = [
    *({"type": "string", "format": name} for name in (
        "date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid",
    )),
    {"type": "string", "pattern": "^ab+c$"},
    {"type": "string", "pattern": "^[A-Z]{3}-\\d{2,4}$"},
    {"type": "string", "pattern": "[0-9]{4}"},
    {"type": "string", "pattern": "^[a-z]*z$"},
    {"type": "string", "pattern": "^[é-ü]{2}$"},
    {"type": "string", "pattern": '^["\\\\\\n]{3}$'},
    {"type": "string", "allOf": [{"pattern": "[a-z]"}, {"pattern": "[0-9]"}, {"minLength": 8}]},
    {"type": "object", "patternProperties": {"^x-": INTEGER}, "minProperties": 2},
    {"type": "object", "propertyNames": {"enum": ["on", "off"]}, "minProperties": 1},
    {"not": STRING},
    {"not": {"type": ["string", "number", "boolean", "null"]}},
    {"if": {"type": "string"}, "then": {"minLength": 9}, "else": {"type": "null"}},
    {"type": "array", "items": {"enum": [1, 2, 3, 4]}, "minItems": 4, "uniqueItems": True},
    defining(N=an_object("v", v=INTEGER, next={"$ref": "#/$defs/N"})),
    defining(N=an_object("l", l={"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]})),
    defining(N=an_object(**{f"n{i}": {"$ref": "#/$defs/N"} for i in range(8)})),
    an_object(**{f"p{i}": STRING for i in range(1500)}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "document"), DOCUMENTS, ids=str)
def test_a_document_is_small_and_plain(schema: Schema, document: str) -> None:
    assert instance(schema) == document
    assert accepts(schema, document)


@pytest.mark.parametrize("schema", VALID, ids=lambda schema: str(schema)[:80])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_document_is_valid_whatever_the_seed(schema: Schema, seed: int) -> None:
    document = instance(schema, seed=seed)
    assert accepts(schema, document)
    assert len(document) < 2_000 or len(schema.get("properties", ())) > 1_000


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Level(IntEnum):
    LOW = 3
    HIGH = 7


class Address(BaseModel):
    street: str
    postcode: Annotated[str, Field(pattern=r"^\d{5}$")]
    country: Literal["fr", "de"] = "fr"


class Person(BaseModel):
    """Most of what people put into a model."""

    id: UUID
    name: Annotated[str, Field(min_length=3, max_length=20)]
    age: Annotated[int, Field(ge=18, lt=130)]
    share: Annotated[float, Field(gt=0, lt=1)]
    born: date
    seen: datetime
    break_: timedelta = Field(alias="break")
    colour: Colour
    level: Level
    address: Address
    others: list[Address] = []
    nickname: str | None = None
    tags: Annotated[set[int], Field(min_length=3)]
    scores: dict[str, float]
    by_colour: dict[Colour, int]
    by_code: dict[Annotated[str, Field(pattern="^[a-z]{2}$")], int]
    place: tuple[float, float]
    site: AnyUrl
    either: int | str | None
    nothing: None


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []
    parent: "Tree | None" = None


class Sum(BaseModel):
    kind: Literal["sum"]
    left: "Expression"
    right: "Expression"


class Negation(BaseModel):
    kind: Literal["negation"]
    of: "Expression"


class Constant(BaseModel):
    kind: Literal["constant"]
    value: float


class Expression(RootModel[Sum | Negation | Constant]):
    root: Annotated[Sum | Negation | Constant, Field(discriminator="kind")]


@pytest.mark.parametrize("model", [Address, Person, Tree, Sum, Expression])
def test_pydantic_reads_what_its_schema_gets(model: type[BaseModel]) -> None:
    document = instance(model.model_json_schema())
    read = model.model_validate_json(document)
    assert set(json.loads(document)) <= set(read.model_dump(by_alias=True, mode="json"))


def test_what_is_optional_is_there_and_recursion_ends() -> None:
    person = json.loads(instance(Person.model_json_schema()))
    assert person["nickname"] == "text"
    assert person["by_colour"] == {"red": person["by_colour"]["red"]}
    assert len(person["others"]) == 1
    tree = json.loads(instance(Tree.model_json_schema()))
    assert tree["children"][0]["name"] == "text"
    assert json.loads(instance(Expression.model_json_schema()))["kind"] == "constant"


def test_a_boolean_is_a_schema_too() -> None:
    assert instance(True) == '"text"'
    with pytest.raises(BadRequestError, match="'false' accepts none"):
        instance(False)


def test_seeds_vary_the_words() -> None:
    assert len({instance(STRING, seed=seed) for seed in range(4)}) == 4
    assert instance(STRING, seed=4) == instance(STRING, seed=0)


def test_another_process_writes_the_same() -> None:
    schemas = [*VALID[-18:-2], Person.model_json_schema(), *(schema for schema, _ in DOCUMENTS)]
    program = (
        "import json, sys; from backends.mock.instance import instance;"
        "print(json.dumps([instance(schema, seed=3) for schema in json.load(sys.stdin)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"},
        input=json.dumps(schemas),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [instance(schema, seed=3) for schema in schemas]


def test_threads_do_not_disturb_each_other() -> None:
    schemas = [Person.model_json_schema(), Tree.model_json_schema(), *VALID[:14]]
    jobs = [(schema, seed) for seed in (100, 101) for schema in schemas for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(lambda job: instance(job[0], seed=job[1]), jobs))
    assert written == [instance(schema, seed=seed) for schema, seed in jobs]
    assert all(accepts(schema, text) for (schema, _), text in zip(jobs, written, strict=True))


def test_the_libraries_are_loaded_when_first_needed() -> None:
    program = (
        "import sys, backends.mock.instance;"
        "sys.exit(str({'llguidance', 'jsonschema_rs'} & sys.modules.keys() or ''))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == ""
