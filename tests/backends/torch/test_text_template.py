from typing import Any

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from backends.protocol.errors import BadRequestError
from backends.torch.text.template import Template

MESSAGES = [{"role": "user", "content": "<é> & 'x'"}, {"role": "assistant", "content": "b"}]
# Each shows something that templates of the Hub do.
SOURCES = [
    "{{ bos_token }}{% for m in messages %}\n  {% if m.role == 'user' %}\nU {{ m.content }}\n"
    "  {% else %}\nA {{ m.content }}\n  {% endif %}\n{% endfor %}\n",
    "{{ messages | tojson }}",
    "{{ messages[0] | tojson(indent=2, sort_keys=true) }}",
    "{% for m in messages %}{% if loop.index == 2 %}{% break %}{% endif %}{{ m.role }}{% endfor %}",
    "{% set a = namespace(n=0) %}{% for m in messages %}{% set a.n = 1 %}{% endfor %}{{ a.n }}",
    "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %};{% endfor %}",
    "{{ strftime_now('%Y')[:2] }} {{ messages | selectattr('role', 'equalto', 'user') | list }}",
    "{%- if add_generation_prompt -%} go {%- endif -%}",
]


@pytest.mark.parametrize("source", SOURCES)
def test_a_template_gives_what_it_gives_in_transformers(source: str) -> None:
    names: dict[str, Any] = {"add_generation_prompt": True, "bos_token": "<s>"}
    theirs: Any = render_jinja_template(conversations=[MESSAGES], chat_template=source, **names)
    assert theirs[0] == [Template(source).render(messages=MESSAGES, **names)]


def test_a_template_that_refuses_says_why() -> None:
    source = "{{ raise_exception('Roles must alternate\nand ' + 'so ' * 500) }}"
    with pytest.raises(BadRequestError, match="Roles must alternate and so") as refused:
        Template(source).render(messages=[])
    assert refused.value.param == "messages"
    assert len(refused.value.message) < 400


@pytest.mark.parametrize("source", ["{{ 'a' + none }}", "{{ messages[0].x.y }}", "{{ 1 / 0 }}"])
def test_a_template_that_fails_is_the_messages_fault(source: str) -> None:
    with pytest.raises(BadRequestError, match="chat template"):
        Template(source).render(messages=[{"role": "user"}])


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages.__class__.__base__.__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{% set ns = namespace(__html__='x') %}{{ ns }}",
    ],
)
def test_a_template_stays_in_its_sandbox(source: str) -> None:
    with pytest.raises(BadRequestError):
        Template(source).render(messages=[])


def test_a_broken_template_is_one_line() -> None:
    with pytest.raises(ValueError, match="no Jinja template"):
        Template("{% for %}")


@pytest.mark.parametrize(
    ("source", "used"),
    [("{{ tools }}", True), ("{% if tools is defined %}{% endif %}", True), ("tools", False)],
)
def test_a_template_says_what_it_looks_at(source: str, used: Any) -> None:
    assert Template(source).uses("tools") is used
