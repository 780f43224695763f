"""Renders templates with Helm's Go engine: a JSON list of texts in, a JSON list of [rendered, text or error] out."""

from __future__ import annotations

import io
import json
import sys
import tarfile

import helm_python


def chart(template: str) -> bytes:
    """A chart of one template, packed."""
    packed = io.BytesIO()
    files = {"x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n", "x/templates/t.txt": template}
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def rendered(template: str) -> tuple[bool, str]:
    try:
        return True, helm_python.Chart.load_archive(chart(template)).render({})["x/templates/t.txt"]
    except helm_python.errors.HelmError as error:
        return False, str(error)


json.dump([rendered(template) for template in json.load(sys.stdin)], sys.stdout)
