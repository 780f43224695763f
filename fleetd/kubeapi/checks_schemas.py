"""What the schema of a custom kind may not say.

The rules are those of "Extend the Kubernetes API with CustomResourceDefinitions" in the documentation of Kubernetes: first what schemas
may hold at all, then what makes them structural, then the defaults.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleetd.domain.errors import FleetdError
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import in_json, not_allowed, required, unsupported, wrong, wrong_value
from fleetd.kubeapi.structural import ALWAYS, EMBEDDED, INT_OR_STRING, PRESERVE, Schema, properties, pruned
from fleetd.kubeapi.structural_checks import causes
from fleetd.kubeapi.structural_rules import RULES, Compile

TYPES = ("array", "boolean", "integer", "number", "object", "string")
NO_PLACE = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
JUNCTORS = ("allOf", "oneOf", "anyOf")
LIST_TYPE, MAP_TYPE, KEYS = "x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-list-map-keys"
BARE = (("title", "empty"), ("description", "empty"), ("nullable", "false"), ("externalDocs", "undefined"), (PRESERVE, "false"))
BARE_MARKS = ((EMBEDDED, "false"), (INT_OR_STRING, "false"), (KEYS, "empty"), (LIST_TYPE, "undefined"), (MAP_TYPE, "undefined"))
EITHER = [{"type": "integer"}, {"type": "string"}]
REASONS = ("FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate")


def schema_faults(schema: Schema, path: str, compile_rule: Compile | None) -> Iterator[Cause]:
    """Everything that is wrong with the schema of one version; rules in CEL are looked at where all else is right."""
    if schema.get("nullable"):
        yield not_allowed(f"{path}.nullable", "nullable cannot be true at the root")
    found = list(_allowed(schema, path))
    yield from found
    if not found:
        yield from _rules(schema, path, compile_rule)
    bent = [*_structural(schema, path, "root"), *_complete(schema, schema, path)]
    if bent:
        yield from sorted(bent, key=lambda cause: f"{cause.field}: {cause.message}")
    else:
        yield from _defaults(schema, path)


def _inner(schema: Schema, path: str) -> Iterator[tuple[Schema, str]]:
    """The schemas right below one, with their paths."""
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield schema["additionalProperties"], f"{path}.additionalProperties"
    for name in sorted(properties(schema)):
        yield properties(schema)[name], f"{path}.properties[{name}]"
    if isinstance(schema.get("not"), Mapping):
        yield schema["not"], f"{path}.not"
    for key in JUNCTORS:
        for number, part in enumerate(schema.get(key) or ()):
            yield part, f"{path}.{key}[{number}]"
    if isinstance(schema.get("items"), Mapping):
        yield schema["items"], f"{path}.items"


def _allowed(schema: Schema, path: str) -> Iterator[Cause]:
    kind = schema.get("type")
    if kind and kind not in TYPES:
        yield unsupported(f"{path}.type", kind, TYPES)
    for key in NO_PLACE:
        if schema.get(key):
            yield not_allowed(f"{path}.{key}", f"{key} is not supported")
    if kind == "null":
        yield not_allowed(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(schema.get("items"), list):
        yield not_allowed(f"{path}.items", "items must be a schema object and not an array")
    if schema.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield not_allowed(f"{path}.uniqueItems", why)
    if properties(schema) and (schema.get("additionalProperties") is False or isinstance(schema.get("additionalProperties"), Mapping)):
        yield not_allowed(f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    for below, here in _inner(schema, path):
        yield from _allowed(below, here)
    if schema.get(PRESERVE) is False:
        yield wrong(f"{path}.{PRESERVE}", "false", "must be true or undefined")
    yield from _marks(schema, path)
    yield from _keys(schema, path)
    yield from _rule_forms(schema, path)


def _typed(kind: Any, wanted: str, mark: str, path: str) -> Iterator[Cause]:
    if kind != wanted:
        why = f"must be {wanted} if {mark} is specified"
        yield wrong_value(f"{path}.type", kind, why) if kind else required(f"{path}.type", why)


def _marks(schema: Schema, path: str) -> Iterator[Cause]:
    kind, merged, listed = schema.get("type"), schema.get(MAP_TYPE), schema.get(LIST_TYPE)
    if merged is not None:
        yield from _typed(kind, "object", MAP_TYPE, path)
        if merged not in ("atomic", "granular"):
            yield unsupported(f"{path}.{MAP_TYPE}", merged, ("atomic", "granular"))
    if listed is None:
        return
    yield from _typed(kind, "array", LIST_TYPE, path)
    items = schema.get("items") or {}
    if kind == "array" and listed == "set" and isinstance(items, Mapping):
        for sort, mark, found in (("array", LIST_TYPE, items.get(LIST_TYPE) or "atomic"), ("object", MAP_TYPE, items.get(MAP_TYPE))):
            if items.get("type") == sort and found != "atomic":
                yield wrong(f"{path}.items.{mark}", in_json(items.get(mark)), f"must be atomic as item of a list with {LIST_TYPE}=set")
    if listed not in ("atomic", "set", "map"):
        yield unsupported(f"{path}.{LIST_TYPE}", listed, ("atomic", "set", "map"))


def _keys(schema: Schema, path: str) -> Iterator[Cause]:
    keys, listed, items = schema.get(KEYS) or (), schema.get(LIST_TYPE), schema.get("items")
    if keys and listed != "map":
        why = f"must be map if {KEYS} is non-empty"
        yield required(f"{path}.{LIST_TYPE}", why) if listed is None else wrong_value(f"{path}.{LIST_TYPE}", listed, why)
    if listed != "map":
        return
    if not keys:
        yield required(f"{path}.{KEYS}", f"must not be empty if {LIST_TYPE} is map")
    if not isinstance(items, Mapping):
        yield required(f"{path}.items", f"must have a schema if {LIST_TYPE} is map")
        return
    if items.get("type") != "object":
        why = f"must be object if parent array's {LIST_TYPE} is map"
        yield wrong_value(f"{path}.items.type", str(items.get("type") or ""), why)
        return
    yield from _key_properties(keys, items, path)


def _key_properties(keys: Sequence[str], items: Schema, path: str) -> Iterator[Cause]:
    for number, key in enumerate(keys):
        known = properties(items).get(key)
        if known is None:
            yield wrong(f"{path}.{KEYS}", in_json(list(keys)), "entries must all be names of item properties")
        elif known.get("type") in ("array", "object"):
            why = f"must be a scalar type if parent array's {LIST_TYPE} is map"
            yield wrong_value(f"{path}.items.properties[{key}].type", "object", why)
        if key in keys[:number]:
            yield wrong(f"{path}.{KEYS}", in_json(list(keys)), "must not contain duplicate entries")
    for key in keys:
        known = properties(items).get(key)
        if known is not None and key not in (items.get("required") or ()) and "default" not in known:
            why = f"this property is in {KEYS}, so it must have a default or be a required property"
            yield required(f"{path}.items.properties[{key}].default", why)


def _rule_forms(schema: Schema, path: str) -> Iterator[Cause]:
    for number, rule in enumerate(schema.get(RULES) or ()):
        here = f"{path}.{RULES}[{number}]"
        source, said = str(rule.get("rule") or "").strip(), str(rule.get("message") or "")
        if not source:
            yield required(f"{here}.rule", "rule is not specified")
        elif said and not said.strip():
            yield wrong_value(f"{here}.message", said, "message must be non-empty if specified")
        elif "\n" in said.strip():
            yield wrong(f"{here}.message", in_json(said), "message must not contain line breaks")
        elif "\n" in source and not said:
            yield required(f"{here}.message", "message must be specified if rule contains line breaks")
        if rule.get("reason") not in (None, *REASONS):
            yield unsupported(f"{here}.reason", rule["reason"], REASONS)


def _rules(schema: Schema, path: str, compile_rule: Compile | None) -> Iterator[Cause]:
    if compile_rule is None:
        return
    for number, rule in enumerate(schema.get(RULES) or ()):
        source = str(rule.get("rule") or "")
        try:
            compile_rule(source, ("self", "oldSelf") if "oldSelf" in source else ("self",))
        except FleetdError as error:
            yield wrong(f"{path}.{RULES}[{number}].rule", _shown_rule(rule), f"compilation failed: {error}")
    for below, here in _inner(schema, path):
        yield from _rules(below, here, compile_rule)


def _shown_rule(rule: Mapping[str, Any]) -> str:
    """A rule as the server writes its own form of it."""
    texts = {key[0].upper() + key[1:]: str(rule.get(key) or "") for key in ("rule", "message", "messageExpression")}
    more = {"Reason": rule.get("reason"), "FieldPath": rule.get("fieldPath") or "", "OptionalOldSelf": rule.get("optionalOldSelf")}
    return json.dumps(texts | more, separators=(",", ":"))


def _structural(schema: Schema, path: str, level: str) -> Iterator[Cause]:
    kind, items, more = schema.get("type"), schema.get("items"), schema.get("additionalProperties")
    if kind == "array" and not isinstance(items, Mapping):
        yield required(f"{path}.items", "must be specified")
    if isinstance(items, Mapping):
        yield from _structural(items, f"{path}.items", "item")
    for name, inner in properties(schema).items():
        yield from _structural(inner, f"{path}.properties[{name}]", "field")
    if more is not None and level == "root":
        yield not_allowed(f"{path}.additionalProperties", "must not be used at the root")
    if isinstance(more, Mapping):
        yield from _structural(more, f"{path}.additionalProperties", "field")
    yield from _values(schema, path, either=schema.get("anyOf") == EITHER)
    yield from _own_type(schema, path, level)
    yield from _metadata(schema, path, level)


def _own_type(schema: Schema, path: str, level: str) -> Iterator[Cause]:
    kind = schema.get("type")
    for mark in (PRESERVE, EMBEDDED):
        if schema.get(INT_OR_STRING) and schema.get(mark):
            yield wrong(f"{path}.{mark}", "true", f"must be false if {INT_OR_STRING} is true")
    if schema.get(EMBEDDED) and kind != "object":
        why = f"must be object if {EMBEDDED} is true"
        yield wrong_value(f"{path}.type", kind, why) if kind else required(f"{path}.type", why)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        where = {"root": "at the root", "item": "for specified array items", "field": "for specified object fields"}[level]
        yield required(f"{path}.type", f"must not be empty {where}")
    if level == "root" and kind and kind != "object":
        yield wrong_value(f"{path}.type", kind, "must be object at the root")
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not properties(schema):
        yield required(f"{path}.properties", f"must not be empty if {EMBEDDED} is true without {PRESERVE}")


def _metadata(schema: Schema, path: str, level: str) -> Iterator[Cause]:
    known = properties(schema)
    if level != "root" and not schema.get(EMBEDDED):
        return
    for name, kind in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        if name in known and known[name].get("type") != kind:
            yield wrong_value(f"{path}.properties[{name}].type", str(known[name].get("type") or ""), f"must be {kind}")
    metadata = known.get("metadata")
    if metadata is not None and level == "root":
        free = {"type", "default", *(("properties",) if properties(metadata).keys() <= {"name", "generateName"} else ())}
        if any(value not in (None, "", [], {}) for key, value in metadata.items() if key not in free):
            why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            yield not_allowed(f"{path}.properties[metadata]", why)


def _values(schema: Schema, path: str, *, either: bool = False) -> Iterator[Cause]:
    """What parts of an allOf and its like may not say, and patterns."""
    for key in JUNCTORS:
        for number, part in enumerate(() if key == "anyOf" and either else schema.get(key) or ()):
            first = key == "allOf" and number == 0 and part.get("anyOf") == EITHER
            yield from _nested(part, f"{path}.{key}[{number}]", either=first)
    if isinstance(schema.get("not"), Mapping):
        yield from _nested(schema["not"], f"{path}.not")
    form = schema.get("pattern")
    if isinstance(form, str):
        try:
            re.compile(form)
        except re.error as error:
            yield wrong_value(f"{path}.pattern", form, f"must be a valid regular expression, but isn't: {_of_go(form, error)}")


def _of_go(form: str, error: re.error) -> str:
    """The commonest complaints of Go's regular expressions."""
    if "character set" in error.msg:
        return f"error parsing regexp: missing closing ]: `{form[error.pos or 0 :]}`"
    if "unterminated subpattern" in error.msg:
        return f"error parsing regexp: missing closing ): `{form}`"
    if "unbalanced" in error.msg:
        return f"error parsing regexp: unexpected ): `{form}`"
    if "nothing to repeat" in error.msg:
        return f"error parsing regexp: missing argument to repetition operator: `{form[error.pos or 0 :][:1]}`"
    return f"error parsing regexp: {error.msg}: `{form}`"


def _nested(schema: Schema, path: str, *, either: bool = False) -> Iterator[Cause]:
    yield from _values(schema, path, either=either)
    if isinstance(schema.get("items"), Mapping):
        yield from _nested(schema["items"], f"{path}.items")
    for name, inner in properties(schema).items():
        yield from _nested(inner, f"{path}.properties[{name}]")
    if schema.get("type"):
        yield not_allowed(f"{path}.type", "must be empty to be structural")
    if schema.get("additionalProperties") is not None:
        yield not_allowed(f"{path}.additionalProperties", "must be undefined to be structural")
    if schema.get("default") is not None:
        yield not_allowed(f"{path}.default", "must be undefined to be structural")
    for key, how in (*BARE, *BARE_MARKS, (RULES, "empty")):
        if schema.get(key):
            yield not_allowed(f"{path}.{key}", f"must be {how} to be structural")
    if "metadata" in properties(schema):
        yield not_allowed(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _complete(whole: Schema, schema: Schema, path: str) -> Iterator[Cause]:
    """Whether what parts of an allOf and its like speak of is specified outside of them."""
    for key in (*JUNCTORS, "not"):
        parts = schema.get(key) or ()
        for number, part in enumerate([parts] if isinstance(parts, Mapping) else parts):
            here = f"{path}.{key}" if key == "not" else f"{path}.{key}[{number}]"
            yield from _specified(schema, part, path, here)
    for name, inner in properties(schema).items():
        yield from _complete(whole, inner, f"{path}.properties[{name}]")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            yield from _complete(whole, schema[key], f"{path}.{key}")


def _specified(known: Schema, part: Schema, path: str, here: str) -> Iterator[Cause]:
    why = f"because it is defined in {here}"
    for name, inner in properties(part).items():
        outside = properties(known).get(name)
        if outside is None:
            yield required(f"{path}.properties[{name}]", f"because it is defined in {here}.properties[{name}]")
        else:
            yield from _specified(outside, inner, f"{path}.properties[{name}]", f"{here}.properties[{name}]")
    if isinstance(part.get("items"), Mapping):
        if not isinstance(known.get("items"), Mapping):
            yield required(f"{path}.items", f"{why}.items")
        else:
            yield from _specified(known["items"], part["items"], f"{path}.items", f"{here}.items")
    for key in JUNCTORS:
        for number, inner in enumerate(part.get(key) or ()):
            yield from _specified(known, inner, path, f"{here}.{key}[{number}]")


def _defaults(schema: Schema, path: str) -> Iterator[Cause]:
    default = schema.get("default")
    if default is not None:
        if pruned(schema, default) != default:
            yield wrong(f"{path}.default", in_json(default), "must not have unknown fields")
        yield from causes(schema, default, f"{path}.default")
    for name, inner in properties(schema).items():
        if name not in ALWAYS or not path.endswith("openAPIV3Schema"):
            yield from _defaults(inner, f"{path}.properties[{name}]")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            yield from _defaults(schema[key], f"{path}.{key}")
