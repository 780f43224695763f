"""What a cluster of some release says at /version."""

from __future__ import annotations

import re
from functools import lru_cache

from fleetd.domain.errors import InvalidInput
from fleetd.kubeapi.exchange import Response
from fleetd.kubeapi.health import VERSION
from fleetd.sim.answers import answer

FORM = re.compile(r"v(\d+)\.(\d+)\.\d+([-+.0-9A-Za-z]*)")


@lru_cache(64)
def version_page(version: str) -> Response:
    """The answer for a version like `v1.36.2`; only what clients are told differs, the API stays the same.

    Raises:
        InvalidInput: it has another form.
    """
    found = FORM.fullmatch(version)
    if found is None:
        raise InvalidInput(f"{version!r} is no version: write it like v1.36.2")
    major, minor = found[1], found[2]
    oldest = str(max(int(minor) - 1, 0))
    numbers = {"major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor}
    return answer(200, {**VERSION, **numbers, "minCompatibilityMajor": major, "minCompatibilityMinor": oldest, "gitVersion": version})
