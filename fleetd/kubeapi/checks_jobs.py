"""What the server refuses of Jobs and CronJobs."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.kubeapi.checks_pods import template_causes
from fleetd.kubeapi.defaults_pods import struct
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    immutable_value,
    in_json,
    not_negative,
    required,
    unsupported,
    wrong,
    wrong_value,
)
from fleetd.kubeapi.rules_selectors import immutable_selector, selector_causes, shown_selector, unmatched
from fleetd.kubeapi.schedules import schedule_fault
from fleetd.kubeapi.selectors import selects

Body = Mapping[str, Any]
COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
OF_INDEXED = "requires indexed completion mode"
REPLACEMENTS = ("Failed", "TerminatingOrFailed")
MOST_INDEXED = 100_000
NO_ZONE = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"


def job_spec(path: str, spec: Body) -> Iterator[Cause]:
    """The spec of a Job, or of the Jobs of a CronJob."""
    for key in COUNTS:
        yield from not_negative(f"{path}.{key}", spec.get(key))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    yield from _mode(path, spec)
    policy = spec.get("podReplacementPolicy", REPLACEMENTS[1])
    if policy not in REPLACEMENTS:
        yield unsupported(f"{path}.podReplacementPolicy", policy, REPLACEMENTS)
    elif spec.get("podFailurePolicy") is not None and policy != "Failed":
        yield unsupported(f"{path}.podReplacementPolicy", policy, ("Failed",))
    template = struct(dict(spec), "template")
    yield from template_causes(f"{path}.template", template)
    restart = struct(template, "spec").get("restartPolicy", "Always")
    if restart == "Always":
        yield required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')
    elif restart not in ("OnFailure", "Never"):
        yield unsupported(f"{path}.template.spec.restartPolicy", restart, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and restart != "Never":
        yield wrong_value(f"{path}.template.spec.restartPolicy", restart, 'only "Never" is supported when podFailurePolicy is specified')


def _mode(path: str, spec: Body) -> Iterator[Cause]:
    mode, parallel = spec.get("completionMode", "NonIndexed"), spec.get("parallelism")
    if mode not in ("NonIndexed", "Indexed"):
        yield unsupported(f"{path}.completionMode", mode, ("NonIndexed", "Indexed"))
    if mode == "Indexed":
        if spec.get("completions") is None:
            yield required(f"{path}.completions", "when completion mode is Indexed")
        if isinstance(parallel, int) and parallel > MOST_INDEXED:
            why = f"must be less than or equal to {MOST_INDEXED} when completion mode is Indexed"
            yield wrong(f"{path}.parallelism", str(parallel), why)
    elif mode == "NonIndexed":
        for key in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(key) is not None:
                yield wrong(f"{path}.{key}", in_json(spec[key]), OF_INDEXED)
    if spec.get("successPolicy") is not None and mode != "Indexed":
        rules = [
            {"SucceededIndexes": one.get("succeededIndexes"), "SucceededCount": one.get("succeededCount")}
            for one in spec["successPolicy"].get("rules") or ()
        ]
        yield wrong(f"{path}.successPolicy", in_json({"Rules": rules}, keeps_order=True), OF_INDEXED)


def job(body: Body, live: Body | None) -> Iterator[Cause]:
    """Jobs: what they run is for good."""
    spec, metadata = body["spec"], body["metadata"]
    selector = spec.get("selector")
    if selector is not None and not spec.get("manualSelector"):
        mine = {"controller-uid": metadata.get("uid"), "job-name": metadata.get("name")}
        expected = {f"{prefix}{key}": str(value) for prefix in ("batch.kubernetes.io/", "") for key, value in mine.items()}
        if not selects(selector, expected):
            yield wrong("spec.selector", shown_selector(selector), "`selector` not auto-generated")
    yield from job_spec("spec", spec)
    if selector is None:
        yield required("spec.selector")
    else:
        yield from selector_causes("spec.selector", selector)
    yield from unmatched("spec", selector, struct(dict(spec), "template"))
    if live is not None:
        yield from _for_good(spec, live["spec"])


def _for_good(spec: Body, before: Body) -> Iterator[Cause]:
    completions = spec.get("completions")
    if completions != before.get("completions"):
        if spec.get("completionMode") != "Indexed":
            yield immutable_value("spec.completions", completions)
        elif completions != spec.get("parallelism"):
            why = "can only be modified in tandem with spec.parallelism"
            yield wrong("spec.completions", in_json(completions), why)
    if spec.get("selector") != before.get("selector"):
        yield immutable_selector("spec.selector", spec.get("selector"))
    if spec.get("template") != before.get("template") and not before.get("suspend"):
        yield immutable_value("spec.template", spec.get("template"))
    for key in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        if spec.get(key) != before.get(key):
            yield immutable_value(f"spec.{key}", spec.get(key))


def cron_job(body: Body, live: Body | None) -> Iterator[Cause]:
    """CronJobs."""
    spec, name = body["spec"], body["metadata"].get("name", "")
    schedule, before = spec.get("schedule", ""), live["spec"] if live else {}
    if not schedule:
        yield required("spec.schedule")
    else:
        yield from _schedule(schedule, spec.get("timeZone"), known="TZ" in before.get("schedule", ""))
    yield from not_negative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    if spec.get("timeZone") is not None and spec["timeZone"] != before.get("timeZone"):
        yield from _time_zone(spec["timeZone"])
    policies = ("Allow", "Forbid", "Replace")
    if spec.get("concurrencyPolicy") not in policies:
        yield unsupported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), policies)
    jobs = struct(struct(dict(spec), "jobTemplate"), "spec")
    yield from job_spec("spec.jobTemplate.spec", jobs)
    if jobs.get("selector") is not None:
        yield wrong("spec.jobTemplate.spec.selector", shown_selector(jobs["selector"]), "`selector` will be auto-generated")
    if jobs.get("manualSelector"):
        yield unsupported("spec.jobTemplate.spec.manualSelector", jobs["manualSelector"], ("nil", "false"))
    for key in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        yield from not_negative(f"spec.{key}", spec.get(key))
    if live is None and len(name) > 52:
        yield wrong_value("metadata.name", name, "must be no more than 52 characters")


def _schedule(schedule: str, zone: Any, *, known: bool) -> Iterator[Cause]:
    fault = schedule_fault(schedule)
    if fault:
        yield wrong_value("spec.schedule", schedule, fault)
    if "TZ" not in schedule:
        return
    if not known:
        yield wrong_value("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
    elif zone is not None:
        yield wrong_value("spec.schedule", schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule")


def _time_zone(name: str) -> Iterator[Cause]:
    here = "spec.timeZone"
    if not name:
        yield wrong_value(here, name, "timeZone must be nil or non-empty string")
    elif name.lower() == "local":
        yield wrong_value(here, name, NO_ZONE)
    else:
        try:
            zoneinfo.ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            yield wrong_value(here, name, f"unknown time zone {name}")
