"""Templates as platform teams write them: hand-written ones, and documents composed of their idioms, each with several data."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fleetd.decide.gotemplate.template import Budget, Missing, compile_template
from fleetd.domain.errors import EvaluationFailed, OverBudget

CORPUS = Path(__file__).parent / "corpus"
DATA: list[dict[str, Any]] = json.loads((CORPUS / "data.json").read_text())
COMPOSED = 400

Ask = Callable[[Sequence[Any]], list[tuple[bool, str]]]


def written(name: str) -> dict[str, str]:
    parts = (part.partition("\n") for part in (CORPUS / name).read_text().split("#--- ")[1:])
    return {name: text for name, _, text in parts}


IDIOMS = written("idioms.tpl")
HAND_WRITTEN = IDIOMS | written("documents.tpl")
CONDITIONS = (
    "if .Cluster.spec.paused",
    'if eq .Cluster.metadata.labels.env "prod"',
    "if not .Resources",
    'if and .Values.ingress.enabled (hasKey .Cluster.metadata.labels "tier")',
    "if gt (len .Resource.spec.ports) 1",
)


def composed(number: int) -> str:
    """A document of two to five idioms, each in its own scope: plain, conditional, a template of its own, a block, or repeated."""
    choice = random.Random(number)
    head = definitions = ""
    for place in range(choice.randint(2, 5)):
        idiom = IDIOMS[choice.choice(sorted(IDIOMS))]
        name = f"part-{place}"
        match choice.randrange(6):
            case 0:
                head += f"{{{{- if true }}}}\n{idiom}{{{{- end }}}}\n"
            case 1:
                head += f"{{{{- {choice.choice(CONDITIONS)} }}}}\n{idiom}{{{{- else }}}}\n# left out\n{{{{- end }}}}\n---\n"
            case 2:
                head += f'{{{{ block "{name}" . }}}}{idiom}{{{{ end -}}}}\n'
            case 3:
                definitions += f'{{{{- define "{name}" }}}}{idiom}{{{{- end }}}}\n'
                head += f'{{{{- template "{name}" . }}}}\n'
            case 4:
                definitions += f'{{{{ define "{name}" -}}}}\n{idiom}{{{{ end }}}}'
                head += f'{{{{ range $round := until 2 }}}}# {{{{ $round }}}}{{{{ template "{name}" $ }}}}{{{{ end }}}}\n---\n'
            case 5:
                head += f"{{{{- with $ }}}}\n{idiom}{{{{- end -}}}}\n"
    return head + definitions if choice.randrange(2) else definitions + head


TEMPLATES = list(HAND_WRITTEN.values()) + [composed(number) for number in range(COMPOSED)]


def ours(text: str, data: dict[str, Any]) -> tuple[bool, str]:
    """Helm takes a missing key for nil, and removes what Go writes for nil."""
    try:
        return True, compile_template(text, missing=Missing.ZERO).render(data).replace("<no value>", "")
    except EvaluationFailed as refused:
        return False, str(refused)


@pytest.mark.parametrize("at", range(len(DATA)))
def test_templates_in_the_manner_of_real_ones_render_as_in_go(at: int, go: Ask) -> None:
    assert len(set(TEMPLATES)) >= 500
    rendered = 0
    for text, (done, expected) in zip(TEMPLATES, go([(text, DATA[at]) for text in TEMPLATES]), strict=True):
        found, mine = ours(text, DATA[at])
        assert (found, mine if done else "") == (done, expected if done else ""), text + expected
        rendered += done
    assert rendered > 400


@pytest.mark.parametrize("data", DATA)
def test_rendering_is_repeatable_and_leaves_its_data_alone(data: dict[str, Any]) -> None:
    before = deepcopy(data)
    for text in TEMPLATES[:250]:
        assert ours(text, data) == ours(text, data)
    assert data == before


@pytest.mark.parametrize("data", DATA)
def test_a_budget_ends_a_rendering_and_never_changes_it(data: dict[str, Any]) -> None:
    for text in HAND_WRITTEN.values():
        template = compile_template(text, missing=Missing.ZERO)
        try:
            whole = template.render(data)
        except EvaluationFailed:
            continue
        for steps in (10, 40, 160, 640):
            for size in (100, 1_000):
                with suppress(OverBudget):
                    assert template.render(data, budget=Budget(steps, size, 2_000)) == whole
