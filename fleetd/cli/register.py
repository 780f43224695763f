"""`fleetd cluster register` and `fleetd cluster update-credentials`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from cyclopts import Parameter

from fleetd.cli.checkup import Way, account_kubeconfig, checked
from fleetd.cli.naming import shown
from fleetd.cli.options import DatabaseOption, NamespaceOption
from fleetd.cli.output import say, write_line
from fleetd.cli.places import writing
from fleetd.cluster.kubeconfig import ExecPlugin, read_kubeconfig
from fleetd.cluster.registration import contexts, loopback, self_contained
from fleetd.domain.errors import FleetdError, InvalidInput, NotFound
from fleetd.domain.yaml_reader import UnreadableText, read_one
from fleetd.service.admission import Admission
from fleetd.service.membership import TokenLife, join, kubeconfig_ref, member_ref
from fleetd.service.selectors import labels_of
from fleetd.store.database import Database

DAY = 86400


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Where the member's credentials come from, and what is made of them."""

    kubeconfig: Annotated[Path, Parameter(help="The operator's kubeconfig; it is used once, and stays where it is.")]
    context: Annotated[str, Parameter(help="The context of the kubeconfig; the current one without it.")] = ""
    create_service_account: Annotated[
        bool,
        Parameter(
            negative="", help="Make a ServiceAccount with a role that is shown, and keep its token instead of the operator's credentials."
        ),
    ] = False
    token_days: Annotated[int, Parameter(help="How long the ServiceAccount's token is asked to live.")] = 90
    allow_exec: Annotated[
        Sequence[str],
        Parameter(negative="", metavar="CMD", help="An exec plugin that may stay in it; `fleetd run` needs the same leave."),
    ] = ()
    skip_check: Annotated[bool, Parameter(negative="", help="Do not speak to the cluster: register it unseen.")] = False


def register(
    name: str = "",
    /,
    *,
    credentials: Credentials,
    all_contexts: Annotated[bool, Parameter(negative="")] = False,
    namespace: NamespaceOption = "default",
    labels: str = "",
    database: DatabaseOption = None,
) -> int:
    """Make a cluster a member of the fleet: check that it can be reached and who it is, and declare it with its credentials.

    Files that the kubeconfig names are put into it; nothing is installed on the cluster, except for --create-service-account.
    Registering again gives new credentials and adds labels.

    Examples:

        fleetd cluster register eu-1 --kubeconfig ~/.kube/config --context eu --labels env=prod,region=eu
        fleetd cluster register eu-1 --kubeconfig admin.yaml --create-service-account
        fleetd cluster register --kubeconfig merged.yaml --all-contexts --labels env=test

    Parameters
    ----------
    name:
        The member's name; with --all-contexts it is put before the contexts' names.
    all_contexts:
        Register a member for each context, named after it; one that fails does not hinder the others.
    labels:
        Labels of the member: key=value,key=value.
    """
    source = _read(credentials)
    chosen = _chosen(source.config, name, credentials.context, all_contexts=all_contexts)
    return asyncio.run(_register(source, chosen, namespace, labels_of(labels), database))


def update_credentials(
    name: str, /, *, credentials: Credentials, namespace: NamespaceOption = "default", database: DatabaseOption = None
) -> int:
    """Give a member's new kubeconfig; it must lead to the cluster that the member was before.

    Examples:

        fleetd cluster update-credentials eu-1 --kubeconfig new.yaml
        fleetd cluster update-credentials eu-1 --kubeconfig admin.yaml --create-service-account

    Parameters
    ----------
    name:
        The member.
    """
    source = _read(credentials)
    chosen = _chosen(source.config, name, credentials.context, all_contexts=False)
    return asyncio.run(_register(source, chosen, namespace, {}, database, known_only=True))


@dataclass(frozen=True, slots=True)
class Source:
    """A kubeconfig as it was read, and what is to be made of it."""

    config: Mapping[str, Any] = field(repr=False)
    wishes: Credentials

    def content(self, path: str) -> bytes:
        """A file that it names, from its own folder on."""
        return (self.wishes.kubeconfig.expanduser().parent / path).expanduser().read_bytes()


def _read(wishes: Credentials) -> Source:
    path = wishes.kubeconfig
    try:
        value = read_one(path.expanduser().read_text(encoding="utf-8"), source=str(path))
    except OSError as error:
        raise InvalidInput(f"the kubeconfig {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InvalidInput(f"the kubeconfig {path} is no YAML") from None
    except UnreadableText as error:
        # No `from`, and no sentence of the parser's: it may repeat a part of the file, where credentials stand.
        raise InvalidInput(f"the kubeconfig {path} is no YAML that can be taken: look at line {error.line}") from None
    if not isinstance(value, dict):
        raise InvalidInput(f"the kubeconfig {path} is no map")
    return Source(value, wishes)


def _chosen(config: Mapping[str, Any], name: str, context: str, *, all_contexts: bool) -> dict[str, str]:
    """The members' names, each with its context.

    Raises:
        InvalidInput: nothing is named, or two contexts would get one name.
    """
    if not all_contexts:
        if not name:
            raise InvalidInput("name the cluster: fleetd cluster register NAME --kubeconfig …, or --all-contexts")
        return {name: context or str(config.get("current-context") or "")}
    if context:
        raise InvalidInput("--context and --all-contexts exclude each other")
    found = contexts(config)
    if not found:
        raise InvalidInput("the kubeconfig has no contexts")
    named = {member_name(f"{name}-{one}" if name else one): one for one in found}
    if len(named) < len(found):
        raise InvalidInput(f"two contexts would get the same name: {', '.join(found)}; register them one by one")
    return named


def member_name(context: str) -> str:
    """An object name like the context: `arn:aws:eks:eu:1:cluster/Shop` → `arn-aws-eks-eu-1-cluster-shop`."""
    return re.sub(r"[^a-z0-9.]+", "-", context.lower()).strip("-.")[:253]


async def _register(
    source: Source, chosen: Mapping[str, str], namespace: str, labels: Mapping[str, str], database: str | None, *, known_only: bool = False
) -> int:
    """Registers one after the other; the exit code is that of the gravest failure."""
    worst = 0
    async with writing(database, new=not known_only) as opened:
        for name, context in chosen.items():
            try:
                await _register_one(opened, source, context, Way(name, namespace, opened.url), labels, known_only=known_only)
            except FleetdError as error:
                say(f"fleetd: {error}")
                worst = max(worst, error.exit_code)
    return worst


async def _register_one(database: Database, source: Source, context: str, way: Way, labels: Mapping[str, str], *, known_only: bool) -> None:
    live = await database.declared.get(member_ref(way.name, way.namespace))
    if live is None and known_only:
        raise NotFound(f"there is no member {way.cluster}: fleetd cluster register makes one")
    text, token = await _credentials(source, context, way)
    # Labels that are there already stay: registering again must not move what labels selected.
    kept = (live.manifest["metadata"].get("labels") or {}) if live else {}
    await _join(database, way.name, way.namespace, {**kept, **labels}, text, token)


async def _join(database: Database, name: str, namespace: str, labels: Mapping[str, str], text: str, token: TokenLife | None) -> None:
    admission = Admission(database)
    credentials = kubeconfig_ref(name, namespace)
    before = await database.declared.get(credentials)
    done = await join(admission, name, namespace, labels, text, now=datetime.now(UTC), token=token)
    after = await database.declared.get(credentials)
    write_line(f"{shown(done.ref)} {done.done}")
    if before is not None and after is not None:
        same = before.manifest.get("data") == after.manifest.get("data")
        say(f"{namespace}/{name}: {'the same' if same else 'new'} credentials")


async def _credentials(source: Source, context: str, way: Way) -> tuple[str, TokenLife | None]:
    """A kubeconfig that stands by itself, tried on the cluster unless that is not wanted; and its token's life, if it is ours to renew."""
    access = read_kubeconfig(source.config, context, allow_files=True)
    if loopback(access.server):
        say(f"warning: {access.server} is this machine's own address: only a daemon that runs here can reach it")
    if not access.verify:
        say(f"warning: the kubeconfig does not verify who {access.server} is (insecure-skip-tls-verify)")
    allowed = frozenset(source.wishes.allow_exec)
    token = None
    if source.wishes.create_service_account:
        portable, token = await _of_account(source, context, way, access.plugin)
    else:
        portable = self_contained(source.config, context, read_file=source.content, allowed_exec=allowed)
    if not source.wishes.skip_check:
        await checked(portable, way, allowed)
    return yaml.safe_dump(portable, sort_keys=False), token


async def _of_account(source: Source, context: str, way: Way, plugin: ExecPlugin | None) -> tuple[dict[str, Any], TokenLife]:
    # The operator's own plugin runs here, once, as kubectl would run it; it is not kept.
    allowed = frozenset({plugin.command}) if plugin else frozenset[str]()
    own = self_contained(source.config, context, read_file=source.content, allowed_exec=allowed)
    seconds = source.wishes.token_days * DAY
    portable, expires = await account_kubeconfig(own, way, seconds, allowed)
    say(f"{way.cluster}: its token ends at {expires}; the daemon renews it before that")
    return portable, TokenLife(expires, seconds)
