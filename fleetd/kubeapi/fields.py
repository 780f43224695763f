"""What of a body its kind has a place for: unknown and doubled fields are warned of or refused, and the server keeps no others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from fleetd.kubeapi.bodies import JSON, YAML, media_type, other_kind, unreadable
from fleetd.kubeapi.exchange import Request
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.metadata import ORDER
from fleetd.kubeapi.refusals import Cause, failed, invalid
from fleetd.kubeapi.structural import pruned
from fleetd.kubeapi.structural import unknown as pruned_paths
from fleetd.kubeapi.typed import fits, go_value, kept, misfit, unknown, untyped
from fleetd.kubeapi.untyped import unplaced
from fleetd.kubeapi.yamls import doubled_keys

MODES = ("", "Ignore", "Strict", "Warn")
TEXT_MAPS = {"configmaps": ("data", "binaryData"), "secrets": ("data", "stringData")}
KEY = re.compile(rb'"\s*:')
Body = dict[str, Any]


def mode_of(request: Request, options: str) -> str:
    """What the request says of unknown fields; `options` is the kind of the options in messages. Raises ApiRefusal (422)."""
    mode = request.first("fieldValidation")
    if mode not in MODES:
        message = f'Unsupported value: "{mode}": supported values: "", "Ignore", "Strict", "Warn"'
        raise invalid("meta.k8s.io", options, "", [Cause("FieldValueNotSupported", message, "fieldValidation")])
    return mode


def warnings_of(strange: Sequence[str], mode: str) -> dict[str, str]:
    """The header that warns of them, where the request wants to be warned."""
    if not strange or mode == "Ignore":
        return {}
    return {"Warning": ", ".join(f"299 - {orjson.dumps(one).decode()}" for one in strange)}


def taken(request: Request, kind: Kind, body: Body, options: str) -> tuple[Body, dict[str, str]]:
    """The body of a POST or PUT without unknown fields, and the headers that warn of them.

    Raises ApiRefusal (400 where the body is not of its kind's form or the request is strict, 422 for a fieldValidation that is none).
    """
    mode = mode_of(request, options)
    strange = [f'duplicate field "{path}"' for path in _doubled(request, body)]
    if mode == "Strict" and media_type(request) == YAML:
        twice = [f'line {line}: key "{key}" already set in map' for line, key in doubled_keys(request.body)]
        strange += ["yaml: unmarshal errors:\n  " + "\n  ".join(twice)] if twice else []
    if not strange and _whole(kind, body):
        return body, {}
    if kind.type is not None and (why := misfit(kind.type, body)):
        raise unreadable(kind, why)
    strange += [f'unknown field "{path}"' for path in _unknown(kind, body)]
    if strange and mode == "Strict":
        raise unreadable(kind, f"strict decoding error: {', '.join(strange)}")
    return _kept(kind, body), warnings_of(strange, mode)


def _whole(kind: Kind, body: Body) -> bool:
    if kind.type is not None:
        return fits(kind.type, body)
    return kind.schema is None


def _unknown(kind: Kind, body: Body) -> Iterator[str]:
    if kind.type is not None:
        return unknown(kind.type, body)
    return pruned_paths(kind.schema, body, root=True) if kind.schema is not None else iter(())


def _kept(kind: Kind, body: Body) -> Body:
    if kind.type is not None:
        found: Body = kept(kind.type, body)
    elif kind.schema is not None:
        found = pruned(kind.schema, body, root=True)
    else:
        found = body
    return found


def _doubled(request: Request, body: Body) -> Iterator[str]:
    """The paths of keys that one object of a JSON body has more than once. A body that is written out again has them once."""
    text = request.body
    if media_type(request) not in ("", JSON) or len(KEY.findall(text)) <= orjson.dumps(body).count(b'":'):
        return iter(())
    return _doubled_keys(text)


def _doubled_keys(text: bytes) -> Iterator[str]:
    found: list[str] = []

    def pairs(entries: list[tuple[str, Any]]) -> Any:
        return entries

    def walk(value: Any, path: str) -> None:
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            seen: set[str] = set()
            for key, inner in value:
                here = f"{path}.{key}" if path else key
                if key in seen:
                    found.append(here)
                seen.add(key)
                walk(inner, here)
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                walk(inner, f"{path}[{number}]")

    walk(json.loads(text, object_pairs_hook=pairs), "")
    return iter(found)


def doubled_in_patch(request: Request, patch: Any) -> list[str]:
    """What warnings and refusals say of keys that a patch has more than once."""
    if len(KEY.findall(request.body)) <= orjson.dumps(patch).count(b'":'):
        return []
    before = "json patch " if isinstance(patch, list) else ""
    return [f'{before}duplicate field "{path}"' for path in _doubled_keys(request.body)]


def patched(kind: Kind, body: Body, mode: str, doubled: Sequence[str], shown: Callable[[], str]) -> tuple[Body, dict[str, str]]:
    """What a patch made, without unknown fields, and the headers that warn of them; `shown` is the patch as messages show it.

    `doubled` is what is to be said of the patch itself. Raises ApiRefusal (422 where the result is not of its kind's form, or the
    request is strict).
    """
    if kind.type is not None and (why := other_kind(body.get("kind") or kind.kind, body.get("apiVersion") or kind.api_version, kind)):
        raise _patch_refused(shown(), why)
    if not doubled and _whole(kind, body):
        return body, {}
    if kind.type is not None and (unfit := misfit(kind.type, body)):
        raise _patch_refused(shown(), unfit)
    strange = [*doubled, *(f'unknown field "{path}"' for path in _unknown(kind, body))]
    if strange and mode == "Strict":
        raise _patch_refused(shown(), f"strict decoding error: {', '.join(strange)}")
    return _kept(kind, body), warnings_of(strange, mode)


def _patch_refused(shown: str, why: str) -> Exception:
    cause = Cause("FieldValueInvalid", f"Invalid value: {orjson.dumps(shown).decode()}: {why}", "patch")
    return invalid("", "", "", [cause])


def shown_merge(body: Mapping[str, Any], patch: Any) -> str:
    """The result of a merge patch or a JSON patch as the server's library writes it: in order of keys wherever the patch went."""
    metadata = body.get("metadata")
    told = {**body, "metadata": {key: metadata[key] for key in ORDER if key in metadata}} if isinstance(metadata, dict) else body
    return orjson.dumps(_sorted_along(told, patch)).decode()


def _sorted_along(value: Any, patch: Any) -> Any:
    if not isinstance(value, dict):
        return value
    along = patch if isinstance(patch, dict) else {}
    return {key: _sorted_along(value[key], along[key]) if isinstance(along.get(key), dict) else value[key] for key in sorted(value)}


def shown_strategic(patch: Any) -> str:
    """A strategic merge patch as Go prints it."""
    return go_value(patch)


def declared(kind: Kind, body: Body, namespace: str) -> None:
    """Whether an applied configuration has the form of its kind. Raises ApiRefusal (500, as the API server answers it)."""
    if kind.type is not None:
        if fits(kind.type, body):
            return
        wrong = list(untyped(kind.type, body, kind.facts.root))
    elif kind.schema is not None:
        wrong = list(unplaced(kind.schema, body, kind.facts.root))
    else:
        return
    if not wrong:
        return
    group, _, version = kind.api_version.rpartition("/")
    of = f"{namespace}/{body['metadata'].get('name', '')}; {group}/{version}, Kind={kind.kind}"
    said = wrong[0] if len(wrong) == 1 else "\n  ".join(("errors:", *wrong))
    raise failed(f"failed to create typed patch object ({of}): {said}")
