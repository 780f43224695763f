"""The rules in CEL of a custom kind's schema (`x-kubernetes-validations`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fleetd.domain.errors import FleetdError
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.structural import Schema, below, properties
from fleetd.kubeapi.structural_checks import MISSING, key_of

RULES = "x-kubernetes-validations"
Evaluate = Callable[[Mapping[str, Any]], Any]
"""An expression that is ready; of its variables. Raises FleetdError where it cannot be evaluated."""
Compile = Callable[[str, tuple[str, ...]], Evaluate]
"""Makes an expression of its source and the names of its variables ready. Raises FleetdError where it has no meaning."""

BLOCKING = frozenset(("FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"))
NOT_CHECKED = Cause(
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to "
    "complete validation",
    "<nil>",
)
PREFIXES = {"FieldValueForbidden": "Forbidden", "FieldValueRequired": "Required value", "FieldValueDuplicate": "Duplicate value"}


def has_rules(schema: Schema) -> bool:
    """Whether there is a rule anywhere in the schema."""
    if schema.get(RULES):
        return True
    more, items = schema.get("additionalProperties"), schema.get("items")
    inner = [*properties(schema).values(), *(one for one in (more, items) if isinstance(one, Mapping))]
    return any(has_rules(one) for one in inner)


def broken(schema: Schema, value: Any, compile_rule: Compile, before: Any = MISSING, path: str = "") -> Iterator[Cause]:
    """The rules that a value breaks; those that speak of the value before (`oldSelf`) are asked of changes only."""
    if value is None:
        return
    for rule in schema.get(RULES) or ():
        found = _asked(rule, value, compile_rule, before, path)
        if found is not None:
            yield found
    if isinstance(value, dict):
        old = before if isinstance(before, dict) else {}
        for name, inner in value.items():
            known = below(schema, name)
            if known:
                yield from broken(known, inner, compile_rule, old.get(name, MISSING), f"{path}.{name}" if path else name)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        known_before = {key: item for item in before if (key := key_of(schema, item))} if isinstance(before, list) else {}
        for number, item in enumerate(value):
            yield from broken(schema["items"], item, compile_rule, known_before.get(key_of(schema, item), MISSING), f"{path}[{number}]")


def _asked(rule: Mapping[str, Any], value: Any, compile_rule: Compile, before: Any, path: str) -> Cause | None:
    source = str(rule.get("rule", ""))
    changes = "oldSelf" in source
    if changes and before is MISSING and not rule.get("optionalOldSelf"):
        return None
    variables: dict[str, Any] = {"self": value, **({"oldSelf": before} if changes else {})}
    message = str(rule.get("message") or "").strip()
    field = path + str(rule.get("fieldPath") or "") or "<nil>"
    try:
        if compile_rule(source, tuple(variables))(variables) is True:
            return None
        if rule.get("messageExpression"):
            message = str(compile_rule(str(rule["messageExpression"]), tuple(variables))(variables)) or message
    except FleetdError as error:
        return Cause("FieldValueInvalid", f"Invalid value: {error} evaluating rule: {message or source}", field)
    reason = str(rule.get("reason") or "FieldValueInvalid")
    return Cause(reason, f"{PREFIXES.get(reason, 'Invalid value')}: {message or f'failed rule: {source}'}", field)
