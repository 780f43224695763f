"""TLS contexts from keys in memory."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fleetd.domain.errors import InvalidInput

READ_AHEAD = 16 * 1024


def client_context(*, ca: bytes, certificate: bytes, key: bytes, verify: bool) -> ssl.SSLContext:
    """A context for one server. With a CA given, only that one is trusted and the system's store is never read.

    Loading the system's store costs 34 ms and 0.8 MB for each cluster, hence only where nothing else is known.

    Raises:
        InvalidInput: the PEM cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif ca:
            context.load_verify_locations(cadata=ca.decode("ascii", "ignore"))
        else:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    except ssl.SSLError:
        raise InvalidInput("the kubeconfig's certificate authority cannot be read as PEM certificates") from None
    if certificate:
        load_pair(context, certificate, key)
    return context


def load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Makes connections from now on show this certificate. Raises `InvalidInput`."""
    try:
        with memory_file(certificate) as certificate_path, memory_file(key) as key_path:
            context.load_cert_chain(certificate_path, key_path, password=_no_password)
    except (ssl.SSLError, ValueError):
        raise InvalidInput(
            "the client certificate and its key do not fit together, or cannot be read (keys may not have a password)"
        ) from None


@contextmanager
def memory_file(content: bytes) -> Iterator[str]:
    """A path that yields these bytes once, though no disk ever sees them: OpenSSL loads keys from paths only."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("key", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with _pipe(content) as path:
        yield path


@contextmanager
def _pipe(content: bytes) -> Iterator[str]:
    reading, writing = os.pipe()
    # A pipe holds less than a long chain: somebody else must be writing while OpenSSL reads.
    writer = threading.Thread(target=_pour, args=(writing, content), daemon=True)
    writer.start()
    try:
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)
        writer.join()


def _pour(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb", closefd=True) as pipe:
        try:
            pipe.write(content)
            pipe.flush()
        except BrokenPipeError:
            return


def _no_password() -> str:
    raise ValueError("the key has a password")


def slim_buffers() -> None:
    """Makes asyncio's TLS keep 16 KB of read-ahead a connection in place of 256 KB; uvloop keeps little anyway.

    A thousand clusters with ten watches each would otherwise hold 2.5 GB of empty buffers.
    """
    if not type(asyncio.get_running_loop()).__module__.startswith("uvloop"):
        protocol: Any = asyncio.sslproto.SSLProtocol
        protocol.max_size = min(protocol.max_size, READ_AHEAD)
