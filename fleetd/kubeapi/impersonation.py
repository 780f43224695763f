"""Requests in the name of somebody else: the Impersonate headers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from fleetd.kubeapi.exchange import AUTHENTICATED, UNAUTHENTICATED, Request, User, service_account
from fleetd.kubeapi.refusals import bad_request
from fleetd.kubeapi.rights import Rights, Wish

PREFIX = "impersonate-"
EXTRA = "impersonate-extra-"
ACCOUNT = "system:serviceaccount:"
AUTHENTICATION = "authentication.k8s.io"


def asked_for(request: Request) -> User | None:
    """Whom the request names, None for nobody. Raises ApiRefusal (400) where it names groups and the like, but no user."""
    headers = request.headers
    name, uid = headers.get("impersonate-user", ""), headers.get("impersonate-uid", "")
    groups = tuple(filter(None, (part.strip() for part in headers.get("impersonate-group", "").split(","))))
    extra = tuple(
        (unquote(key.removeprefix(EXTRA)), tuple(part.strip() for part in value.split(",")))
        for key, value in headers.items()
        if key.startswith(EXTRA)
    )
    if not name:
        if not (uid or groups or extra):
            return None
        listed = ", ".join(f'"{group}"' for group in groups)
        shown = f'&user.DefaultInfo{{Name:"", UID:"{uid}", Groups:[]string{{{listed}}}, Extra:map[string][]string(nil)}}'
        raise bad_request(f"requested {shown} without impersonating a user name")
    if name.startswith(ACCOUNT) and name.count(":") == 3 and not groups:
        _, _, namespace, account = name.split(":")
        groups = service_account(namespace, account).groups
    if AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, UNAUTHENTICATED if name == "system:anonymous" else AUTHENTICATED)
    return User(name, groups, uid, extra)


def may_act_as(rights: Rights, user: User, other: User) -> bool:
    """Whether a user may take all of another one's attributes."""
    return all(rights.why(wish) is not None for wish in _wishes(user, other))


def _wishes(user: User, other: User) -> Iterator[Wish]:
    if other.name.startswith(ACCOUNT) and other.name.count(":") == 3:
        _, _, namespace, account = other.name.split(":")
        yield Wish(user, "impersonate", "", "serviceaccounts", namespace, account)
        own: tuple[str, ...] = (*service_account(namespace, account).groups, AUTHENTICATED)
    else:
        yield Wish(user, "impersonate", "", "users", "", other.name)
        own = (AUTHENTICATED, UNAUTHENTICATED)
    for group in other.groups:
        if group not in own:
            yield Wish(user, "impersonate", "", "groups", "", group)
    if other.uid:
        yield Wish(user, "impersonate", AUTHENTICATION, "uids", "", other.uid)
    for key, values in other.extra:
        for value in values:
            yield Wish(user, "impersonate", AUTHENTICATION, f"userextras/{key}", "", value)
