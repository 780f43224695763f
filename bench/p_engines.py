"""What a rendering by another engine costs the daemon, batched, and how long one takes; beside Go templates in the process itself."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from bench.harness import Bench, Check, Goal, Result, median
from bench.objects import pod_event
from bench.p6_lua import AT_ONCE, at
from fleetd.decide.gotemplate.template import Surroundings, compile_template, event_functions
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import TemplatePool

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GO = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Resource.metadata.name | trunc 60 }}
  namespace: default
data:
{{- range $key, $value := .Resource.metadata.labels }}
  {{ $key }}: {{ $value | quote }}
{{- end }}
  node: {{ .Resource.spec.nodeName | upper | quote }}
"""
JINJA = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ Resource.metadata.name | trunc(60) }}
  namespace: default
data:
  {% for key, value in Resource.metadata.labels.items() %}
  {{ key }}: {{ value | quote }}
  {% endfor %}
  node: {{ Resource.spec.nodeName | upper | quote }}
"""
STRUCTURED = """apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ Resource.metadata.name | trunc(60) }}", namespace: default}
data:
  "{% for key, value in Resource.metadata.labels.items() %}": {"{{ key }}": "{{ value }}"}
  node: "{{ Resource.spec.nodeName | upper }}"
"""
JSONNET = """local pod = std.extVar('Resource');
{
  apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: pod.metadata.name, namespace: 'default'},
  data: pod.metadata.labels {node: std.asciiUpper(pod.spec.nodeName)},
}
"""
TASKS = {
    "jinja2": ("jinja2 text event", JINJA),
    "structured": ("jinja2 structured event", STRUCTURED),
    "jsonnet": ("jsonnet text event", JSONNET),
}

Rendering = Callable[[bytes], Awaitable[Any]]


async def batched(render: Rendering, arguments: Sequence[bytes], rounds: int) -> tuple[list[float], list[float]]:
    """Microseconds of this process' CPU for a rendering, and renderings a second, of each round."""
    costs, rates = [], []
    for _ in range(rounds):
        cpu, began = time.process_time(), time.perf_counter()
        for start in range(0, len(arguments), AT_ONCE):
            await asyncio.gather(*(render(argument) for argument in arguments[start : start + AT_ONCE]))
        costs.append((time.process_time() - cpu) / len(arguments) * 1e6)
        rates.append(len(arguments) / (time.perf_counter() - began))
    return costs, rates


async def alone(render: Rendering, arguments: Sequence[bytes]) -> list[float]:
    """Milliseconds that one rendering after another takes, in order of size."""
    times = []
    for argument in arguments:
        began = time.perf_counter()
        await render(argument)
        times.append((time.perf_counter() - began) * 1e3)
    return sorted(times)


def of_go(data: Sequence[dict[str, Any]]) -> list[float]:
    """Microseconds of one Go template in this process."""
    template = compile_template(GO, functions=event_functions())
    times = []
    for one in data:
        began = time.perf_counter()
        template.render(one, surroundings=Surroundings(NOW))
        times.append((time.perf_counter() - began) * 1e6)
    return times


async def run(bench: Bench) -> Result:
    """One small template on Pods, by each engine."""
    rounds = bench.sizes.rounds
    count = max(AT_ONCE, bench.sizes.events // rounds // 20)
    data = [{"Resource": orjson.loads(pod_event(f"web-{number}", str(number)))["object"]} for number in range(count)]
    arguments = [orjson.dumps({"data": one, "now": NOW.isoformat()}) for one in data]
    checks, figures = [], {"go_in_process_us": statistics.median(of_go(data)), "renderings": float(count * rounds)}
    async with ScriptPool() as scripts, TemplatePool(scripts) as pool:
        for name, (task, text) in TASKS.items():

            async def render(argument: bytes, task: str = task, text: str = text) -> Any:
                made = await pool.render(task, text, argument)
                if made.text is None:
                    raise RuntimeError(made.error)
                return made

            await alone(render, arguments[:AT_ONCE])
            costs, rates = await batched(render, arguments, rounds)
            single = await alone(render, arguments[: 5 * AT_ONCE])
            checks.append(Check(f"daemon's CPU for a rendering by {name}, batched", median(costs), 60.0, "us"))
            figures |= {
                f"{name}_cpu_us": median(costs),
                f"{name}_renderings_a_second": median(rates),
                f"{name}_alone_p50_ms": statistics.median(single),
                f"{name}_alone_p99_ms": at(single, 0.99),
            }
    return Result(tuple(checks), figures, (f"{AT_ONCE} renderings at once; two processes; the object is a Pod as a watch brings it",))


GOAL = Goal(
    "P-ENGINES",
    "Jinja2 and Jsonnet in processes of their own cost the daemon little.",
    "<= 60 us of the daemon's CPU for a rendering, batched",
    run,
)
