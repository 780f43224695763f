"""What monitors and clients ask first: the version, and whether the server lives."""

from __future__ import annotations

import orjson

from fleetd.kubeapi.exchange import Request, Response

TEXT = "text/plain; charset=utf-8"
VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "98b35193b2ac7a23a673325f5e9b830ecd5ba406",
    "gitTreeState": "clean",
    "buildDate": "2026-06-01T00:00:00Z",
    "goVersion": "go1.26.6",
    "compiler": "gc",
    "platform": "linux/amd64",
}
"""The release that this server answers like; clients choose their ways by it."""
CHECKS = ("ping", "storage", "watches")


def health(request: Request) -> Response | None:
    """The answer at a path that anybody may read; None where the path is another."""
    root, _, check = request.path.strip("/").partition("/")
    if root == "version" and not check:
        return Response(200, orjson.dumps(VERSION))
    if root not in ("healthz", "livez", "readyz"):
        return None
    if check:
        return Response(200, b"ok", TEXT) if check in CHECKS else Response(404, b"404 page not found\n", TEXT)
    if "verbose" not in request.query:
        return Response(200, b"ok", TEXT)
    excluded = request.query.get("exclude", ())
    lines = [f"[+]{name} excluded: ok" if name in excluded else f"[+]{name} ok" for name in CHECKS]
    return Response(200, "\n".join((*lines, f"{root} check passed\n")).encode(), TEXT)
