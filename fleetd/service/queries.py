"""Declared objects on an open reader, for the checker's `--database`; everything else asks questions (`fleetd.service.questions`)."""

from __future__ import annotations

from typing import Any

from fleetd.domain.refs import GroupKind
from fleetd.service.questions.beside import Row, decoded
from fleetd.store.reading import Reader


class Queries:
    """The read side on an open database; it blocks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def objects(self, group_kind: GroupKind | None = None) -> list[Row]:
        """Rows of `fleet_declared`, all or of a kind."""
        where, values = "", dict[str, Any]()
        if group_kind is not None:
            where, values = "WHERE api_group = :api_group AND kind = :kind", {"api_group": group_kind.group, "kind": group_kind.kind}
        return [decoded(row) for row in self._reader.rows(f"SELECT * FROM fleet_declared {where} ORDER BY ref", values)]
