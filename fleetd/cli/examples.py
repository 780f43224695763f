"""Where the examples lie: in the installed package, or in a checkout."""

from __future__ import annotations

from pathlib import Path

import fleetd
from fleetd.domain.errors import NotFound


def examples_folder() -> Path:
    """The folder with one folder a scenario."""
    package = Path(fleetd.__file__).parent
    for folder in (package / "_examples", package.parent / "examples"):
        if folder.is_dir():
            return folder
    raise NotFound("the examples are not part of this installation")


def example_files(name: str) -> list[Path]:
    """The manifests of one example, in the order of their names."""
    return sorted((examples_folder() / name).glob("*.yaml"))
