"""Where fleetd keeps its files when nobody says."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path


def data_folder() -> Path:
    """The platform's data folder for fleetd; not made before something is written."""
    return user_data_path("fleetd", appauthor=False)
