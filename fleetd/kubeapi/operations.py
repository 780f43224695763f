"""What each verb of the API does with a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from fleetd.kubeapi.bodies import from_yaml, in_its_form, manifest, media_type, refuse_depth
from fleetd.kubeapi.cautions import DOUBLED_OWNERS
from fleetd.kubeapi.defaults import null_texts, without_nulls
from fleetd.kubeapi.exchange import Request, Response, Stream, User
from fleetd.kubeapi.fields import declared, doubled_in_patch, mode_of, patched, shown_merge, shown_strategic, taken, warnings_of
from fleetd.kubeapi.forms import accepted, answered, many, one
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.metadata import owners_once
from fleetd.kubeapi.options import APPLY, apply_options, delete_options, write_options
from fleetd.kubeapi.patches import json_patched, merged, touched
from fleetd.kubeapi.pod_paths import PATHS, PodPaths
from fleetd.kubeapi.reading import Reading
from fleetd.kubeapi.refusals import bad_request, no_such_resource, unsupported_media_type
from fleetd.kubeapi.reviews import Reviews
from fleetd.kubeapi.scale import SCALE_KIND, applied_scale, scale_body, scale_of, scaled
from fleetd.kubeapi.strategic import strategic
from fleetd.kubeapi.syntax import first_wrong
from fleetd.kubeapi.targets import Target
from fleetd.kubeapi.typed import json_type
from fleetd.kubeapi.writing import Writer, Writing

Body = dict[str, Any]
READS = ("get", "list", "watch")
RBAC = tuple(f"{plural}.rbac.authorization.k8s.io" for plural in ("clusterrolebindings", "clusterroles", "rolebindings", "roles"))
MADE_BY_PUT = frozenset(("endpoints", "events", "leases.coordination.k8s.io", "limitranges", "podtemplates", "services", *RBAC))
PODS_STAY = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning"
)
Alter = Callable[[Body], Body]
CARRIED_OUT = ("", "status", "scale", "finalize", "approval", "ephemeralcontainers", "resize")
"""Subresources that are more than a line in discovery."""


@dataclass(frozen=True, slots=True)
class Alteration:
    """A patch: what it makes of an object, how messages show it beside what it made, and what is to be said of its doubled keys."""

    made: Alter
    shown: Callable[[Body], str]
    doubled: tuple[str, ...] = ()


def merge_patched(patch: Any) -> Alter:
    """A merge patch as what changes an object."""

    def alter(body: Body) -> Body:
        result: Body = merged(body, patch)
        return result

    return alter


def _warned(answer: Response, warnings: dict[str, str], told: Sequence[str] = ()) -> Response:
    """`told` is what is to be warned of beside what a header says already."""
    if told:
        more = warnings_of(list(dict.fromkeys(told)), "")["Warning"]
        warnings = {**warnings, "Warning": ", ".join(filter(None, (warnings.get("Warning"), more)))}
    return replace(answer, headers={**answer.headers, **warnings}) if warnings else answer


def _once(body: Body, told: list[str]) -> None:
    """Takes out owners that are named twice, which the writer is told."""
    twice = owners_once(body)
    if twice:
        told.append(f"{DOUBLED_OWNERS}[{' '.join(twice)}]")


def _shown(kind: Kind, body: Body) -> Body:
    return kind.conversion.shown(body) if kind.conversion else body


def _kept(kind: Kind, body: Body) -> Body:
    return kind.conversion.kept(body) if kind.conversion else body


@dataclass(frozen=True, slots=True)
class Operations:
    """One method for each verb; the request is permitted already."""

    writing: Writing
    reading: Reading
    reviews: Reviews
    pods: PodPaths

    async def carry_out(self, verb: str, request: Request, target: Target, user: User) -> Response | Stream:
        """Raises ApiRefusal."""
        if target.kind.resource == "pods" and target.subresource in PATHS:
            return await self.pods.answer(request, target, user)
        if target.subresource not in CARRIED_OUT:
            raise no_such_resource()
        answer = await (self._read(verb, request, target) if verb in READS else self._write(verb, request, target, user))
        if target.kind.warning and isinstance(answer, Response):
            said = f"299 - {orjson.dumps(target.kind.warning).decode()}"
            return _warned(answer, {"Warning": ", ".join(filter(None, (said, answer.headers.get("Warning"))))})
        return answer

    async def _read(self, verb: str, request: Request, target: Target) -> Response | Stream:
        match verb:
            case "get":
                return await self._get(request, target)
            case "list":
                return await self.reading.list(request, target)
            case _:
                return await self.reading.watch(request, target)

    async def _write(self, verb: str, request: Request, target: Target, user: User) -> Response:
        match verb:
            case "create":
                return await self._create(request, target, user)
            case "update":
                return await self._update(request, target, user)
            case "patch":
                return await self._patch(request, target, user)
            case "delete":
                return await self._delete(request, target, user)
            case _:
                return await self._delete_collection(request, target, user)

    async def _get(self, request: Request, target: Target) -> Response:
        if target.subresource == "scale":
            return answered(request, scale_of(target.kind, (await self.writing.found(target)).body))
        return await self.reading.get(request, target)

    async def _create(self, request: Request, target: Target, user: User) -> Response:
        accepted(request.headers.get("accept", ""))
        body, warnings = self._body(request, target.kind, "CreateOptions")
        if not target.kind.stored:
            with in_its_form(target.kind):
                return answered(request, await self.reviews.answer(target.kind.plural, body, user, target.namespace), 201)
        told: list[str] = []
        writer = Writer(user, write_options(request, "CreateOptions"), told)
        _once(body, told)
        record = await self.writing.create(target.kept, _kept(target.kind, body), writer)
        return _warned(one(request, target.kind, record, self.reading.clock(), 201), warnings, told)

    def _body(self, request: Request, kind: Kind, options: str) -> tuple[Body, dict[str, str]]:
        """The object of a POST or PUT, and the headers that warn of what was left out. Raises ApiRefusal (400, 415, 422)."""
        body, warnings = taken(request, kind, manifest(request, kind), options)
        if b"null" in request.body or b"~" in request.body:
            null_texts(body)
            body = body if kind.custom else without_nulls(body)
        return body, warnings

    async def _update(self, request: Request, target: Target, user: User) -> Response:
        told: list[str] = []
        writer = Writer(user, write_options(request, "UpdateOptions"), told)
        if target.subresource == "scale":
            wanted = scale_body(request.body)
            return await self._scale(request, target, lambda _scale: wanted, writer)
        body, warnings = self._body(request, target.kind, "UpdateOptions")
        _once(body, told)
        kept, status = _kept(target.kind, body), 200
        if await self._is_new(target):
            kept["metadata"]["name"] = kept["metadata"].get("name") or target.name
            record, status = await self.writing.create(target.kept, kept, writer), 201
        else:
            record = await self.writing.replace(target.kept, kept, writer)
        return _warned(one(request, target.kind, record, self.reading.clock(), status), warnings, told)

    async def _is_new(self, target: Target) -> bool:
        """Whether a PUT makes the object, which it does for a few kinds only."""
        kind = target.kind
        if kind.resource not in MADE_BY_PUT or target.subresource:
            return False
        return await self.writing.storage.get(kind.shelf, target.stored_namespace, target.name) is None

    async def _scale(self, request: Request, target: Target, alter: Alter, writer: Writer) -> Response:
        record = await self.writing.change(target, scaled(target.kind, alter), writer)
        return answered(request, scale_of(target.kind, record.body))

    async def _patch(self, request: Request, target: Target, user: User) -> Response:
        form = media_type(request)
        if form == APPLY:
            return await self._apply(request, target, user)
        alteration = self._alteration(form, request, target.kind)
        told: list[str] = []
        writer = Writer(user, write_options(request, "PatchOptions"), told)
        if target.subresource == "scale":
            return await self._scale(request, target, alteration.made, writer)
        mode = mode_of(request, "PatchOptions")
        warnings: dict[str, str] = {}

        def alter(body: Body) -> Body:
            nonlocal warnings
            made = alteration.made(_shown(target.kind, body))
            made, warnings = patched(target.kind, made, mode, alteration.doubled, lambda: alteration.shown(made))
            if isinstance(made.get("metadata"), dict):
                _once(made, told)
            return _kept(target.kind, made)

        record = await self.writing.change(target.kept, alter, writer)
        return _warned(one(request, target.kind, record, self.reading.clock()), warnings, told)

    def _alteration(self, form: str, request: Request, kind: Kind) -> Alteration:
        """What the patch does to an object. Raises ApiRefusal (400, 415)."""
        known = ("application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json")
        if kind.custom and form not in known[:2]:
            raise unsupported_media_type(", ".join((*known[:2], APPLY)))
        if form not in known:
            raise unsupported_media_type()
        before = "" if form == known[2] else "error decoding patch: "
        try:
            patch = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise bad_request(before + first_wrong(request.body.decode("utf-8", "replace"))) from error
        refuse_depth(request.body, patch)
        doubled = tuple(doubled_in_patch(request, patch))
        if form == known[0]:
            return Alteration(lambda body: json_patched(body, patch), lambda body: shown_merge(body, touched(patch)), doubled)
        if not isinstance(patch, dict):
            raise bad_request(f"{before}json: cannot unmarshal {json_type(patch)} into Go value of type map[string]interface {{}}")
        if form == known[1]:
            return Alteration(merge_patched(patch), lambda body: shown_merge(body, patch), doubled)
        shape = kind.facts.root
        return Alteration(lambda body: strategic(body, patch, shape), lambda _body: shown_strategic(patch), doubled)

    async def _apply(self, request: Request, target: Target, user: User) -> Response:
        told: list[str] = []
        writer = Writer(user, apply_options(request), told)
        body = from_yaml(request.body)
        refuse_depth(request.body, body)
        kind = target.kind
        if body is None:
            body = {}
        if not isinstance(body, dict):
            why = f"json: cannot unmarshal {json_type(body)} into Go value of type map[string]interface {{}}"
            raise bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {why}")
        said_kind, said_version = str(body.get("kind") or ""), str(body.get("apiVersion") or "")
        if target.subresource == "scale" and (said_version, said_kind) == SCALE_KIND:
            record, _ = await self.writing.apply(target, applied_scale(kind, target.name, body), writer)
            return answered(request, scale_of(target.kind, record.body))
        if (said_version, said_kind) != (kind.api_version, kind.kind):
            group, _, version = said_version.rpartition("/")
            raise bad_request(f"invalid object type: {group}/{version}, Kind={said_kind}")
        if not isinstance(body.setdefault("metadata", {}), dict):
            raise bad_request("error decoding YAML: metadata is no object")
        declared(kind, body, str(body["metadata"].get("namespace") or ""))
        record, new = await self.writing.apply(target.kept, _kept(kind, body), writer)
        return _warned(one(request, kind, record, self.reading.clock(), 201 if new else 200), {}, told)

    async def _delete(self, request: Request, target: Target, user: User) -> Response:
        options, kind = delete_options(request), target.kind
        record, gone = await self.writing.delete(target.kept, options, user)
        warnings = warnings_of([PODS_STAY], "") if kind.resource == "jobs.batch" and not options.propagation else {}
        if not gone or kind.answers_with_object:
            return _warned(one(request, kind, record, self.reading.clock()), warnings)
        details = {"name": target.name, "group": kind.group, "kind": kind.plural, "uid": record.metadata["uid"]}
        body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {key: value for key, value in details.items() if value},
        }
        return _warned(answered(request, body), warnings)

    async def _delete_collection(self, request: Request, target: Target, user: User) -> Response:
        options = delete_options(request)
        matches = self.reading.matches(request, target)
        listing = await self.reading.all(target.kind, target.stored_namespace)
        found = [record for record in listing.records if matches(record.body)]
        for record in found:
            metadata = record.metadata
            one_of_them = replace(target, namespace=metadata.get("namespace", ""), name=metadata["name"])
            await self.writing.delete(one_of_them.kept, options, user)
        version = {"resourceVersion": str(listing.version)}
        return many(request, target.kind, found, version, self.reading.clock())
