"""What a condition costs beside the decoding of the object that it is asked about, and what selectors cost beside asking every pair."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import orjson

from bench.harness import Bench, Check, Goal, Result, median
from bench.objects import pod
from fleetd.decide.cel.compiler import Given
from fleetd.decide.cel.parser import parse
from fleetd.decide.cel.program import Program, compile_cel
from fleetd.decide.cel.why import why
from fleetd.decide.select import Selector, compile_selector
from fleetd.decide.select_index import SelectorIndex

ON_PODS = (
    "resource.status.phase == 'Failed' || resource.status.containerStatuses.exists(c, c.restartCount > 5)",
    "resource.metadata.labels['app'] in ['web', 'api'] && resource.spec.nodeName.startsWith('node-')",
    "has(resource.metadata.annotations) && resource.metadata.name.matches('^web-[0-9]+$')",
    "resource.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
    "size(resource.spec.containers) >= 3 && resource.spec.restartPolicy == 'Always'",
    "timestamp(resource.metadata.creationTimestamp) < timestamp('2020-01-01T00:00:00Z')",
)
ON_SERVICES = (
    "resource.spec.type == 'LoadBalancer' && has(resource.status.loadBalancer.ingress) && size(resource.status.loadBalancer.ingress) > 0",
    "resource.spec.ports.all(p, p.protocol == 'TCP' && p.port < 9000)",
    "resource.metadata.labels.tier == 'edge' && !has(resource.metadata.deletionTimestamp)",
    "resource.spec.ports.filter(p, p.name.startsWith('http')).map(p, p.port).size() > 2",
)


def service() -> dict[str, Any]:
    """A LoadBalancer Service with twelve ports and an address, about 4 KB."""
    made: dict[str, Any] = pod("web", "7")
    applied = orjson.dumps({"spec": {"ports": [{"name": f"http-{number}", "port": 8000 + number} for number in range(30)]}}).decode()
    metadata = {
        **made["metadata"],
        "labels": {"app": "web", "tier": "edge", "team": "shop"},
        "annotations": {"example.com/applied": applied},
    }
    ports = [
        {"name": f"http-{number}", "protocol": "TCP", "port": 8000 + number, "targetPort": 9000 + number, "nodePort": 30000 + number}
        for number in range(12)
    ]
    spec = {"type": "LoadBalancer", "clusterIP": "10.0.0.7", "selector": {"app": "web"}, "ports": ports, "sessionAffinity": "None"}
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7", "hostname": "web.example.com"}]}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": status}


def cost(work: Callable[[], Any], rounds: int, times: int) -> float:
    """Microseconds of CPU for one of them: the least of several rounds, which is what the machine's other work adds least to."""
    found = []
    for _ in range(rounds):
        began = time.thread_time_ns()
        for _ in range(times):
            work()
        found.append((time.thread_time_ns() - began) / times / 1000)
    return min(found)


class Costs:
    """Of one condition on one object, in microseconds, all taken one after the other."""

    def __init__(self, source: str, resource: Mapping[str, Any], raw: bytes, rounds: int, times: int) -> None:
        program, bindings = compile_cel(source), {"resource": resource}
        program.trace(bindings)
        self.decoding = cost(lambda: orjson.loads(raw), rounds, times)
        self.condition = cost(lambda: program.matches(resource), rounds, times)
        self.traced = cost(lambda: program.trace(bindings), rounds, times)
        self.untraced = cost(lambda: program.evaluate(bindings), rounds, times)
        self.why = cost(lambda: why(program, bindings), rounds, max(1, times // 20))
        self.compiling = cost(lambda: Program(source, parse(source), Given(("resource",))), rounds, max(1, times // 20))
        self.google = _google(source, resource, rounds, max(1, times // 20))


def _google(source: str, resource: Mapping[str, Any], rounds: int, times: int) -> float | None:
    """The same by Google's runtime, which converts the dict each time; None where it is not installed."""
    if find_spec("cel_expr_python") is None:
        return None
    cel = import_module("cel_expr_python.cel")
    config = "name: bench\nextensions: [{name: strings}, {name: optional}]\nvariables: [{name: resource, type_name: dyn}]\n"
    environment = cel.NewEnv(config=cel.NewEnvConfigFromYaml(config))
    program = environment.compile(source)
    return cost(lambda: program.eval(environment.Activation({"resource": resource})), rounds, times)


def _rust(source: str, resource: Mapping[str, Any], rounds: int, times: int) -> float | None:
    """The same by the binding of the Rust engine; None where it is not installed."""
    if find_spec("cel") is None:
        return None
    program = import_module("cel").compile(source)
    return cost(lambda: program.execute({"resource": resource}), rounds, times)


def of_conditions(rounds: int, times: int) -> tuple[list[Check], dict[str, Any], list[str]]:
    """Checks, raw values and remarks."""
    objects = {"pod": pod("web-1", "7"), "service": service()}
    raws = {name: orjson.dumps(one) for name, one in objects.items()}
    cases = [("pod", source) for source in ON_PODS] + [("service", source) for source in ON_SERVICES]
    costs = [Costs(source, objects[name], raws[name], rounds, times) for name, source in cases]
    shares = [one.condition / one.decoding for one in costs]
    checks = [
        Check("a condition, median, as part of decoding its object", median(shares), 0.15, "D"),
        Check("traced as a multiple of untraced, median", median([one.traced / one.untraced for one in costs]), 4.0, "x"),
        Check("parse and compile, median", median([one.compiling for one in costs]), 200.0, "us"),
    ]
    figures: dict[str, Any] = {
        "condition_us": median([one.condition for one in costs]),
        "decoding_us": median([one.decoding for one in costs]),
        "dearest_condition_D": max(shares),
        "traced_us": median([one.traced for one in costs]),
        "traced_most_x": max(one.traced / one.untraced for one in costs),
        "why_us": median([one.why for one in costs]),
        "compiling_us": median([one.compiling for one in costs]),
        "object_bytes": [len(raw) for raw in raws.values()],
    }
    notes = [f"{len(cases)} conditions on a Pod and a Service, decoded before; D is orjson.loads of that object; the budget is on"]
    google = [one.google / one.condition for one in costs if one.google is not None]
    if google:
        checks.append(Check("as part of Google's runtime given the dict, median", 1 / median(google), 1 / 40, "x"))
        figures["google_us"] = median([one.google for one in costs if one.google is not None])
        figures["google_x"] = median(google)
    else:
        notes.append("Google's runtime (cel-expr-python) is not installed and is not compared")
    rust = [_rust(source, objects[name], rounds, max(1, times // 50)) for name, source in cases[:3]]
    known = [theirs / ours.condition for theirs, ours in zip(rust, costs, strict=False) if theirs is not None]
    if known:
        checks.append(Check("as part of the Rust binding given the dict, median", 1 / median(known), 1 / 150, "x"))
        figures["rust_x"] = median(known)
    else:
        notes.append("the binding of the Rust engine (common-expression-language) is not installed and is not compared")
    return checks, figures, notes


def fleet(chance: random.Random, clusters: int) -> dict[str, dict[str, str]]:
    """Clusters with the labels that fleets have."""
    found = {}
    for number in range(clusters):
        labels = {"env": chance.choice(("prod", "stage", "dev")), "region": f"r{chance.randrange(12)}", "team": f"t{chance.randrange(40)}"}
        if chance.random() < 0.3:
            labels["canary"] = chance.choice(("yes", "no"))
        found[f"default/c{number}"] = labels
    return found


def selectors(chance: random.Random, count: int) -> list[Selector]:
    """One to three terms, of all four operators, on labels that are there and that are not, in the order in which people write them."""
    found = []
    for _ in range(count):
        terms: list[dict[str, Any]] = [
            {"key": "env", "operator": "In", "values": chance.choice((["prod"], ["prod", "stage"], ["dev"]))},
            {"key": "team", "operator": "In", "values": [f"t{chance.randrange(40)}"]},
            {"key": "region", "operator": "NotIn", "values": [f"r{chance.randrange(12)}" for _ in range(3)]},
            {"key": "canary", "operator": chance.choice(("Exists", "DoesNotExist"))},
            {"key": "missing", "operator": "DoesNotExist"},
        ]
        found.append(compile_selector({"matchExpressions": chance.sample(terms, chance.randint(1, 3))}))
    return found


def of_selectors(seed: int, rounds: int, clusters: int, count: int) -> tuple[list[Check], dict[str, Any]]:
    """The index against asking every pair, and that both say the same."""
    chance = random.Random(seed)
    labels, chosen = fleet(chance, clusters), selectors(chance, count)
    index = SelectorIndex()
    for name, pairs in labels.items():
        index.add_cluster(name, pairs)
    for number, selector in enumerate(chosen):
        index.add_selector(str(number), selector)
    full = cost(lambda: [index.bits(selector) for selector in chosen], rounds, 1) / 1000
    names = list(labels)[: min(200, clusters)]

    def relabel() -> None:
        for name in names:
            now = {**labels[name], "env": "prod" if labels[name]["env"] != "prod" else "dev"}
            labels[name] = now
            index.add_cluster(name, now)
            index.selectors_matching(now)

    relabelled = cost(relabel, rounds, 1) / len(names)
    asked = chosen[:: max(1, count // 50)]
    began = time.thread_time_ns()
    pairwise = [{name for name, pairs in labels.items() if selector.matches(pairs)} for selector in asked]
    naive = (time.thread_time_ns() - began) / 1e6 * count / len(asked)
    different = sum(index.matching(selector) != wanted for selector, wanted in zip(asked, pairwise, strict=True))
    for name in names:
        different += index.selectors_matching(labels[name]) != {str(n) for n, one in enumerate(chosen) if one.matches(labels[name])}
    checks = [
        Check("every selector against every cluster anew", full, 20.0, "ms"),
        Check("one relabelled cluster", relabelled, 100.0, "us"),
        Check("as part of asking every pair", full / naive, 1 / 300, "x"),
        Check("answers other than those of asking every pair", float(different), 0.0, ""),
    ]
    raw = {"clusters": clusters, "selectors": count, "full_ms": full, "naive_ms": naive, "naive_x": naive / full, "relabel_us": relabelled}
    return checks, raw


async def run(bench: Bench) -> Result:
    """Conditions on two objects, and selectors on a fleet."""
    rounds = max(3, bench.sizes.rounds)
    times = max(20, bench.sizes.events // 40)
    checks, raw, notes = of_conditions(rounds, times)
    share = 1 if bench.sizes.events >= 10_000 else 20
    more, figures = of_selectors(bench.seed, rounds, 10_000 // share, 1_000 // share)
    notes.append("the time of asking every pair is that of fifty selectors, times what fifty are of all")
    return Result((*checks, *more), {**raw, **figures}, tuple(notes))


GOAL = Goal(
    "P6-CEL",
    "A condition costs a small part of decoding its object, and says why; selectors need not be asked pair by pair.",
    "<= 0.15 D, 1/40 of Google's runtime, traced <= 4 times untraced, compiled <= 200 us; 20 ms for all, 100 us for one cluster",
    run,
)
