"""What the packages promise about themselves, read from their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLEETD = ROOT / "fleetd"
FILES = sorted(path for package in ("fleetd", "mcp_server", "tui") for path in (ROOT / package).rglob("*.py"))
PURE = sorted(path for package in ("decide", "domain") for path in (FLEETD / package).rglob("*.py"))
WORLD = {"asyncio", "aiohttp", "logging", "random", "secrets", "socket", "sqlalchemy", "structlog", "subprocess", "threading"}
CHANCE_AND_TIME = {
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "date.today",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
    "time.time",
    "time.time_ns",
    "uuid.uuid1",
    "uuid.uuid4",
    "uuid4",
    "os.urandom",
}
LONGEST = 400
# The functions of templates are documented by the languages that they come from; their names are the documentation's.
SPEECHLESS_FOLDERS = ("fleetd/decide/gotemplate/functions/",)
NO_DOCSTRING = {
    "fleetd/cli/naming.py": {"shown_kind"},
    "fleetd/decide/gotemplate/formatting.py": {"is_negative"},
    "fleetd/kubeapi/options.py": {"truth"},
    "fleetd/kubeapi/refusals.py": {
        "already_exists", "bad_request", "forbidden", "no_such_method", "no_such_resource", "not_acceptable", "not_found",
        "rejected_patch", "unauthorized", "unmet_precondition", "unsupported_media_type",
    },
    "fleetd/kubeapi/reviews.py": {"nobody"},
    "fleetd/kubeapi/rules.py": {"config_key_causes", "immutable", "label_causes", "not_allowed", "required", "wrong_value"},
    "fleetd/kubeapi/selectors.py": {"everything", "labels_match"},
    "fleetd/kubeapi/structural.py": {"properties"},
    "fleetd/store/compiled.py": {"postgres_compiler", "sqlite_compiler"},
    "fleetd/store/loading.py": {"request_of"},
}  # fmt: skip
"""Public functions whose names have to say it all; none may be added."""


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def impure(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                yield f"line {node.lineno}: waits"
            case ast.Import(names=names):
                yield from (f"line {node.lineno}: imports {item.name}" for item in names if item.name.partition(".")[0] in WORLD)
            case ast.ImportFrom(module=str(where)) if where.partition(".")[0] in WORLD:
                yield f"line {node.lineno}: imports {where}"
            case ast.Call(func=called) if any(f".{ast.unparse(called)}".endswith(f".{item}") for item in CHANCE_AND_TIME):
                yield f"line {node.lineno}: calls {ast.unparse(called)}"


@pytest.mark.parametrize("path", PURE, ids=name)
def test_rules_and_words_wait_for_nothing_and_take_time_and_chance_as_arguments(path):
    assert not list(impure(tree(path)))


@pytest.mark.parametrize(
    "text",
    [
        "async def f(): pass",
        "import asyncio",
        "from random import choice",
        "x = datetime.now(UTC)",
        "x = dt.datetime.now()",
        "time.sleep(1)",
        "x = uuid4()",
        "async def f():\n    async with g(): pass",
    ],
)
def test_the_check_sees_what_it_is_there_for(text):
    assert list(impure(ast.parse(text)))


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=name)
def test_a_package_file_holds_its_docstring_and_no_code(path):
    rest = [node for node in tree(path).body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    allowed = (ast.Assign, ast.AnnAssign) if path == FLEETD / "__init__.py" else ()
    assert not [node for node in rest if not isinstance(node, allowed)]


def test_no_file_is_longer_than_a_screenful_of_screens():
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert not {path: length for path, length in lengths.items() if length > LONGEST}


def speechless(module: ast.Module) -> set[str]:
    """Public functions of the module without a docstring."""
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name for node in functions if not node.name.startswith("_") and not ast.get_docstring(node)}


@pytest.mark.parametrize("path", [path for path in FILES if not name(path).startswith(SPEECHLESS_FOLDERS)], ids=name)
def test_every_public_function_says_what_it_does(path):
    assert speechless(tree(path)) <= NO_DOCSTRING.get(name(path), set())


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(tree(path))
