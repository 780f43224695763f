"""YAML text to values as Kubernetes' library reads it on the way to JSON: every number is a float64."""

from __future__ import annotations

import re
from typing import Any

import yaml

from fleetd.decide.gotemplate.formatting import shortest
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.yaml_scalars import resolve

_PLAIN = "!fleetd/plain"


class _Loader(yaml.CSafeLoader):
    """Reads scalars by Go's rules and keys as JSON needs them."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - the library's own attribute, replaced as a whole


def _plain(_loader: Any, node: Any) -> Any:
    value = resolve(node.value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _text(_loader: Any, node: Any) -> str:
    return str(node.value)


def _mapping(loader: Any, node: Any) -> Any:
    made: dict[str, Any] = {}
    yield made
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = _key(loader.construct_object(key_node, deep=True))
        made[key] = loader.construct_object(value_node)


def _key(key: Any) -> str:
    match key:
        case str():
            return key
        case bool():
            return "true" if key else "false"
        case float():
            return str(int(key)) if key == key // 1 and abs(key) < 1 << 63 else shortest(key, low=-4, high=6)
        case None:
            return "null"
    raise yaml.YAMLError("a key is neither a text, a number nor a boolean")


_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<\Z"), ["<"])
_Loader.add_implicit_resolver(_PLAIN, re.compile(r"", re.DOTALL), None)
_Loader.add_constructor(_PLAIN, _plain)
for _tag in ("int", "float", "bool", "null"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _plain)
for _tag in ("str", "timestamp", "binary"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _text)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(text: str, run: Run) -> Any:
    """The first document's value; None when there is none.

    Raises:
        ValueError: the text is no YAML.
    """
    run.spend(len(text) >> 1)
    try:
        loader = _Loader(text)
        try:
            return loader.get_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, UnicodeError, TypeError) as broken:
        raise ValueError(f"error converting YAML to JSON: yaml: {_reason(broken)}") from broken


def _reason(broken: Exception) -> str:
    mark = getattr(broken, "problem_mark", None)
    problem = getattr(broken, "problem", None) or str(broken)
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)
