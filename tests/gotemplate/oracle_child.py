"""Renders templates with Helm's Go engine: a line of JSON with a list of cases in, a line with a list of [rendered, text or error] out.

A case is a template, or a pair of a template and its data, written as an expression of a template.
"""

from __future__ import annotations

import io
import json
import sys
import tarfile

import helm_python


def chart(files: dict[str, str]) -> bytes:
    """A chart of these templates, packed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, text in {"x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n", **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def rendered(case: str | list[str]) -> tuple[bool, str]:
    if isinstance(case, str):
        files = {"x/templates/t.txt": case}
    else:
        text, data = case
        files = {"x/templates/_case.tpl": text, "x/templates/t.txt": f'{{{{ template "x/templates/_case.tpl" {data} }}}}'}
    try:
        return True, helm_python.Chart.load_archive(chart(files)).render({})["x/templates/t.txt"]
    except helm_python.errors.HelmError as error:
        return False, str(error)


for line in sys.stdin:
    json.dump([rendered(case) for case in json.loads(line)], sys.stdout)
    sys.stdout.write("\n")
    sys.stdout.flush()
