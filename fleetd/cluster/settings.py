"""How long, how much and how often fleetd asks of one cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Limits of one cluster's connection. Times are seconds, sizes bytes.

    Attributes:
        connect_seconds: for the TCP and TLS handshake.
        request_seconds: for a whole answer, and for the head of a watch's.
        list_seconds: for one page of a list.
        silence_seconds: a watch without a whole line for so long is taken up anew; servers send bookmarks about each minute.
        watch_seconds: asked of the server as a watch's life; up to as much again is added by chance.
        page_size: objects asked for in one page of a list.
        answer_bytes: the largest answer that is read, unpacked.
        event_bytes: the longest line of a watch.
        buffer_bytes: what may lie unread of one connection before the sender is slowed down.
        backoff_base: the first wait after a failure; it doubles from there.
        backoff_cap: the longest wait.
        settled_seconds: a watch that lived so long, or brought a line, has forgotten the failures before it.
        discovery_seconds: the shortest time between two refreshes of what the cluster serves.
        token_file_seconds: how often a token's file is looked at.
        token_margin_seconds: how long before its end a token is renewed.
        exec_seconds: for an exec plugin.
        allowed_exec: the exec plugins that may run, each as its kubeconfig writes the command.
        allow_files: whether a kubeconfig may name files of this machine (the operator's own may, one from a Secret may not).
        allow_link_local: whether a server may have a link-local address, where clouds keep their metadata services.
        field_manager: the name that fleetd's fields carry.
    """

    connect_seconds: float = 10.0
    request_seconds: float = 30.0
    list_seconds: float = 60.0
    silence_seconds: float = 150.0
    watch_seconds: int = 300
    page_size: int = 500
    answer_bytes: int = 32 * 1024 * 1024
    event_bytes: int = 16 * 1024 * 1024
    buffer_bytes: int = 256 * 1024
    backoff_base: float = 0.5
    backoff_cap: float = 60.0
    settled_seconds: float = 5.0
    discovery_seconds: float = 5.0
    token_file_seconds: float = 60.0
    token_margin_seconds: float = 60.0
    exec_seconds: float = 20.0
    allowed_exec: frozenset[str] = frozenset()
    allow_files: bool = False
    allow_link_local: bool = False
    field_manager: str = "fleetd"
