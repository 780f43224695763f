"""What triggers made is looked at once more before it is wanted anywhere: does it lead where nobody should be led?"""

from __future__ import annotations

from dataclasses import replace

from fleetd.decide.addresses import allowed, hosts_of, refused, server_hosts
from fleetd.decide.definitions import Profile
from fleetd.decide.members import Member, credentials_of, kubeconfig_text
from fleetd.decide.plane.state import Plane
from fleetd.decide.wanted import NOTHING, Wanted, WantedAddon
from fleetd.domain.errors import GiveUp
from fleetd.domain.refs import ObjectRef


def note_servers(plane: Plane, cluster: str) -> None:
    """Learns the address of a member's API server, after the member or its credentials changed."""
    member = plane.members.get(cluster)
    now = _servers(plane, member) if member is not None and not member.local else frozenset()
    for host in plane.servers_of.pop(cluster, frozenset()) - now:
        plane.api_servers[host].discard(cluster)
        if not plane.api_servers[host]:
            del plane.api_servers[host]
    for host in now:
        plane.api_servers.setdefault(host, set()).add(cluster)
    if now:
        plane.servers_of[cluster] = now


def _servers(plane: Plane, member: Member) -> frozenset[str]:
    try:
        return server_hosts(kubeconfig_text(member, plane.contents.get(credentials_of(member).secret)))
    except GiveUp:
        return frozenset()


def screened(plane: Plane, profile: Profile, want: Wanted) -> Wanted:
    """What is wanted, without what leads to a forbidden address; the add-on carries the reason."""
    if not profile.trigger or not any(any(hosts_of(item)) for addon in want.addons for item, _ in addon.parsed.objects):
        return want
    return replace(want, addons=tuple(_screened(plane, profile, addon) for addon in want.addons))


def _screened(plane: Plane, profile: Profile, addon: WantedAddon) -> WantedAddon:
    content = plane.contents.get(ObjectRef(addon.source.kind, "", addon.source.namespace, addon.source.name))
    allow = allowed(profile.annotations, content["metadata"].get("annotations") if content is not None else None)
    for manifest, _ in addon.parsed.objects:
        problem = refused(manifest, plane.api_servers, allow)
        if problem:
            return replace(addon, parsed=NOTHING, digest="", problem=problem)
    return addon
