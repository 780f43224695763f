"""`fleetd`: the command line. Each command's module is loaded when the command is called."""

from __future__ import annotations

import inspect
import os
import re
import sys
import textwrap
import traceback
from collections.abc import Sequence
from importlib import import_module

from cyclopts import App, CycloptsError, Parameter

from fleetd import __version__
from fleetd.cli.commands import COMMANDS, GROUPS
from fleetd.cli.deciding import note_command
from fleetd.cli.output import say
from fleetd.domain.errors import FleetdError

HELP = """When this happens in one Kubernetes cluster, configure those clusters.

Exit codes:

  0    done, and the answer is yes
  1    done, and the answer is no
  2    wrong use or bad input
  3    a database, cluster or daemon did not answer
  4    refused
  130  interrupted
"""
FILE_OPTIONS = ("-f", "--filename", "--objects", "--clusters")
DEFECT = 70
"""sysexits' EX_SOFTWARE: no script may take a defect of ours for one of the answers above."""


def build_app(arguments: Sequence[str] = ()) -> App:
    """The application with every command of the table; none of their modules is loaded yet.

    Args:
        arguments: what will be called; that command's own page stands in for its sentence.
    """
    app = App(name="fleetd", help=HELP, version=__version__, result_action="return_value", help_format="plaintext")
    app.default_parameter = Parameter(show_default=_worth_showing)
    called = ".".join(word for word in arguments[:2] if not word.startswith("-"))
    groups: dict[str, App] = {}
    for name, sentence in GROUPS.items():
        groups[name] = App(name=name, help=sentence, version_flags=[], result_action="return_value", help_format="plaintext")
        app.command(groups[name])
    for name, command in COMMANDS.items():
        group, _, last = name.rpartition(".")
        words, examples = _page(command.place) if f"{called}.".startswith(f"{name}.") else (command.sentence, None)
        (groups[group] if group else app).command(command.place, name=last, help=words, help_epilogue=examples)
    return app


def _page(place: str) -> tuple[str, str]:
    """A command's docstring in its two parts: words, and the examples, which the parser of docstrings would leave out."""
    module, _, function = place.partition(":")
    text = inspect.getdoc(getattr(import_module(module), function)) or ""
    words, _, examples = re.split(r"\n(?:Parameters\n-+|Args:)\n", text)[0].partition("Examples:\n")
    return words.strip(), f"Examples:\n\n{textwrap.indent(textwrap.dedent(examples).strip(), '    ')}"


def _worth_showing(default: object) -> str | None:
    """A default for help pages: not that of switches and of options that are simply not given."""
    return str(default) if default else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process with its exit code."""
    sys.exit(run_command(sys.argv[1:] if arguments is None else list(arguments)))


def run_command(arguments: Sequence[str]) -> int:
    """Runs one command; the exit code."""
    note_command(arguments)
    try:
        answer = build_app(arguments)(with_stdin(arguments), exit_on_error=False, print_error=True)
        sys.stdout.flush()
    except CycloptsError:
        return 2
    except FleetdError as error:
        _say_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001 - what nobody foresaw is told as a defect
        say("fleetd: this is a defect of fleetd, not of what you gave it; please report it with these lines")
        traceback.print_exc()
        return DEFECT
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else 0


def with_stdin(arguments: Sequence[str]) -> list[str]:
    """A dash after an option that takes files is its value: an option of several files would take it for an option."""
    told: list[str] = []
    for word in arguments:
        if word == "-" and told and told[-1] in FILE_OPTIONS:
            told[-1] += "=-"
        else:
            told.append(word)
    return told


def _say_error(error: FleetdError) -> None:
    """What went wrong; where the service teaches, also what was meant perhaps and what would do."""
    from fleetd.service.teaching import Taught  # only then

    if not isinstance(error, Taught):
        say(f"fleetd: {error}")
        return
    from fleetd.cli.lessons import lesson_lines  # as above

    for line in lesson_lines(error.lesson):
        say(line)


if __name__ == "__main__":
    main()
