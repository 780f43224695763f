"""Renders hostile templates: a JSON list [templates, data] in, a list of [error's name, error, KiB grown] out."""

from __future__ import annotations

import json
import resource
import sys

from fleetd.decide.gotemplate.template import compile_template, event_functions
from fleetd.domain.errors import EvaluationFailed, OverBudget

KIB = 1 if sys.platform == "linux" else 1024


def held() -> int:
    """KiB that this process ever held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB


def outcome(text: str, data: dict[str, object]) -> tuple[str, str, int]:
    before = held()
    try:
        compile_template(text, functions=FUNCTIONS).render(data)
    except (EvaluationFailed, OverBudget) as refused:
        return type(refused).__name__, str(refused)[:2000], held() - before
    return "rendered", "", held() - before


FUNCTIONS = event_functions()
texts, data = json.load(sys.stdin)
compile_template('{{ toYaml . }}{{ regexFind "a" "a" }}{{ toToml . }}{{ fromYaml "a: 1" }}{{ dateInZone "15" 0 "Europe/Berlin" }}').render(
    data
)
json.dump([outcome(text, data) for text in texts], sys.stdout)
