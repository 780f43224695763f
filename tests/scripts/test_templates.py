"""Templates of other engines, and Lua that yields resources, in processes of their own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import LIMITS, Made, TemplatePool

TASK = "jinja2 text event"


def given(**data: Any) -> bytes:
    return orjson.dumps({"data": data, "now": "2026-01-02T03:04:05+00:00"})


@pytest.mark.parametrize(
    ("task", "text", "made"),
    [
        (TASK, "{{ a.b | upper }} {{ now() | date('15:04') }}", "X 03:04"),
        (TASK, "{{ dateInZone('15:04', now(), 'Asia/Kolkata') }} {{ regexFind('x+', 'axx') }} {{ toYaml(a) }}", "08:34 xx b: x"),
        (TASK, "{{ fromYaml('a: [1]').a[0] }} {{ fromToml('a = 1').a }} {{ semver('1.2.3').Minor }} {{ 'é' | title }}", "1 1 2 É"),
        (TASK, "{{ 1.5 | round }} {{ a | dictsort }} {{ [3, 1] | sort }} {{ 'x' is string }}", '2 [["b","x"]] [1,3] true'),
        ("jinja2 structured deploy", "x: '{{ a }}'", '{\n  "x": {\n    "b": "x"\n  }\n}'),
        ("jsonnet text event", "{x: std.extVar('a').b}", '{\n  "x": "x"\n}'),
    ],
)  # fmt: skip
async def test_nothing_that_a_template_may_do_needs_a_file(task: str, text: str, made: str) -> None:
    async with ScriptPool() as scripts, TemplatePool(scripts) as pool:
        assert await pool.render(task, text, given(a={"b": "x"})) == Made(made)


async def test_lua_yields_resources_and_its_errors_have_their_line() -> None:
    async with ScriptPool() as scripts, TemplatePool(scripts) as pool:
        argument = orjson.dumps({"one": {"kind": "Pod"}})
        good = await pool.render("lua", "function evaluate() return {resources = 'kind: ' .. resources.one.kind} end", argument)
        bad = await pool.render("lua", "function evaluate()\n  return {resources = resources.two.kind}\nend", argument)
        other = await pool.render("lua", "function evaluate() return {resources = {}} end", argument)
    assert good == Made("kind: Pod")
    assert (bad.text, bad.line) == (None, 2)
    assert "resources.two" in bad.error
    assert "resources is" in other.error


async def test_what_is_wrong_for_one_object_is_not_for_the_others() -> None:
    text = "{% if a == 3 %}{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}{% endif %}{{ 12 // a }}"
    async with ScriptPool() as scripts, TemplatePool(scripts, limits=replace(LIMITS, seconds=0.1)) as pool:
        answers = await asyncio.gather(*(pool.render(TASK, text, given(a=number)) for number in range(6)))
    assert [answer.text for answer in answers] == [None, "12", "6", None, "3", "2"]
    assert [answer.error for answer in answers if answer.error] == ["division by zero", "it ran longer than 100 ms"]


async def test_a_template_that_ended_its_process_again_and_again_is_to_be_asked_later() -> None:
    text = "{% for x in range(99999) %}{% for y in range(99999) %}{{ a }}{% set z = 1 %}{% endfor %}{% endfor %}".replace("{{ a }}", "")
    async with ScriptPool() as scripts, TemplatePool(scripts, limits=replace(LIMITS, seconds=0.1)) as pool:
        answers = [await pool.render(TASK, text, given(a=1)) for _ in range(4)]
        assert (await pool.render(TASK, "{{ a }}", given(a=1))).text == "1"
    assert [answer.again > 0 for answer in answers] == [False, False, False, True]


async def test_what_a_template_sees_is_bounded() -> None:
    async with ScriptPool() as scripts, TemplatePool(scripts, limits=replace(LIMITS, argument_bytes=1000)) as pool:
        assert "larger than 1000 bytes" in (await pool.render(TASK, "{{ a }}", given(a="x" * 1000))).error
        assert "longer than 1000000 characters" in (await pool.render(TASK, "x" * 1_000_001, given())).error
