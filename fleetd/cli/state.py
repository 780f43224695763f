"""`fleetd events`, `drift` and `addons`: state, live with -w."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd.cli.options import ClustersOption, ProfileOption, SinceOption
from fleetd.cli.showing import ONCE_AS_A_TABLE, Showing, show
from fleetd.domain.errors import InvalidInput
from fleetd.domain.states import AddonState
from fleetd.service.questions.rows import ListRows, WholeRows


def events(
    *,
    pending: Annotated[bool, Parameter(negative="")] = False,
    since: SinceOption = "",
    clusters: ClustersOption = "",
    trigger: str = "",
    source: str = "",
    how: Showing = ONCE_AS_A_TABLE,
) -> None:
    """Show events, the newest first; or those that a trigger should have acted on and has not, with the reason.

    Examples:

        fleetd events --since 2h
        fleetd events --pending
        fleetd events --pending -l env=prod --trigger mirror
        fleetd events -w -o json

    Parameters
    ----------
    pending:
        Only what has not been acted on: one row for each event, trigger and destination.
    trigger:
        Only those that this EventTrigger cares for.
    source:
        Only those of this EventSource.
    """
    trigger, source = trigger.rpartition("/")[2], source.rpartition("/")[2]
    if pending:
        named = {"event_trigger": trigger, "event_source": source}
        equal = {name: value for name, value in named.items() if value}
        waiting = ListRows(view="fleet_pending_events", clusters=clusters, since=since, equal=equal, as_of=how.as_of)
        show(waiting, "fleet_pending_events", how, nothing="nothing waits")
        return
    from fleetd.service.questions.events import ListEvents  # each command loads its own question only

    asked = WholeRows(of=ListEvents(clusters=clusters, since=since, trigger=trigger, source=source, as_of=how.as_of), endless=True)
    show(asked, "fleet_events", how)


def drift(
    *,
    open_: Annotated[bool, Parameter(name="--open", negative="")] = False,
    only: Literal["open", "corrected", "failed", "flapping"] | None = None,
    since: SinceOption = "",
    clusters: ClustersOption = "",
    profile: ProfileOption = "",
    how: Showing = ONCE_AS_A_TABLE,
) -> int:
    """Show what somebody else changed on clusters, the newest first; exit code 1 when something is open.

    Examples:

        fleetd drift
        fleetd drift --open -o json
        fleetd drift --since 7d --only flapping -l env=prod

    Parameters
    ----------
    open_:
        Only what is not put back yet.
    only:
        open, corrected, failed, or flapping: changed again after it was put back.
    """
    if open_ and only not in (None, "open"):
        raise InvalidInput("write --open or --only, not both")
    from fleetd.service.questions.drift import GetDrift  # each command loads its own question only

    asked = GetDrift(clusters=clusters, since=since, only="open" if open_ else only or "", profile=profile, as_of=how.as_of)
    found = show(WholeRows(of=asked, endless=True), "fleet_drift_incidents", how)
    return 1 if any(row["outcome"] == "open" for row in found) else 0


def addons(
    *,
    clusters: ClustersOption = "",
    state: Annotated[tuple[AddonState, ...], Parameter(negative="", help="Only those in this state; may be given more than once.")] = (),
    profile: ProfileOption = "",
    how: Showing = ONCE_AS_A_TABLE,
) -> None:
    """Show what every profile put on every cluster, and how far it is.

    Examples:

        fleetd addons
        fleetd addons --state failed --state conflict
        fleetd addons --cluster default/eu-1 -w
        fleetd addons --profile web --as-of -2h
    """
    from fleetd.service.questions.addons import ListAddons  # each command loads its own question only

    asked = ListAddons(clusters=clusters, status=tuple(one.value for one in state), profile=profile, as_of=how.as_of)
    show(WholeRows(of=asked), "fleet_addons", how)
