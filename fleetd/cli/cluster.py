"""`fleetd cluster list|describe|label|pause|resume|deregister`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.describing import Part, labels_text, write_parts
from fleetd.cli.naming import shown
from fleetd.cli.options import DatabaseOption, EverywhereOption, NamespaceOption, OutputOption, SelectorOption
from fleetd.cli.output import counted, say, write_line, write_rows
from fleetd.cli.places import reading
from fleetd.cli.state import duration
from fleetd.domain.errors import NotFound
from fleetd.domain.refs import ObjectRef
from fleetd.service.queries import Queries, Where
from fleetd.service.selectors import label_changes, label_selector

_ON_IT = Where("cluster = :cluster", {})


def list_(
    *,
    namespace: NamespaceOption = "",
    all_namespaces: EverywhereOption = False,
    selector: SelectorOption = "",
    output: OutputOption = "table",
    database: DatabaseOption = None,
) -> None:
    """Show the members, with what is not in order on them. Without -n those of all namespaces.

    Examples:

        fleetd cluster list
        fleetd cluster list -l env=prod -o name
        fleetd cluster list -o json
    """
    with reading(database) as reader:
        place = None if all_namespaces or not namespace else namespace
        found = Queries(reader).clusters(label_selector(selector) if selector else None, place)
    if not found:
        say("no members: fleetd cluster register makes one")
    write_rows(found, view="fleet_clusters", form=output, header=bool(found))


def describe(name: str, /, *, namespace: NamespaceOption = "default", database: DatabaseOption = None) -> None:
    """Show one member, with its labels, what stands on it, what is wrong with it, and what was decided about it lately.

    Examples:

        fleetd cluster describe eu-1
    """
    cluster = f"{namespace}/{name}"
    with reading(database) as reader:
        queries = Queries(reader)
        row = queries.cluster(cluster)
        on_it = Where(_ON_IT.text, {"cluster": cluster})
        parts = [
            Part("Add-ons", "fleet_addons", queries.listed("fleet_addons", on_it, most=50)),
            Part("Events not acted on", "fleet_pending_events", queries.rows("fleet_pending_events", on_it, most=20)),
            Part("Drift", "fleet_drift_incidents", queries.listed("fleet_drift_incidents", on_it, most=10)),
            Part("Journal", "fleet_journal", queries.journal([f"SveltosCluster/{cluster}"], clusters=[cluster])),
        ]
    head = {key: value for key, value in row.items() if key not in ("namespace", "name", "labels")}
    write_parts({**head, "labels": labels_text(row["labels"])}, parts)


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

    if withdraw:
        return asyncio.run(withdraw_and_deregister(name, namespace, duration(timeout).total_seconds(), database))
    with reading(database) as reader:
        left = len(Queries(reader).rows("fleet_objects", Where(_ON_IT.text, {"cluster": f"{namespace}/{name}"}), most=100_000))
    asyncio.run(deregister_now(name, namespace, database))
    if left:
        say(f"{counted(left, 'object')} that fleetd put on it {'stays' if left == 1 else 'stay'} there")
    return 0


def _ref(name: str, namespace: str) -> ObjectRef:
    from fleetd.service.membership import member_ref  # see label

    return member_ref(name, namespace)


async def _set_paused(ref: ObjectRef, database: str | None, *, paused: bool) -> None:
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
