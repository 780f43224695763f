"""Envelope encryption: each row has a data key of its own, wrapped by the master key.

A sealed value is `version (1) · master key id (8) · nonce (12) · wrapped data key (48) · nonce (12) · ciphertext`, AES-256-GCM
both times, with table and row id as associated data, so that no row can stand in for another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fleetd.domain.errors import GiveUp, InvalidInput

_VERSION = b"\x01"
_WRAPPED = 48


@dataclass(frozen=True)
class MasterKey:
    """Thirty-two bytes that all sealed rows of a database depend on. It is in no backup."""

    key: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> MasterKey:
        return cls(secrets.token_bytes(32))

    @classmethod
    def from_text(cls, text: str) -> MasterKey:
        """Reads what `to_text` writes: base64 of 32 bytes.

        Raises:
            InvalidInput: it is something else.
        """
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            raise InvalidInput("the master key must be 32 bytes in base64; make one with: head -c 32 /dev/urandom | base64")
        return cls(key)

    @classmethod
    def from_file(cls, path: Path) -> MasterKey:
        """Reads a key file.

        Raises:
            InvalidInput: it cannot be read, or holds no key.
        """
        try:
            return cls.from_text(path.read_text("ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"the key file {path} cannot be read: {error}") from error

    def to_text(self) -> str:
        return base64.b64encode(self.key).decode("ascii")

    @property
    def key_id(self) -> bytes:
        return hashlib.blake2b(self.key, digest_size=8, person=b"fleetd-key-id").digest()

    def digest(self, content: bytes) -> str:
        """A digest that says nothing to who has not the key, so that a guessed secret cannot be confirmed."""
        return "k" + hashlib.blake2b(content, digest_size=16, key=self.key, person=b"fleetd-content").hexdigest()

    def seal(self, content: bytes, *, table: str, row: str) -> bytes:
        """Encrypts for one row of one table."""
        bound = f"{table}\x00{row}".encode()
        data_key = secrets.token_bytes(32)
        outer, inner = secrets.token_bytes(12), secrets.token_bytes(12)
        wrapped = AESGCM(self.key).encrypt(outer, data_key, bound)
        return _VERSION + self.key_id + outer + wrapped + inner + AESGCM(data_key).encrypt(inner, content, bound)

    def unseal(self, sealed: bytes, *, table: str, row: str) -> bytes:
        """The opposite of `seal`.

        Raises:
            GiveUp: it was sealed under another key, for another row, or is damaged.
        """
        bound = f"{table}\x00{row}".encode()
        if sealed[:1] != _VERSION or sealed[1:9] != self.key_id:
            raise GiveUp(f"a secret in {table} was encrypted under another master key: give the key file that belongs to this database")
        wrapped, rest = sealed[21 : 21 + _WRAPPED], sealed[21 + _WRAPPED :]
        try:
            data_key = AESGCM(self.key).decrypt(sealed[9:21], wrapped, bound)
            return AESGCM(data_key).decrypt(rest[:12], rest[12:], bound)
        except InvalidTag as error:
            raise GiveUp(f"a secret in {table} is damaged or belongs to another row") from error


def key_beside(database: Path) -> tuple[MasterKey, Path, bool]:
    """The key file beside a SQLite database, made (mode 0600) when there is none; the last value says whether it was made.

    Raises:
        InvalidInput: it cannot be read, or made.
    """
    path = database.with_name(database.name + ".key")
    try:
        path.lstat()
    except FileNotFoundError:
        key = MasterKey.generate()
        if _made_whole(path, key.to_text() + "\n"):
            return key, path, True
    except OSError:
        pass  # reading it says what is wrong
    return MasterKey.from_file(path), path, False


def _made_whole(path: Path, text: str) -> bool:
    """Makes a file with this text, or none at all, whatever ends this process; False when somebody else made it first."""
    begun = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(begun, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise InvalidInput(f"the key file {path} cannot be made: {error.strerror}") from error
    finally:
        begun.unlink(missing_ok=True)
    return True
