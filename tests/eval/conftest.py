"""Cases of `fleetd eval`: files of sources and objects, run through the real command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleetd.cli.__main__ import run_command

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Ran:
    """What the command did."""

    code: int
    out: str
    err: str

    @property
    def results(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.out)["results"]
        return found


Evaluated = Callable[..., Ran]


@pytest.fixture
def evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Evaluated:
    """Evaluates a source (a text or a manifest) on objects: files `source.yaml` and `objects.json`."""
    monkeypatch.chdir(tmp_path)

    def evaluate(source: Any, objects: Any, *arguments: str, output: str = "json") -> Ran:
        Path("source.yaml").write_text(source if isinstance(source, str) else yaml.safe_dump(source, sort_keys=False))
        listed = objects if isinstance(objects, list) else [objects]
        Path("objects.json").write_text("\n".join(map(json.dumps, listed)))
        capsys.readouterr()
        code = run_command(["eval", "-f", "source.yaml", "--objects", "objects.json", "-o", output, *arguments])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return evaluate


def _cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load_all(path.read_text("utf-8")):
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`case` is every case of the folder."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", list(_cases()))
