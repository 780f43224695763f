"""Copies of ConfigMaps and Secrets with an event's data filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fleetd.decide.definitions import GENERATED_NAMESPACE, INSTANTIATE, PROFILE_SECRET_TYPE, TEMPLATE
from fleetd.decide.digest import digest
from fleetd.decide.languages import Moment
from fleetd.decide.rendering import Render
from fleetd.decide.spots import Spot
from fleetd.domain.objects import SECRETIVE, Manifest, ref_of
from fleetd.domain.refs import is_secret

PREFIX = "eventtrigger.lib.projectsveltos.io/"
KEYS_TOLD = 3
FIELDS_TOLD = 8


def template_of(content: Manifest) -> str:
    """Which template, with its keys and how it stood: by its revision where it has one, else by a digest."""
    ref, metadata = ref_of(content), content["metadata"]
    keys = list(dict.fromkeys((*(content.get("data") or ()), *(content.get("stringData") or ()))))
    more = f" and {len(keys) - KEYS_TOLD} more" if len(keys) > KEYS_TOLD else ""
    revision = metadata.get("resourceVersion") or digest([content.get("data"), content.get("stringData")])[:8]
    return f"{ref.kind} {ref.namespace}/{ref.name} data[{', '.join(keys[:KEYS_TOLD])}]{more}, revision {revision}"


def fields_read(content: Manifest, render: Render, beside: Mapping[str, str]) -> str:
    """Which fields of the event the template names, for people; empty where it names none."""
    render = render.of(content, beside)
    names = sorted({name for text in render.texts(content).values() for name in render.engine.reads(text, Moment.EVENT)})
    if not names:
        return ""
    more = f" and {len(names) - FIELDS_TOLD} more" if len(names) > FIELDS_TOLD else ""
    return f", which reads {', '.join(names[:FIELDS_TOLD])}{more}"


def copy_of(
    name: str, content: Manifest, labels: Mapping[str, str], data: Mapping[str, Any], render: Render, beside: Mapping[str, str]
) -> Manifest:
    """A rendered copy of a ConfigMap or Secret in `projectsveltos`; other annotations go along, so a second template moment works."""
    source = ref_of(content)
    render = replace(render, secretive=render.secretive or is_secret(source)).of(content, beside)
    annotations = {key: value for key, value in (content["metadata"].get("annotations") or {}).items() if key != INSTANTIATE}
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": GENERATED_NAMESPACE,
        "labels": {**labels, f"{PREFIX}refnamespace": source.namespace, f"{PREFIX}refname": source.name},
    }
    if render.secretive and source.kind != "Secret":
        annotations[SECRETIVE] = "yes"
    if annotations:
        metadata["annotations"] = annotations
    copy: Manifest = {"apiVersion": "v1", "kind": source.kind, "metadata": metadata}
    texts = render.texts(content)
    rendering = render.first if TEMPLATE in annotations else render.event
    render.foresee(texts.values(), data, Moment.EVENT)
    rendered = {key: rendering(text, data, Spot(source, ("data", key))) for key, text in texts.items()}
    if source.kind == "Secret":
        copy["type"] = PROFILE_SECRET_TYPE
        copy["stringData"] = rendered
    else:
        copy["data"] = rendered
    return copy
