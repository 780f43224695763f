"""Reads: single objects, lists in pages, and the opening of watches."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from fleetd.kubeapi.exchange import Request, Response, Stream
from fleetd.kubeapi.forms import accepted, many, one
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.options import says
from fleetd.kubeapi.refusals import ApiRefusal, Cause, bad_request, expired, failed, invalid, not_found, too_large_version
from fleetd.kubeapi.rules import not_allowed, unsupported
from fleetd.kubeapi.selectors import Matches, everything, matcher
from fleetd.kubeapi.storage import Forgotten, Listing, Record, Storage, key_of
from fleetd.kubeapi.syntax import first_wrong
from fleetd.kubeapi.targets import Target
from fleetd.kubeapi.watching import Refused, Wanted, Watches

TOO_OLD = "The resourceVersion for the provided list is too old."
STALE_PAGE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue "
    "parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token "
    "results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and "
    "now may show up in the list."
)
NEWEST = -1
"""In a continue token: go on at the newest state."""


def token(version: int, key: str) -> str:
    """A continue token: the version of the list, and the key that comes before its rest."""
    return base64.urlsafe_b64encode(orjson.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": key})).rstrip(b"=").decode()


def read_token(text: str) -> tuple[int, str]:
    """The version and the key of a continue token. Raises ApiRefusal (400)."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _no_token(f": illegal base64 data at input byte {_first_strange(text)}") from error
    try:
        said = orjson.loads(raw)
    except ValueError as error:
        raise _no_token(f": {first_wrong(raw.decode('utf-8', 'replace'))}") from error
    if not isinstance(said, dict) or said.get("v") != "meta.k8s.io/v1":
        raise _no_token(f": server does not recognize this encoded version {said.get('v', '') if isinstance(said, dict) else ''}")
    version, key = said.get("rv") or 0, said.get("start") or ""
    if not isinstance(version, int) or not isinstance(key, str):
        raise _no_token("")
    if not version:
        raise _no_token(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
    if not key:
        raise _no_token(": encoded start key empty (version meta.k8s.io/v1)")
    return version, key


def _no_token(why: str) -> Exception:
    return bad_request(f"invalid continue token: continue key is not valid{why}")


def _first_strange(text: str) -> int:
    """Where a text stops being base64, of the form without padding."""
    return next((at for at, one in enumerate(text) if not re.fullmatch(r"[-_A-Za-z0-9]", one)), len(text) // 4 * 4)


def read_version(text: str) -> int:
    """A resourceVersion; the empty one is 0. Raises ApiRefusal (500, as the API server answers it)."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal()):
        raise failed(f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def read_count(request: Request, key: str) -> int:
    """A number of the query; 0 where there is none, or a negative one. Raises ApiRefusal (400)."""
    text = request.first(key)
    if not text:
        return 0
    if re.fullmatch(r"[+-]\d{1,18}", text, re.ASCII):
        return max(0, int(text))
    if not (text.isascii() and text.isdecimal()):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _check_options(request: Request, *, watch: bool) -> None:
    """The rules for resourceVersionMatch and sendInitialEvents. Raises ApiRefusal (422)."""
    causes = list((_watch_causes if watch else _list_causes)(request))
    if causes:
        raise invalid("meta.k8s.io", "ListOptions", "", causes)


def _watch_causes(request: Request) -> Iterator[Cause]:
    match, initial = request.first("resourceVersionMatch"), request.first("sendInitialEvents")
    if initial and match != "NotOlderThan":
        yield not_allowed("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    if not match:
        return
    if not initial:
        yield not_allowed("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
    if match != "NotOlderThan":
        yield unsupported("resourceVersionMatch", match, ("NotOlderThan",))
    if request.first("continue"):
        yield not_allowed("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")


def _list_causes(request: Request) -> Iterator[Cause]:
    match, version = request.first("resourceVersionMatch"), request.first("resourceVersion")
    if match and not version:
        yield not_allowed("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")
    if match and request.first("continue"):
        yield not_allowed("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
    if match not in ("", "Exact", "NotOlderThan"):
        yield unsupported("resourceVersionMatch", match, ("Exact", "NotOlderThan", ""))
    if match == "Exact" and version == "0":
        yield not_allowed("resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if request.first("sendInitialEvents"):
        yield not_allowed("sendInitialEvents", "sendInitialEvents is forbidden for list")


@dataclass(frozen=True, slots=True)
class Reading:
    """Every read of one server goes through here."""

    storage: Storage
    watches: Watches
    clock: Callable[[], datetime]

    async def get(self, request: Request, target: Target) -> Response:
        version, newest = read_version(request.first("resourceVersion")), self.storage.version()
        if version > newest:
            raise too_large_version(version, newest)
        record = await self.storage.get(target.kind.shelf, target.stored_namespace, target.name)
        if record is None:
            raise not_found(target.kind, target.name)
        return one(request, target.kind, record, self.clock())

    async def list(self, request: Request, target: Target) -> Response:
        """A list or one page of it. Raises ApiRefusal (400, 406, 410, 422, 504)."""
        read_count(request, "timeoutSeconds")
        _check_options(request, watch=False)
        matches = self.matches(request, target)
        listing = await self._listing(request, target)
        found = [record for record in listing.records if matches(record.body)] if matches is not everything else listing.records
        limit = read_count(request, "limit")
        metadata: dict[str, object] = {"resourceVersion": str(listing.version)}
        if limit and len(found) > limit:
            last = found[limit - 1].metadata
            metadata["continue"] = token(listing.version, key_of(last.get("namespace", ""), last["name"]))
            if matches is everything:
                metadata["remainingItemCount"] = len(found) - limit
            found = found[:limit]
        return many(request, target.kind, found, metadata, self.clock())

    def matches(self, request: Request, target: Target) -> Matches:
        """The request's selectors, and the name of the path where it names one."""
        fields = request.first("fieldSelector")
        if target.name:
            fields = f"metadata.name={target.name},{fields}" if fields else f"metadata.name={target.name}"
        return matcher(target.kind, request.first("labelSelector"), fields)

    async def all(self, kind: Kind, namespace: str = "") -> Listing:
        return await self.storage.listing(kind.shelf, namespace)

    async def _listing(self, request: Request, target: Target) -> Listing:
        kind, namespace = target.kind, target.stored_namespace
        if request.first("continue"):
            page = read_token(request.first("continue"))
            if request.first("resourceVersion") not in ("", "0"):
                raise bad_request("specifying resource version is not allowed when using continue")
            return await self._rest(kind, namespace, *page)
        version, newest = self._at_least(request), self.storage.version()
        if version > newest:
            raise too_large_version(version, newest)
        match = request.first("resourceVersionMatch")
        exact = match == "Exact" or (not match and version > 0 and read_count(request, "limit") > 0)
        try:
            return await self.storage.listing(kind.shelf, namespace, at=version if exact else None)
        except Forgotten as error:
            raise expired(TOO_OLD) from error

    def _at_least(self, request: Request) -> int:
        """The version that a list asks for. Raises ApiRefusal (400)."""
        try:
            return read_version(request.first("resourceVersion"))
        except ApiRefusal as refusal:
            raise bad_request(f"invalid resource version: {refusal.message}") from refusal

    async def _rest(self, kind: Kind, namespace: str, version: int, key: str) -> Listing:
        try:
            return await self.storage.listing(kind.shelf, namespace, at=None if version == NEWEST else version, after=key)
        except Forgotten as error:
            raise expired(STALE_PAGE, goes_on=token(NEWEST, key)) from error

    async def watch(self, request: Request, target: Target) -> Stream:
        """A watch. Raises ApiRefusal (400, 406, 422, 500); a version that is too old is told in the stream."""
        _check_options(request, watch=True)
        form = accepted(request.headers.get("accept", ""))
        said = request.first("resourceVersion")
        version = read_version(said)
        bookmarks = says(request, "allowWatchBookmarks")
        sends, asks = says(request, "sendInitialEvents"), "sendInitialEvents" in request.query
        wanted = Wanted(
            target.kind,
            target.stored_namespace,
            self.matches(request, target),
            form.form,
            version,
            read_count(request, "timeoutSeconds") or self.watches.lasts(),
            bookmarks,
            ends_initial=bookmarks and (sends or (not said and not asks)),
            include=request.first("includeObject"),
        )
        if sends or (version == 0 and not asks):
            return await self._from_the_state(wanted)
        if version == 0:
            return self.watches.open(replace(wanted, since=self.storage.version()))
        return await self._from_the_past(wanted)

    async def _from_the_state(self, wanted: Wanted) -> Stream:
        listing = await self.storage.listing(wanted.kind.shelf, wanted.namespace)
        if wanted.since > listing.version:
            refusal = too_large_version(wanted.since, listing.version)
            return Refused(refusal)
        initial: tuple[Record, ...] = tuple(record for record in listing.records if wanted.matches(record.body))
        watch = self.watches.open(replace(wanted, since=listing.version, initial=initial))
        if listing.version < self.storage.version():
            watch.catch_up(await self.storage.since(wanted.kind.shelf, listing.version))
        return watch

    async def _from_the_past(self, wanted: Wanted) -> Stream:
        watch = self.watches.open(wanted)
        try:
            changes = await self.storage.since(wanted.kind.shelf, wanted.since)
        except Forgotten as error:
            watch.stop()
            return Refused(expired(f"too old resource version: {wanted.since} ({error.oldest})"))
        watch.catch_up(change for change in changes if not wanted.namespace or change.namespace == wanted.namespace)
        return watch
