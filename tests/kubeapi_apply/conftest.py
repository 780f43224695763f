"""Configurations of a Service to apply, and a server's part in replaying recorded exchanges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from fleetd.kubeapi.apply import apply_patch

NOW = "2024-01-01T00:00:00Z"
LATER = "2024-01-01T00:01:00Z"

_words = st.sampled_from(["a", "b", "c"])


def _without_empty(**parts: Any) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if part}


@st.composite
def _services(draw: st.DrawFn, mine: str = "") -> dict[str, Any]:
    """A Service with labels, a set, a list with keys and an atomic map; with `mine` its keys are nobody else's."""
    labels = draw(st.dictionaries(_words.map(lambda word: mine + word), _words, max_size=3))
    finalizers = draw(st.lists(_words.map(lambda word: f"example.com/{mine}{word}"), unique=True, max_size=2))
    first = 80 + 10 * len(mine) * (1 + ord(mine[-1]) - ord("a")) if mine else 80
    numbers = draw(st.lists(st.tuples(st.integers(first, first + 3), st.sampled_from(["TCP", "UDP", None])), max_size=3))
    ports = {}
    for number, protocol in numbers:
        port = _without_empty(port=number, protocol=protocol, name=draw(_words | st.none()), targetPort=draw(st.integers(1, 2) | st.none()))
        ports[number, protocol or "TCP"] = port
    selector = {} if mine == "b" else draw(st.dictionaries(_words, _words, max_size=2))
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"} | _without_empty(labels=labels, finalizers=finalizers),
    } | _without_empty(spec=_without_empty(ports=list(ports.values()), selector=selector))


@pytest.fixture(scope="session")
def services() -> Callable[..., st.SearchStrategy[dict[str, Any]]]:
    return _services


@pytest.fixture(scope="session")
def apply() -> Callable[..., dict[str, Any]]:
    """Applies as a manager, by default at one time and without force."""

    def applied(live: dict[str, Any] | None, config: dict[str, Any], manager: str = "one", **more: Any) -> dict[str, Any]:
        return apply_patch(live, config, **({"manager": manager, "force": False, "subresource": "", "now": NOW} | more))

    return applied
