"""`fleetd cluster list|describe|label|pause|resume|deregister`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.asked import answer_to
from fleetd.cli.describing import write_description
from fleetd.cli.options import AsOfOption, ClustersOption, DatabaseOption, EverywhereOption, FormOption, NamespaceOption, seconds_of
from fleetd.cli.output import counted, say, write_line
from fleetd.cli.showing import ONCE_AS_A_TABLE, Showing, show
from fleetd.domain.errors import InvalidInput, NotFound
from fleetd.domain.refs import ObjectRef
from fleetd.service.choosing import read_choice
from fleetd.service.questions.clusters import Has, ListClusters, Status
from fleetd.service.questions.rows import WholeRows


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Trouble:
    """Which members, by what is not in order on them."""

    has: Annotated[tuple[Has, ...], Parameter(negative="", help="Only those with this trouble; given again, only those with both.")] = ()
    status: Annotated[
        tuple[Status, ...], Parameter(negative="", help="Only those whose connection is so; may be given more than once.")
    ] = ()
    version: Annotated[str, Parameter(help="Only this Kubernetes version or line: 1.29, v1.30.2.")] = ""
    older_than: Annotated[str, Parameter(help="Only those with an event that waits longer than this: 10m, 2h, 1d.")] = ""


NO_TROUBLE = Trouble()


def list_(
    *,
    namespace: NamespaceOption = "",
    all_namespaces: EverywhereOption = False,
    clusters: ClustersOption = "",
    trouble: Trouble = NO_TROUBLE,
    how: Showing = ONCE_AS_A_TABLE,
) -> None:
    """Show the members, with what is not in order on them. Without -n those of all namespaces.

    Examples:

        fleetd cluster list
        fleetd cluster list -l env=prod -o name
        fleetd cluster list --has pending_events --older-than 10m
        fleetd cluster list --status unreachable -o json
    """
    place = "" if all_namespaces else namespace
    if place and read_choice(clusters).names:
        raise InvalidInput(f"names of clusters have their namespace before them: write -l {place}/… without -n")
    meant = ",".join(part for part in (f"{place}/*" if place else "", clusters) if part)
    asked = ListClusters(clusters=meant, has=trouble.has, status=trouble.status, version=trouble.version, older_than=trouble.older_than)
    nothing = "no such members" if meant or trouble != NO_TROUBLE else "no members: fleetd cluster register makes one"
    show(WholeRows(of=asked), "fleet_clusters", how, nothing=nothing)


def describe(
    name: str,
    /,
    *,
    namespace: NamespaceOption = "",
    as_of: AsOfOption = "",
    output: FormOption = "table",
    database: DatabaseOption = None,
) -> None:
    """Show one member, with its labels, what stands on it, what is wrong with it, and what was decided about it lately.

    Examples:

        fleetd cluster describe eu-1
        fleetd cluster describe prod/eu-1 -o yaml

    Parameters
    ----------
    name:
        The member's name, or namespace/name.
    """
    from fleetd.service.questions.describing import DescribeCluster  # every kind of objects, which lists do without

    cluster = f"{namespace}/{name}" if namespace and "/" not in name else name
    write_description(answer_to(DescribeCluster(cluster=cluster, as_of=as_of), database), output)


def label(
    name: str,
    /,
    *changes: Annotated[str, Parameter(show_default=False)],
    namespace: NamespaceOption = "default",
    database: DatabaseOption = None,
) -> None:
    """Set (key=value) and remove (key-) labels of a member. Selectors go by them: profiles and triggers come and go with a label.

    Examples:

        fleetd cluster label eu-1 env=prod
        fleetd cluster label eu-1 canary-

    Parameters
    ----------
    changes:
        key=value to set, key- to take away.
    """
    from fleetd.cli.label import change, split  # writing loads what listing does without
    from fleetd.service.selectors import label_changes  # see above

    named, _ = split((name, *changes))
    asyncio.run(change([_ref(one, namespace) for one in named], label_changes(changes), database))


def pause(name: str, /, *, namespace: NamespaceOption = "default", database: DatabaseOption = None) -> None:
    """Stop changing a member: what is wanted there waits; it is still observed.

    Examples:

        fleetd cluster pause eu-1
    """
    asyncio.run(_set_paused(_ref(name, namespace), database, paused=True))


def resume(name: str, /, *, namespace: NamespaceOption = "default", database: DatabaseOption = None) -> None:
    """Take a paused member up again.

    Examples:

        fleetd cluster resume eu-1
    """
    asyncio.run(_set_paused(_ref(name, namespace), database, paused=False))


def deregister(
    name: str,
    /,
    *,
    namespace: NamespaceOption = "default",
    withdraw: Annotated[bool, Parameter(negative="")] = False,
    timeout: str = "60s",
    database: DatabaseOption = None,
) -> int:
    """Take a member out of the fleet and forget its credentials; what fleetd put on it stays, or is withdrawn first.

    Examples:

        fleetd cluster deregister eu-1
        fleetd cluster deregister eu-1 --withdraw --timeout 5m

    Parameters
    ----------
    withdraw:
        Take what fleetd put on it away first; the member is kept until nothing of fleetd is on it.
    timeout:
        How long --withdraw waits: 30s, 2m, 1h.
    """
    from fleetd.cli.leaving import deregister_now, withdraw_and_deregister  # see label
    from fleetd.service.questions.membership import FindLeft  # see label

    if withdraw:
        return asyncio.run(withdraw_and_deregister(name, namespace, seconds_of(timeout), database))
    left = answer_to(FindLeft(cluster=f"{namespace}/{name}"), database).result.objects
    asyncio.run(deregister_now(name, namespace, database))
    if left:
        say(f"{counted(left, 'object')} that fleetd put on it {'stays' if left == 1 else 'stay'} there")
    return 0


def _ref(name: str, namespace: str) -> ObjectRef:
    from fleetd.service.membership import member_ref  # see label

    return member_ref(name, namespace)


async def _set_paused(ref: ObjectRef, database: str | None, *, paused: bool) -> None:
    from fleetd.cli.naming import shown  # see label
    from fleetd.cli.places import writing  # see label
    from fleetd.service.admission import Admission, Done

    async with writing(database) as opened:
        live = await opened.declared.get(ref)
        if live is None:
            raise NotFound(f"{ref} does not exist")
        spec = {**(live.manifest.get("spec") or {}), "paused": paused}
        done = await Admission(opened).change(ref, {**live.manifest, "spec": spec}, live, now=datetime.now(UTC))
    word = "paused" if paused else "resumed"
    write_line(f"{shown(ref)} {word if done.done is not Done.UNCHANGED else 'not ' + word + ', it was so already'}")
