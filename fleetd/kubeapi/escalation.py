"""Nobody gives away rights that they do not have: roles and bindings, looked at before they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from fleetd.kubeapi.admission import Asked, Operation
from fleetd.kubeapi.bootstrap import GROUP
from fleetd.kubeapi.rbac import RoleBasedAccess, allows
from fleetd.kubeapi.refusals import forbidden
from fleetd.kubeapi.rights import Rule, Wish, is_master

PARTS = (
    ("APIGroups", "apiGroups"),
    ("Resources", "resources"),
    ("ResourceNames", "resourceNames"),
    ("NonResourceURLs", "nonResourceURLs"),
    ("Verbs", "verbs"),
)


@dataclass(frozen=True, slots=True)
class NoEscalation:
    """A step of admission. Who may `escalate` (roles) or `bind` (bindings) is not asked."""

    access: RoleBasedAccess

    async def admit(self, asked: Asked) -> dict[str, Any] | None:
        """Raises ApiRefusal (403)."""
        kind, after = asked.kind, asked.after
        if kind.group != GROUP or after is None or asked.operation is Operation.DELETE or is_master(asked.user):
            return after
        binding = kind.plural in ("rolebindings", "clusterrolebindings")
        name = str(after["roleRef"].get("name")) if binding else asked.name
        of = f"{str(after['roleRef'].get('kind', '')).lower()}s" if binding else kind.plural
        wish = Wish(asked.user, "bind" if binding else "escalate", GROUP, of, asked.namespace, name)
        if self.access.why(wish) is not None:
            return after
        rules = self.access.role_rules(after["roleRef"], asked.namespace) if binding else after.get("rules") or ()
        held = self.access.rules(asked.user, asked.namespace)
        missing = [one for rule in rules for one in single_rules(rule) if not any(allows(mine, _as_wish(asked, one)) for mine in held)]
        if missing:
            groups = " ".join(f'"{group}"' for group in asked.user.groups)
            why = f'user "{asked.user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:'
            raise forbidden(kind, asked.name, "\n".join((why, *map(_shown, missing))))
        return after


def single_rules(rule: Rule) -> Iterator[Rule]:
    """A rule as rules with one verb and one resource or path each."""
    for verb, path in product(rule.get("verbs") or (), rule.get("nonResourceURLs") or ()):
        yield {"verbs": [verb], "nonResourceURLs": [path]}
    names = rule.get("resourceNames") or ("",)
    for group, resource, name, verb in product(rule.get("apiGroups") or (), rule.get("resources") or (), names, rule.get("verbs") or ()):
        yield {"apiGroups": [group], "resources": [resource], **({"resourceNames": [name]} if name else {}), "verbs": [verb]}


def _as_wish(asked: Asked, rule: Mapping[str, Any]) -> Wish:
    def first(key: str) -> str:
        return next(iter(rule.get(key) or ()), "")

    return Wish(
        asked.user,
        first("verbs"),
        first("apiGroups"),
        first("resources"),
        asked.namespace,
        first("resourceNames"),
        first("nonResourceURLs"),
    )


def _shown(rule: Rule) -> str:
    said = [f"{title}:[{', '.join(chr(34) + one + chr(34) for one in rule[key])}]" for title, key in PARTS if rule.get(key)]
    return "{" + ", ".join(said) + "}"
