"""`fleetd`: the command line. Each command's module is loaded when the command is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from fleetd import __version__
from fleetd.domain.errors import FleetdError

HELP = """When this happens in one Kubernetes cluster, configure those clusters.

Exit codes: 0 done and true · 1 done, and the answer is "no" · 2 usage or bad input · 3 a database, server or cluster could
not be reached · 4 refused · 130 interrupted.
"""

app = App(name="fleetd", help=HELP, version=__version__, result_action="return_value", help_format="plaintext")

COMMANDS = {
    "demo": "fleetd.cli.demo_command:demo",
    "run": "fleetd.cli.run:run",
    "sim": "fleetd.cli.sim:sim",
}
"""name → where its function stands; `a.b` is the command b of the group a."""

for _name, _place in COMMANDS.items():
    app.command(_place, name=_name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process with its exit code."""
    sys.exit(run_command(sys.argv[1:] if arguments is None else list(arguments)))


def run_command(arguments: Sequence[str]) -> int:
    """Runs one command; the exit code."""
    try:
        answer = app(list(arguments), exit_on_error=False, print_error=True)
    except CycloptsError:
        return 2
    except FleetdError as error:
        sys.stderr.write(f"fleetd: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else 0


if __name__ == "__main__":
    main()
