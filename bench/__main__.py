"""`python -m bench`: measures goals and says PASS, NEAR or MISS."""

from __future__ import annotations

import argparse
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from rich.console import Console

from bench import (
    p1_noop,
    p3_latency,
    p6_conditions,
    p6_lua,
    p7_apply,
    p8_memory,
    p12_idle,
    p_engines,
    p_templates,
    reach,
    service_scale,
    sim_scale,
    tui_speed,
)
from bench.calibration import calibrate
from bench.harness import FULL, QUICK, RESULTS, TINY, Bench, Goal, Report, Sizes, measure, new_report, show

GOALS: tuple[Goal, ...] = (
    p1_noop.GOAL,
    p3_latency.GOAL,
    p6_conditions.GOAL,
    p6_lua.GOAL,
    p7_apply.GOAL,
    p8_memory.GOAL,
    p12_idle.GOAL,
    p_engines.GOAL,
    p_templates.GOAL,
    reach.GOAL,
    service_scale.GOAL,
    sim_scale.GOAL,
    tui_speed.GOAL,
)
SIZES = {"full": FULL, "quick": QUICK, "tiny": TINY}


def arguments(given: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("goals", nargs="*", help=f"which goals, of {', '.join(goal.id for goal in GOALS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, about four minutes")
    parser.add_argument("--sizes", choices=SIZES, default="full", help="tiny only shows that everything runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go; bench/results/TIME.json when not given")
    parser.add_argument("--folder", type=Path, help="where the databases lie while it runs; their disk is part of what is measured")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a gate is missed")
    parser.add_argument("--profile", action="store_true", help="say, too, where the time goes (the profiled round is not counted)")
    return parser.parse_args(given)


def chosen(names: list[str]) -> list[Goal]:
    """The goals of these names, in their order; all of them for none."""
    known = {goal.id.lower(): goal for goal in GOALS}
    unknown = [name for name in names if name.lower() not in known]
    if unknown:
        sys.exit(f"there is no goal {', '.join(unknown)}; there are {', '.join(goal.id for goal in GOALS)}")
    return [known[name.lower()] for name in names] or list(GOALS)


async def bench(goals: list[Goal], sizes: Sizes, options: argparse.Namespace, console: Console) -> Report:
    """Calibrates, then measures one goal after another."""
    with TemporaryDirectory(dir=options.folder, prefix="fleetd-bench-") as folder:
        console.print(f"calibrating; databases lie in {folder}")
        small = {"events": 200, "patches": 20, "syncs": 20} if sizes is TINY else {}
        calibration = await calibrate(Path(folder), **small)
        report = new_report(sizes, options.seed, calibration)
        given = Bench(sizes, options.seed, Path(folder), calibration, options.profile, console.print)
        for goal in goals:
            console.print(f"{goal.id}: {goal.sentence}", highlight=False)
            result = await measure(goal, given, report)
            if result.where:
                console.print(result.where, markup=False, highlight=False)
    return report


def main() -> int:
    """The exit code: 0, or 1 with --strict when a gate is missed."""
    options = arguments(sys.argv[1:])
    # Each database is new and gone in a minute; nobody needs to keep its key.
    logging.getLogger("fleetd.store").setLevel(logging.ERROR)
    console = Console(width=None if sys.stdout.isatty() else 160)
    sizes = QUICK if options.quick else SIZES[options.sizes]
    report = uvloop.run(bench(chosen(options.goals), sizes, options, console))
    show(console, report)
    path = options.json or RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{sizes.name}.json"
    report.write(path)
    console.print(f"written: {path}")
    return 1 if options.strict and not report.met else 0


if __name__ == "__main__":
    sys.exit(main())
