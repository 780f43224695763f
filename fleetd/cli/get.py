"""`fleetd get`."""

from __future__ import annotations

import textwrap

from fleetd.cli.options import ClustersOption, EverywhereOption, NamespaceOption, SinceOption
from fleetd.cli.showing import ONCE_AS_A_TABLE, Showing, show
from fleetd.domain.errors import InvalidInput
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.rows import ListRows, WholeRows, view_of, views_listed
from fleetd.service.teaching import bad

_SHORT = {
    "drift": "fleet_drift_incidents",
    "incidents": "fleet_drift_incidents",
    "matches": "fleet_trigger_matches",
    "pending": "fleet_pending_events",
}


def get(
    kind: str = "",
    name: str = "",
    /,
    *,
    namespace: NamespaceOption = "default",
    all_namespaces: EverywhereOption = False,
    selector: ClustersOption = "",
    since: SinceOption = "",
    how: Showing = ONCE_AS_A_TABLE,
) -> int:
    """Show declared objects of a kind; or `all`; or rows: clusters, events, pending, addons, drift, matches, objects, journal ….

    Of objects -l selects by their own labels, as kubectl does; of rows by the cluster that they are about.
    The values of Secrets are never shown. `fleetd views` lists what else has rows.

    Examples:

        fleetd get eventtriggers
        fleetd get configmap mirror-template -o yaml
        fleetd get eventtrigger mirror --as-of -2h -o yaml
        fleetd get all -A
        fleetd get clusters -l env=prod -o name
        fleetd get journal --since 1h --limit 50

    Parameters
    ----------
    kind:
        A kind as kubectl takes it (eventsource, EventSources, cm), `all`, or a view without `fleet_`.
    name:
        One object of the kind.
    """
    if not kind:
        raise InvalidInput(_what_there_is())
    view = _view(kind.partition("/")[0])
    if view:
        name = kind.partition("/")[2] or name
        if view == "fleet_clusters":
            return _clusters(name, namespace, selector, since, how)
        if name:
            raise InvalidInput(f"{view} takes no name: use -l for clusters, --since for times, fleetd sql for other conditions")
        show(ListRows(view=view, clusters=selector, since=since, as_of=how.as_of), view, how)
        return 0
    if since or how.limit is not None or how.watch:
        raise InvalidInput("--since, --limit and -w are for rows; declared objects are shown all, as they are")
    from fleetd.cli.objects import Named, is_kind, show_objects  # every kind of Kubernetes objects, which rows do without

    if kind != "all" and not is_kind(kind):
        raise bad(
            "kind", kind, f"there are no objects and no rows of the name {kind!r}: fleetd get alone says which there are", allowed=_names()
        )
    named = Named(kind, name, "" if all_namespaces else namespace, selector, how.as_of)
    return show_objects(named, how.output, how.database)


def _what_there_is() -> str:
    kinds, rows = _kinds(), _row_names()
    return "\n".join(
        (
            "get what? Name a kind of declared objects, `all`, or rows:",
            *textwrap.wrap(", ".join(kinds), 100, initial_indent="  kinds: ", subsequent_indent="         ", break_on_hyphens=False),
            *textwrap.wrap(", ".join(rows), 100, initial_indent="  rows:  ", subsequent_indent="         ", break_on_hyphens=False),
        )
    )


def _kinds() -> list[str]:
    from fleetd.domain.kinds.registry import KINDS  # as above

    return sorted({spec.plural for spec in KINDS.values()})


def _row_names() -> list[str]:
    return sorted({view.removeprefix("fleet_").replace("_", "-") for view in views_listed()} | set(_SHORT))


def _names() -> list[str]:
    return [*_row_names(), *_kinds()]


def _view(word: str) -> str:
    # The view of profiles has no manifests, and those of triggers and sources are named with a dash; who names a kind wants objects.
    word = word.lower()
    return "" if word in ("profile", "profiles") else _SHORT.get(word) or view_of(word) or view_of(f"{word}s")


def _clusters(name: str, namespace: str, selector: str, since: str, how: Showing) -> int:
    if since or (name and selector):
        raise InvalidInput("of clusters name one, or select by -l; they have no --since")
    meant = name if "/" in name or namespace == "default" or not name else f"{namespace}/{name}"
    show(WholeRows(of=ListClusters(clusters=meant or selector, as_of=how.as_of)), "fleet_clusters", how)
    return 0
