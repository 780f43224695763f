"""What a write's query says: who writes, whether for trial only, and what a delete depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fleetd.kubeapi.bodies import from_yaml
from fleetd.kubeapi.exchange import Request
from fleetd.kubeapi.protobuf import MAGIC, from_protobuf
from fleetd.kubeapi.refusals import Cause, bad_request, invalid
from fleetd.kubeapi.rules import in_json, quoted, wrong

APPLY = "application/apply-patch+yaml"
MANAGER_LENGTH = 128


def truth(text: str) -> bool:
    """What a text of a query says: everything but false and 0 is a yes."""
    return text.lower() not in ("", "false", "0")


def says(request: Request, key: str) -> bool:
    """Whether the query says yes to something; a key without a value does."""
    values = request.query.get(key)
    return values is not None and len(values) > 0 and (not values[0] or truth(values[0]))


@dataclass(frozen=True, slots=True)
class Options:
    """`manager` is who is to own the fields that are written."""

    manager: str = "unknown"
    dry_run: bool = False
    force: bool = False


def _meta(kind: str, cause: Cause) -> Exception:
    return invalid("meta.k8s.io", kind, "", (cause,))


def write_options(request: Request, kind: str, *, applies: bool = False) -> Options:
    """The options of a POST, PUT or PATCH; `kind` is that of the options in messages. Raises ApiRefusal (422)."""
    if not request.query:
        return Options(_agent(request))
    dry_run = _dry_run(request.query.get("dryRun", ()), kind)
    manager = request.first("fieldManager")
    if len(manager.encode()) > MANAGER_LENGTH:
        raise _meta(kind, Cause("FieldValueTooLong", f"Too long: may not be more than {MANAGER_LENGTH} bytes", "fieldManager"))
    strange = next(((at, one) for at, one in enumerate(manager) if not one.isprintable()), None)
    if strange is not None:
        at, one = len(manager[: strange[0]].encode()), strange[1]
        why = f"invalid character U+{ord(one):04X} (at position {at})"
        raise _meta(kind, wrong("fieldManager", quoted(manager), why))
    if not applies and "force" in request.query:
        raise _meta(kind, Cause("FieldValueForbidden", "Forbidden: may not be specified for non-apply patch", "force"))
    return Options(manager or _agent(request), dry_run, says(request, "force"))


def apply_options(request: Request) -> Options:
    """The options of a server-side apply, which has to say who applies. Raises ApiRefusal (422)."""
    options = write_options(request, "PatchOptions", applies=True)
    if not request.first("fieldManager"):
        raise _meta("PatchOptions", Cause("FieldValueRequired", "Required value: is required for apply patch", "fieldManager"))
    return options


def _agent(request: Request) -> str:
    """The name of the program, as its User-Agent begins."""
    return request.headers.get("user-agent", "").partition("/")[0][:MANAGER_LENGTH] or "unknown"


def _dry_run(values: tuple[str, ...], kind: str) -> bool:
    if not values:
        return False
    if set(values) != {"All"}:
        message = f'Unsupported value: {orjson.dumps(list(values)).decode()}: supported values: "All"'
        raise _meta(kind, Cause("FieldValueNotSupported", message, "dryRun"))
    return True


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """`uid` and `version` are preconditions, empty where there is none; `propagation` is Background, Foreground, Orphan, or empty.

    `grace` is how many seconds whatever runs has to end, None for what the object itself says.
    """

    dry_run: bool = False
    uid: str = ""
    version: str = ""
    propagation: str = ""
    grace: int | None = None


PROPAGATIONS = ("Foreground", "Background", "Orphan")
BOTH = "orphanDependents and deletionPropagation cannot be both set"


def delete_options(request: Request) -> DeleteOptions:
    """From the body, or where it says nothing from the query. Raises ApiRefusal (400, 422)."""
    body: Any = {}
    if request.body.startswith(MAGIC):
        body = from_protobuf(request.body)
    elif request.body.strip():
        body = from_yaml(request.body)
    if not isinstance(body, Mapping):
        raise bad_request("the object provided is unrecognized (must be of type DeleteOptions)")
    return options_of(body or _asked(request))


def _asked(request: Request) -> Mapping[str, Any]:
    """The options of the query, which count only where there is no body."""
    asked: dict[str, Any] = {key: request.first(key) for key in ("propagationPolicy",) if request.first(key)}
    if request.query.get("dryRun"):
        asked["dryRun"] = request.query["dryRun"]
    if request.query.get("orphanDependents"):
        asked["orphanDependents"] = says(request, "orphanDependents")
    grace = request.first("gracePeriodSeconds")
    if grace:
        if not grace.removeprefix("-").isdecimal():
            raise bad_request(f'strconv.ParseInt: parsing "{grace}": invalid syntax')
        asked["gracePeriodSeconds"] = int(grace)
    return asked


def options_of(said: Mapping[str, Any]) -> DeleteOptions:
    """The options that an object of that kind holds. Raises ApiRefusal (400, 422)."""
    conditions, dry_run, grace = said.get("preconditions") or {}, said.get("dryRun") or (), said.get("gracePeriodSeconds")
    if not isinstance(conditions, Mapping) or not isinstance(dry_run, list | tuple) or not isinstance(grace, int | None):
        raise bad_request("DeleteOptions cannot be handled: preconditions is an object, dryRun a list, gracePeriodSeconds a number")
    orphans, policy = said.get("orphanDependents"), said.get("propagationPolicy")
    if orphans is not None and policy is not None:
        raise _meta("DeleteOptions", wrong("propagationPolicy", in_json(policy), BOTH))
    said_before = "" if orphans is None else "Orphan" if orphans else "Background"
    propagation = said_before if policy is None else policy
    if policy is not None and policy not in PROPAGATIONS:
        message = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
        raise _meta("DeleteOptions", Cause("FieldValueNotSupported", message, "propagationPolicy"))
    trial = _dry_run(tuple(map(str, dry_run)), "DeleteOptions")
    uid, version = str(conditions.get("uid") or ""), str(conditions.get("resourceVersion") or "")
    return DeleteOptions(trial, uid, version, propagation, None if grace is None else max(grace, 0) or int(grace < 0))
