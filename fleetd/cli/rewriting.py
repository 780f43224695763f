"""Files that commands change: read as they are, and replaced in one step."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fleetd.domain.errors import InvalidInput
from fleetd.service.file_texts import raw_text_of


def raw_text(name: str) -> str:
    """A file's text with its own ends of lines.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        return raw_text_of(Path(name), name)
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}") from error


def replace_text(name: str, text: str) -> None:
    """Puts a text in the place of a file's; a link stays one, and the file keeps its mode.

    Raises:
        InvalidInput: it cannot be written.
    """
    path = Path(name).resolve()
    try:
        mode = path.stat().st_mode
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "it is not writable")
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8"))
            os.chmod(beside, mode & 0o7777)
            os.replace(beside, path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidInput(f"{name} cannot be written: {error.strerror}") from error
