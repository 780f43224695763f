"""Jinja2 templates that mean harm: each ends within its limits with a sentence, and nobody else notices (SEC-12, SEC-14, SEC-17)."""

from __future__ import annotations

import asyncio
import resource
import sys
from dataclasses import replace

import orjson
import pytest

from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import LIMITS, TemplatePool

DATA = {"Cluster": {"metadata": {"name": "east", "labels": {}}}, "text": "abc", "list": [1, 2], "empty": {}, "nothing": None}
ARGUMENT = orjson.dumps({"data": DATA, "now": "2026-01-01T00:00:00+00:00"})
TASK = "jinja2 text event"

ENDLESS = (
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% if b %}{% endif %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}",
    "{% macro f() %}{% for b in range(99999) %}{% endfor %}{% endmacro %}{% for a in range(99999) %}{{ f() }}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% continue %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) recursive %}{% if a == 99998 %}{{ loop(range(99999)) }}{% endif %}{% endfor %}",
    "{% set n = namespace(x=0) %}{% for a in range(99999) %}{% for b in range(99999) %}{% set n.x = n.x + 1 %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% set x = range(99999) | list | sort %}{% endfor %}",
    "{% call(x) f() %}{% endcall %}{% macro f() %}{% for a in range(99999) %}{{ caller(a) }}{% endfor %}{% endmacro %}",
    "{% for a in range(99999) %}{{ ('a ' * 99999) | wordwrap(2) | length }}{% endfor %}",
    "{% for a in range(99999) %}{% set x = range(9999) | batch(2) | list %}{% endfor %}",
)

MEMORY = (
    "{{ 'x' * 1000000000 }}",
    "{{ 1000000000 * 'x' }}",
    "{{ [1] * 100000000 }}",
    "{{ list * 1000000000 }}",
    "{{ 'x' * 999999 * 999999 }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ 2 ** 10000000 }}",
    "{{ (-3) ** 99999999 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%*d' % (999999999, 1) }}",
    "{{ '%.999999999f' % 1.5 }}",
    "{{ '%999999999s' | format('x') }}",
    "{{ 'x' | center(1000000000) }}",
    "{{ 'x' | indent(1000000000, true) }}",
    "{{ ('x\\n' * 9999) | indent(999999) }}",
    "{{ range(100000000) }}",
    "{{ range(0, 10 ** 18) | list }}",
    "{{ text.ljust(1000000000) }}",
    "{{ text.zfill(1000000000) }}",
    "{{ text.replace('', 'x' * 999999).replace('x', 'y' * 999999) }}",
    "{{ ('x' * 999999) | replace('x', 'y' * 999999) }}",
    "{{ ('x' * 999999).join(range(99999) | map('string')) }}",
    "{% set n = namespace(x='x') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x='x') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=[1]) %}{% for i in range(99999) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    "{% for i in range(99999) %}{{ 'x' * 999999 }}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{% macro f(n) %}{{ n }}{{ f(n ~ n) }}{% endmacro %}{{ f('xx') }}",
    "{% set x %}{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}{% endset %}{{ x }}",
    "{{ repeat(1000000000, 'x') }}",
    "{{ indent(1000000000, 'x') }}",
    "{{ untilStep(0, 1000000000, 1) }}",
    "{{ until(1000000000) }}",
    "{{ seq(1, 1000000000) }}",
    "{{ regexReplaceAll('', 'x' * 999999, 'y' * 999999) }}",
    "{{ fromYaml('a: &a [x,x,x,x,x,x,x,x,x]\\n"
    "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]')"
    " | toYaml * 99999 }}",
    "{{ range(99999) | map('string') | map('center', 99999) | list }}",
    "{{ range(99999) | batch(10 ** 9, 'x') | list }}",
    "{{ range(3) | slice(10 ** 9) | list }}",
    "{{ list | join('x' * 999999) * 2 }}",
)

DEPTH = (
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
    "{% for a in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "[" * 5000 + "]" * 5000 + " }}",
    "{{ " + "{'a': " * 5000 + "1" + "}" * 5000 + " }}",
    "{{ " + "not " * 50_000 + "1 }}",
    "{{ " + "-" * 50_000 + "1 }}",
    "{{ 1" + " + 1" * 50_000 + " }}",
    "{{ text" + " | upper" * 50_000 + " }}",
    "{{ Cluster" + ".a" * 50_000 + " }}",
    "{{ text" + "[0]" * 50_000 + " }}",
    "{{ f" + "()" * 50_000 + " }}",
    "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "{% for a in list %}" * 300 + "{% endfor %}" * 300,
    "{% filter upper %}" * 3000 + "{% endfilter %}" * 3000,
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
    "{{ 1 if 1 else " * 3000 + "1" + " }}" * 1,
    "{% if 1 %}" + "{% elif 1 %}" * 20_000 + "{{ x }}{% endif %}{{ x }}",
)

ESCAPES = (
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ().__class__.__base__ }}",
    "{{ [].__class__.__base__.__subclasses__() }}",
    "{{ empty.__class__ }}",
    "{{ empty['__cl' ~ 'ass__'] }}",
    "{{ range.__globals__ }}",
    "{{ range.__self__ }}",
    "{{ namespace.__init__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ namespace()['__init__'] }}",
    "{{ namespace().__class__ }}",
    "{{ namespace(__class__=1).__init__.__globals__ }}",
    "{{ upper.__globals__ }}",
    "{{ upper.__closure__[0].cell_contents }}",
    "{{ upper.__code__ }}",
    "{{ upper.__wrapped__ }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.x }}",
    "{% macro f() %}{% endmacro %}{{ f.__init__.__globals__ }}",
    "{% macro f() %}{% endmacro %}{{ f._func.__globals__ }}",
    "{% macro f() %}{% endmacro %}{{ f._environment }}",
    "{% macro f() %}{{ caller.__class__ }}{% endmacro %}{% call f() %}{% endcall %}",
    "{% for a in list %}{{ loop.__class__ }}{% endfor %}",
    "{% for a in list %}{{ loop._iterator }}{% endfor %}",
    "{% for a in list %}{{ loop.cycle.__func__.__globals__ }}{% endfor %}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{0.__class__}'.format_map({}) }}",
    "{{ '%(x)s' | format(x=nope) }}",
    "{{ ('{0.__class__}' | attr('format'))(1) }}",
    "{% set f = '{0.__class__}'.format %}{{ f(1) }}",
    "{{ ['{0.__class__}'] | map(attribute='format') | list | first }}",
    "{{ [''] | map(attribute='__class__') | first }}",
    "{{ [''] | map('attr', '__class__') | first }}",
    "{{ list | groupby('__class__') }}",
    "{{ list | sort(attribute='__class__') | first * 0 ~ nope }}",
    "{{ [''] | selectattr('__class__') | first }}",
    "{{ list | sum(attribute='__class__') }}",
    "{{ [''] | unique(attribute='__class__') | list }}",
    "{{ nope.__class__ }}",
    "{{ nope._fail_with_undefined_error }}",
    "{{ nope._undefined_exception }}",
    "{{ (nope | default(1)).__class__ }}",
    "{{ cycler('a').__init__.__globals__ }}",
    "{{ joiner.__init__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ lipsum() }}",
    "{{ dict.__mro__ }}",
    "{{ dict(__class__=1) }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ config }}",
    "{{ request.application }}",
    "{{ environment }}",
    "{{ context }}",
    "{{ __builtins__ }}",
    "{{ __import__('os') }}",
    "{{ open('/etc/passwd') }}",
    "{{ eval('1') }}",
    "{{ getattr(text, 'x') }}",
    "{% include '/etc/passwd' %}",
    "{% include ['a', 'b'] %}",
    "{% extends '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import system %}",
    "{% include nope %}",
    "{{ env('PATH') }}",
    "{{ expandenv('$PATH') }}",
    "{{ getHostByName('localhost') }}",
    "{{ genPrivateKey('rsa') }}",
    "{{ genCA('a', 1) }}",
    "{{ htpasswd('a', 'b') }}",
    "{{ uuidv4() }}",
    "{{ randAlpha(3) }}",
    "{{ list | random }}",
    "{{ shuffle('abc') }}",
    "{{ list.append(1) }}",
    "{{ list.clear() }}",
    "{{ empty.update({}) }}",
    "{{ empty.setdefault('a', 1) }}",
    "{{ text.encode() }}",
    "{{ text.translate({}) }}",
    "{{ text.upper.__self__ }}",
    "{{ text.upper.__class__ }}",
    "{{ text.upper }}",
    "{{ now().__class__ }}",
    "{{ now().tzinfo }}",
    "{{ semver('1.2.3').fields }}",
    "{{ semver('1.2.3').__class__ }}",
    "{{ range }}",
    "{{ text() }}",
    "{{ 1() }}",
    "{{ nothing.x }}",
    "{{ nothing() }}",
    "{% set Cluster.x = 1 %}",
    "{% set text = nope %}{{ text }}",
    "{% debug %}",
    "{% trans %}a{% endtrans %}{{ nope }}",
    "{% do list.append(1) %}",
    "{% autoescape true %}{{ nope }}{% endautoescape %}",
    "{% raw %}{% endraw",
    "{# never",
    "{{ 'never",
    "{{",
    "{% endif %}",
    "{{ 1 / 0 }}",
    "{{ 'a' + 1 }}",
    "{{ b64dec('/w==') }}",
    "{{ '\ud800' }}".encode("utf-8", "replace").decode() + "{{ nope }}",
    "\x00{{ nope }}",
    "{{ loop }}",
    "{% for a in nope %}{% endfor %}",
    "{% for a in 5 %}{% endfor %}",
    "{% break %}",
    "{% if Cluster.nope %}{% endif %}",
    "{{ Cluster.metadata.labels.region }}",
)

CORPUS = (*ENDLESS, *MEMORY, *DEPTH, *ESCAPES)
QUICK = replace(LIMITS, seconds=0.1)


def memory() -> int:
    """Bytes that this process ever held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1024 if sys.platform == "linux" else 1)


def test_the_corpus_is_large() -> None:
    assert len(set(CORPUS)) == len(CORPUS)
    assert len(CORPUS) >= 150


@pytest.mark.parametrize("task", [TASK, "jinja2 structured deploy"])
async def test_each_hostile_template_ends_with_a_sentence_and_the_process_stays_small(task: str) -> None:
    structured = task != TASK
    texts = [orjson.dumps({"a": text}).decode() for text in dict.fromkeys((*CORPUS[::2], *ESCAPES[:40]))] if structured else list(CORPUS)
    assert len(texts) >= 100
    async with ScriptPool() as scripts, TemplatePool(scripts, limits=QUICK) as pool:
        fine = '{"a": "{{ text | upper }}"}'
        made = '{\n  "a": "ABC"\n}' if structured else '{"a": "ABC"}'
        assert (await pool.render(task, fine, ARGUMENT)).text == made
        before = memory()
        answers = await asyncio.gather(*(pool.render(task, text, ARGUMENT) for text in texts))
        grown = memory() - before
        assert (await pool.render(task, fine, ARGUMENT)).text == made
    assert [text[:200] for text, answer in zip(texts, answers, strict=True) if not answer.error] == []
    assert [
        answer.error for answer in answers if len(answer.error) > 1000 or "Traceback" in answer.error or "object at 0x" in answer.error
    ] == []
    assert grown < 16 * 2**20


async def test_others_go_on_beside_endless_templates_and_wait_for_none_of_them() -> None:
    async with ScriptPool() as scripts, TemplatePool(scripts, limits=QUICK) as pool:
        await pool.render(TASK, "{{ text }}", ARGUMENT)
        hostile = asyncio.gather(*(pool.render(TASK, text, ARGUMENT) for text in ENDLESS[:6]))
        answered = 0
        while not hostile.done():
            assert (await pool.render(TASK, "{{ text }}", ARGUMENT)).text == "abc"
            answered += 1
        assert {answer.error for answer in await hostile} == {"it ran longer than 100 ms"}
    assert answered > 50
