"""What the pages say is so: links lead somewhere, commands exist, manifests are right, and stories come out as told."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import yaml
from cyclopts import CycloptsError

from fleetd.cli.__main__ import build_app
from fleetd.decide.lint.check import check
from fleetd.domain.documents import read_documents
from fleetd.domain.findings import CODES
from fleetd.domain.kinds.acted_on import ACTED_ON, Whole
from fleetd.domain.kinds.registry import KINDS
from fleetd.domain.objects import ref_of
from fleetd.domain.states import DeclaredState, MatchState
from fleetd.service.compilers import Engines
from fleetd.sim.faults import FaultKind
from fleetd.sim.schedule import parse_faults
from fleetd.store.views import VIEWS

ROOT = Path(__file__).parents[2]
TOOLS = frozenset({"fleet_overview"})
"""Names that look like a view's and are those of tools of the MCP server."""


def test_every_link_within_the_repository_leads_somewhere(page: Any, read_page: Any) -> None:
    for target in page.links:
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        path = (page.path.parent / place).resolve() if place else page.path
        assert path.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in read_page(str(path.relative_to(ROOT))).anchors, f"{page.name} links to {target}: no such heading"


def test_every_command_of_fleetd_exists_with_its_options(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    app = build_app()
    for line in _commands(page):
        try:
            app.parse_args(line, exit_on_error=False, print_error=False)
        except CycloptsError as error:
            pytest.fail(f"{page.name}: `fleetd {shlex.join(line)}` is no command: {error}")


def _commands(page: Any) -> Iterator[list[str]]:
    """What follows each `fleetd` in blocks of a shell; where a dollar sign stands before commands, the other lines are output."""
    for fence in page.fences:
        lines = fence.text.replace("\\\n", " ").splitlines()
        if fence.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")] or lines
        elif fence.language != "sh":
            continue
        text = ""
        for line in lines:
            text += line + "\n"
            try:
                words = list(_words(text))
            except ValueError:
                continue  # a quotation that goes on in the next line
            text = ""
            for command in _split(words):
                while command and re.match(r"\w+=", command[0]):
                    command.pop(0)
                if command and command[0].rpartition("/")[2] == "fleetd":
                    yield command[1:]
        assert not text, f"{page.name}:{fence.line}: a quotation has no end"


def _words(text: str) -> Iterator[str]:
    found = shlex.shlex(text, posix=True, punctuation_chars=True)
    found.whitespace_split = True
    return iter(found)


def _split(words: Iterable[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in words:
        if set(word) <= set("|&;<>()"):
            yield command
            command = []
        else:
            command.append(word)
    yield command


def test_every_yaml_block_can_be_read_and_what_is_to_be_declared_has_no_mistake(page: Any) -> None:
    for fence in page.fences:
        if fence.language == "yaml":
            assert "wrong" in fence.words or list(yaml.safe_load_all(fence.text)), f"{page.name}:{fence.line}"
    declared: dict[str, Any] = {}
    for fence in page.titled:
        documents = list(read_documents(fence.text, source=fence.words["title"]))
        assert [str(finding) for finding in check(documents, Engines())] == [], "by itself"
        declared |= {str(ref_of(document.manifest)): document for document in documents}
        assert [str(finding) for finding in check(declared.values(), Engines())] == [], "with what came before it"


def test_wrong_examples_are_told_as_the_page_shows(page: Any) -> None:
    fences = page.fences
    for fence, after in zip_longest(fences, fences[1:]):
        if "wrong" not in fence.words:
            continue
        findings = check(read_documents(fence.text, source=fence.words["title"]), Engines())
        assert {finding.code for finding in findings} == set(fence.words["wrong"].split(",")), f"{page.name}:{fence.line}"
        if after is not None and after.language == "text":
            told = "\n".join(
                f"{one.file}:{one.line}:{one.column}: {one.severity} {one.code}: {one.message}\n    {one.fix}" for one in findings
            )
            assert after.text.strip() == told.strip()


async def test_a_story_comes_out_as_it_is_told(story: Any, stage: Any) -> None:
    async with stage() as played:
        for fence in story.fences:
            await played.play(fence)


def test_every_code_of_the_checker_has_its_line_and_no_other_has(read_page: Any) -> None:
    listed = dict(re.findall(r"^\| `(FD\d+)` \| ([^|]+?) \|", read_page("docs/lint.md").text, re.MULTILINE))
    assert listed == {code: spec.title for code, spec in CODES.items()}


def test_the_page_on_sveltos_says_what_is_acted_on(read_page: Any) -> None:
    text = read_page("docs/sveltos.md").text
    acted = re.findall(r"^\| `(\w+)` \| (.+?) \|", text.partition("## Not yet")[0], re.MULTILINE)
    assert {kind: set(re.findall(r"`([\w.\[\]=]+)`", fields)) for kind, fields in acted} == {
        kind.kind: set(_fields(body.get("spec", body), "")) for kind, body in ACTED_ON.items() if kind.group.endswith("projectsveltos.io")
    }
    others = set(re.findall(r"`(\w+)`", text.partition("<!-- kinds -->")[2].partition("<!-- end -->")[0]))
    assert others == {gvk.kind for gvk in KINDS} - {kind.kind for kind in ACTED_ON}


def _fields(acted: Any, path: str) -> Iterator[str]:
    for name, below in acted.items():
        here = f"{path}{name}"
        if isinstance(below, Whole):
            yield here
        elif isinstance(below, frozenset):
            yield from (f"{here}={value}" for value in sorted(below))
        else:
            yield from _fields(below, f"{here}[].")


def test_every_example_has_its_page_in_the_index_and_every_page_of_docs_is_linked_from_the_readme(read_page: Any) -> None:
    index = read_page("examples/README.md").links
    for folder in sorted((ROOT / "examples").iterdir()):
        if folder.is_dir():
            assert (folder / "README.md").exists()
            assert any(link.strip("/").removesuffix("/README.md") == folder.name for link in index), folder.name
    linked = set(read_page("README.md").links)
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= linked


def test_every_view_that_a_page_names_exists(page: Any) -> None:
    known = {view.name for view in VIEWS}
    assert set(re.findall(r"(?<!/)\bfleet_[a-z_]*[a-z]\b", page.text)) - TOOLS <= known


def test_every_file_that_a_page_names_exists(page: Any) -> None:
    for name in re.findall(r"`([\w/]+\.py)`", page.text):
        assert any((folder / name).exists() for folder in (ROOT, ROOT / "fleetd", ROOT / "fleetd" / "decide" / "plane")), name


def test_the_page_on_simulation_has_every_fault(read_page: Any) -> None:
    page = read_page("docs/simulation.md")
    assert set(re.findall(r"^\| `([\w-]+)` \|", page.text, re.MULTILINE)) == {kind.value for kind in FaultKind}
    shown = [parse_faults(fence.text) for fence in page.fences if "faults" in fence.words]
    assert shown


def test_the_page_on_concepts_has_every_state(read_page: Any) -> None:
    text = read_page("docs/concepts.md").text.partition("## States")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", text))
    assert {state.value for state in MatchState} <= named
    assert {state.value for state in DeclaredState} - {"removing"} <= named
