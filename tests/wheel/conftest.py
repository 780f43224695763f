"""The wheel, built and installed outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """An environment that has the wheel. `folder` is a place to work in, outside the checkout."""

    binaries: Path
    folder: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one of its programs, with nothing of the checkout in the environment."""
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")}
        return subprocess.run(
            [str(self.binaries / program), *arguments], cwd=self.folder, env=kept, capture_output=True, text=True, timeout=90, check=False
        )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
        timeout=90,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment of its own; its dependencies are those of the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("elsewhere")
    made = folder / "venv"
    venv.create(made, with_pip=False, symlinks=True)
    binaries = made / "bin"
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    subprocess.run(
        [str(uv), "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(binaries / "python"), str(wheel)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    # A folder that a .pth names is searched, its own .pth files are not read: the checkout's editable install stays out.
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(made), "platbase": str(made)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    work = folder / "work"
    work.mkdir()
    return Installed(binaries, work)
