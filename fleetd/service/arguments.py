"""The arguments that the questions share: what each means, once for every face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal


@dataclass(frozen=True, slots=True)
class About:
    """What an argument means, for whoever has to fill it in; `least` and `most` bound a number."""

    text: str
    least: int | None = None
    most: int | None = None


DEFAULT_LIMIT = 20
MOST_LIMIT = 200

Clusters = Annotated[str, About("which clusters: prod-*, env=prod,region in (eu,us), !name; empty: all")]
Limit = Annotated[int, About("rows to return", 1, MOST_LIMIT)]
Cursor = Annotated[str, About("next_cursor of the page before, with the same other arguments")]
When = Annotated[str, About("RFC 3339 time or an age: -2h, -7d")]
AsOf = Annotated[str, About("the state at a past time: RFC 3339 or -2h; empty: now")]
OlderThan = Annotated[str, About("only what is older than this age: 10m, 2h, 1d")]
Ref = Annotated[str, About("Kind.group/namespace/name, or Kind/name; on a cluster with @namespace/cluster at the end")]
Profile = Annotated[str, About("ClusterProfile/name or Profile/namespace/name")]
Reason = Annotated[str, About("why, for the record")]
IdempotencyKey = Annotated[str, About("the same key again is the same request, not another")]

Detail = Literal["brief", "full"]
BRIEF = 120
"""So many signs of what somebody said stand in each row of a brief list: twenty rows then fit into two thousand tokens."""
