"""Everything current for somebody without the master key, by a connection that cannot write.

What is encrypted is not there: a body that holds secrets has its identity only. That is enough to say what follows from a change,
as long as it does not follow from the secret itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

from fleetd.domain.errors import GiveUp
from fleetd.domain.objects import SECRETIVE
from fleetd.domain.refs import GroupVersionKind, ObjectRef
from fleetd.store.bodies import json_bytes
from fleetd.store.loading import Loaded, load
from fleetd.store.reading import Reader
from fleetd.store.steps import Fetch, Row


def loaded(reader: Reader) -> Loaded:
    """Reads all of it; put it into a snapshot of the reader's.

    Raises:
        NotPermitted: whoever reads may see the views only.
        TryLater: the database is away.
    """
    dialect: Dialect = (
        sqlite.dialect(paramstyle="named") if reader.dialect == "sqlite" else postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    )
    steps = load(None)
    try:
        asked = next(steps)
        while True:
            if not isinstance(asked, Fetch):
                raise GiveUp("reading asks for something that is no read")
            asked = steps.send([_opened(row) for row in _rows(reader, asked, dialect)])
    except StopIteration as end:
        result: Loaded = end.value
        return result


def _rows(reader: Reader, asked: Fetch, dialect: Dialect) -> list[dict[str, Any]]:
    text, literals = _compiled(asked.statement, dialect)
    return reader.rows(text, {**literals, **asked.params})


def _compiled(statement: ClauseElement, dialect: Dialect) -> tuple[str, Mapping[str, Any]]:
    compiled = statement.compile(dialect=dialect)
    return str(compiled), {name: value for name, value in (compiled.params or {}).items() if value is not None}


def _opened(row: Row) -> Row:
    """A row with a body that can be read: in the place of what is encrypted stands what the row itself says."""
    if not row.get("encrypted") or row.get("content") is None:
        return row
    ref = ObjectRef.parse(row.get("object_ref") or row["ref"])
    version = row.get("api_version") or GroupVersionKind(ref.group, "v1" if not ref.group else "v1beta1", ref.kind).api_version
    metadata: dict[str, Any] = {"name": ref.name, "annotations": {SECRETIVE: "ok"}}
    if ref.namespace:
        metadata["namespace"] = ref.namespace
    if row.get("uid"):
        metadata["uid"] = row["uid"]
    body = {"apiVersion": version, "kind": ref.kind, "metadata": metadata}
    return {**row, "encrypted": False, "content": zlib.compress(json_bytes(body), 1)}
