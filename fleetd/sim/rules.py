"""The CEL of custom kinds' schemas, by our own compiler."""

from __future__ import annotations

from functools import lru_cache

from fleetd.decide.cel.program import compile_cel
from fleetd.kubeapi.structural_rules import Evaluate


@lru_cache(1024)
def compile_rule(source: str, variables: tuple[str, ...]) -> Evaluate:
    """Raises EvaluationFailed for a source that has no meaning."""
    return compile_cel(source, variables=variables).evaluate
