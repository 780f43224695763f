"""Texts out of files, none larger than what may be read."""

from __future__ import annotations

from pathlib import Path

from fleetd.domain.yaml_reader import MAX_TEXT, UnreadableText

TESTS = (".test.yaml", ".test.yml", ".test.json")
"""How files end that hold tests of manifests: whoever reads a folder of manifests passes over them."""


def raw_text_of(path: Path, source: str) -> str:
    """A file's text with its own ends of lines; `source` is the name that errors carry. No more is read than may be.

    Raises:
        UnreadableText: it is too large, or no UTF-8 text.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        held = file.read(MAX_TEXT + 1)
    if len(held) > MAX_TEXT:
        raise UnreadableText(source, 1, 1, f"the file is larger than {MAX_TEXT // 2**20} MB")
    try:
        return held.decode("utf-8")
    except UnicodeDecodeError as error:
        if held.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableText(source, 1, 1, "the file is UTF-16: save it as UTF-8") from error
        line = held.count(b"\n", 0, error.start) + 1
        column = len(held[held.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", errors="replace")) + 1
        raise UnreadableText(
            source, line, column, f"the file is no UTF-8 text: the byte 0x{held[error.start]:02x} is none of it"
        ) from error


def text_of(path: Path, source: str) -> str:
    """As `raw_text_of`, without a mark of byte order, and every line ended by a line feed."""
    return raw_text_of(path, source).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
