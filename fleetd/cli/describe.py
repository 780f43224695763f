"""`fleetd describe`."""

from __future__ import annotations

from fleetd.cli.asked import answer_to
from fleetd.cli.describing import write_description
from fleetd.cli.naming import refs_named
from fleetd.cli.options import AsOfOption, DatabaseOption, FormOption, NamespaceOption
from fleetd.domain.errors import InvalidInput
from fleetd.service.questions.describing import DescribeCluster, DescribeObject


def describe(
    kind: str,
    name: str = "",
    /,
    *,
    namespace: NamespaceOption = "default",
    as_of: AsOfOption = "",
    output: FormOption = "table",
    database: DatabaseOption = None,
) -> None:
    """Show one declared object: what it says, its state with the reason, what belongs to it, and what was decided about it lately.

    Of what a trigger generated (fleetd addons names such profiles) it shows for what it was made, and how far it is.

    Examples:

        fleetd describe eventtrigger mirror
        fleetd describe clusterprofile/web
        fleetd describe sveltoscluster/eu-1 -o json

    Parameters
    ----------
    kind:
        A kind as kubectl takes it, or KIND/NAME; of a `cluster` the page of the member is shown.
    name:
        The object's name.
    """
    words = [word for word in (kind, name) if word]
    if kind.partition("/")[0].lower() in ("cluster", "clusters"):
        named = "/".join(words).partition("/")[2]
        if not named:
            raise InvalidInput("which cluster? name it after the kind")
        place = named if "/" in named or namespace == "default" else f"{namespace}/{named}"
        write_description(answer_to(DescribeCluster(cluster=place, as_of=as_of), database), output)
        return
    ref = refs_named(words, namespace)[0]
    write_description(answer_to(DescribeObject(ref=str(ref), as_of=as_of), database), output)
