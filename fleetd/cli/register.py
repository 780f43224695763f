"""`fleetd cluster register` and `fleetd cluster update-credentials`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from cyclopts import Parameter

from fleetd.cli.checkup import Way, account_kubeconfig, checked
from fleetd.cli.naming import shown
from fleetd.cli.options import DatabaseOption, NamespaceOption
from fleetd.cli.output import say, write_line
from fleetd.cli.places import writing
from fleetd.cluster.kubeconfig import read_kubeconfig
from fleetd.cluster.registration import contexts, loopback, self_contained
from fleetd.domain.errors import InvalidInput, NotFound
from fleetd.service.admission import Admission
from fleetd.service.membership import join, kubeconfig_ref, member_ref
from fleetd.service.selectors import labels_of
from fleetd.store.database import Database

ACCOUNT_DAYS = 90

KubeconfigOption = Annotated[Path, Parameter(help="The operator's kubeconfig; it is used once, and stays where it is.")]
ContextOption = Annotated[str, Parameter(help="The context of the kubeconfig; the current one without it.")]
AccountOption = Annotated[
    bool,
    Parameter(
        negative="",
        help="Make a ServiceAccount with a role that is shown, and register its token instead of the operator's own credentials.",
    ),
]
TokenOption = Annotated[int, Parameter(name="--token-days", help="How long the ServiceAccount's token is asked to live.")]
ExecOption = Annotated[
    Sequence[str],
    Parameter(name="--allow-exec", negative="", metavar="CMD", help="An exec plugin that may stay in it; the daemon needs the same leave."),
]
SkipOption = Annotated[bool, Parameter(negative="", help="Do not speak to the cluster: register it unseen.")]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the kubeconfig is to be made."""

    allowed_exec: frozenset[str]
    account_seconds: int | None
    skip_check: bool


def register(
    name: str = "",
    /,
    *,
    kubeconfig: KubeconfigOption,
    context: ContextOption = "",
    all_contexts: Annotated[bool, Parameter(negative="")] = False,
    namespace: NamespaceOption = "default",
    labels: str = "",
    create_service_account: AccountOption = False,
    token_days: TokenOption = ACCOUNT_DAYS,
    allow_exec: ExecOption = (),
    skip_check: SkipOption = False,
    database: DatabaseOption = None,
) -> None:
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
        Register a member for each context, named after it.
    labels:
        Labels of the member: key=value,key=value.
    """
    config = _read(kubeconfig)
    chosen = _chosen(config, name, context, all_contexts=all_contexts)
    wishes = Wishes(frozenset(allow_exec), token_days * 86400 if create_service_account else None, skip_check)
    asyncio.run(_register(config, kubeconfig.parent, chosen, namespace, labels_of(labels), wishes, database))


def update_credentials(
    name: str,
    /,
    *,
    kubeconfig: KubeconfigOption,
    context: ContextOption = "",
    namespace: NamespaceOption = "default",
    create_service_account: AccountOption = False,
    token_days: TokenOption = ACCOUNT_DAYS,
    allow_exec: ExecOption = (),
    skip_check: SkipOption = False,
    database: DatabaseOption = None,
) -> None:
    """Give a member's new kubeconfig; it must lead to the cluster that the member was before.

    Examples:

        fleetd cluster update-credentials eu-1 --kubeconfig new.yaml
        fleetd cluster update-credentials eu-1 --kubeconfig admin.yaml --create-service-account

    Parameters
    ----------
    name:
        The member.
    """
    config = _read(kubeconfig)
    wishes = Wishes(frozenset(allow_exec), token_days * 86400 if create_service_account else None, skip_check)
    chosen = _chosen(config, name, context, all_contexts=False)
    asyncio.run(_register(config, kubeconfig.parent, chosen, namespace, {}, wishes, database, known_only=True))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        value = yaml.safe_load(path.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"the kubeconfig {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        # No `from`: the parser's sentence repeats lines of the file, where credentials stand.
        raise InvalidInput(f"the kubeconfig {path} is no YAML") from None
    if not isinstance(value, dict):
        raise InvalidInput(f"the kubeconfig {path} is no map")
    return value


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
    config: Mapping[str, Any],
    folder: Path,
    chosen: Mapping[str, str],
    namespace: str,
    labels: Mapping[str, str],
    wishes: Wishes,
    database: str | None,
    *,
    known_only: bool = False,
) -> None:
    async with writing(database) as opened:
        for name, context in chosen.items():
            live = await opened.declared.get(member_ref(name, namespace))
            if live is None and known_only:
                raise NotFound(f"there is no member {namespace}/{name}: fleetd cluster register makes one")
            text = await _credentials(config, folder, context, Way(name, namespace, opened.url), wishes)
            # Labels that are there already stay: registering again must not move what labels selected.
            kept = (live.manifest["metadata"].get("labels") or {}) if live else {}
            await _join(opened, name, namespace, {**kept, **labels}, text)


async def _join(database: Database, name: str, namespace: str, labels: Mapping[str, str], text: str) -> None:
    admission = Admission(database)
    credentials = kubeconfig_ref(name, namespace)
    before = await database.declared.get(credentials)
    done = await join(admission, name, namespace, labels, text, now=datetime.now(UTC))
    after = await database.declared.get(credentials)
    write_line(f"{shown(done.ref)} {done.done}")
    if before is not None and after is not None:
        same = before.manifest.get("data") == after.manifest.get("data")
        say(f"{namespace}/{name}: {'the same' if same else 'new'} credentials")


async def _credentials(config: Mapping[str, Any], folder: Path, context: str, way: Way, wishes: Wishes) -> str:
    """A kubeconfig that stands by itself, tried on the cluster unless that is not wanted."""
    access = read_kubeconfig(config, context, allow_files=True)
    if loopback(access.server):
        say(f"warning: {access.server} is this machine's own address: only a daemon that runs here can reach it")
    if not access.verify:
        say(f"warning: the kubeconfig does not verify who {access.server} is (insecure-skip-tls-verify)")

    def content(path: str) -> bytes:
        return (folder / path).expanduser().read_bytes()

    if wishes.account_seconds is not None:
        plugin = frozenset({access.plugin.command}) if access.plugin else frozenset[str]()
        own = self_contained(config, context, read_file=content, allowed_exec=plugin)
        portable, expires = await account_kubeconfig(own, way, wishes.account_seconds, plugin)
        say(
            f"{way.cluster}: its token ends at {expires}; before that: fleetd cluster update-credentials {way.name} --create-service-account"
        )
        _warn_of_a_short_life(expires, wishes.account_seconds)
    else:
        portable = self_contained(config, context, read_file=content, allowed_exec=wishes.allowed_exec)
    if not wishes.skip_check:
        await checked(portable, way, wishes.allowed_exec)
    return yaml.safe_dump(portable, sort_keys=False)


def _warn_of_a_short_life(expires: str, asked: int) -> None:
    try:
        left = datetime.fromisoformat(expires) - datetime.now(UTC)
    except ValueError:
        return
    if left < timedelta(seconds=asked) * 0.9:
        say("warning: the cluster granted a shorter life than was asked for")
