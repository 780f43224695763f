"""The cells of tables: what stands in a row, made of an object's body."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Body = Mapping[str, Any]
Cell = Callable[[Body, datetime], Any]
NONE = "<none>"
SHORT_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
OPERATORS = {"In": "in", "NotIn": "notin"}
SHOWN_ENDPOINTS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `cell` reads an object's body. Those of a `priority` above 0 are shown on request only."""

    name: str
    type: str
    description: str
    cell: Cell
    format: str = ""
    priority: int = 0

    def definition(self) -> dict[str, Any]:
        told = {"name": self.name, "type": self.type, "format": self.format, "description": self.description}
        return {**told, "priority": self.priority}


def age(since: str, now: datetime) -> str:
    """The time since a moment (RFC 3339), as people read it."""
    try:
        made = datetime.fromisoformat(since)
    except ValueError:
        return "<invalid>"
    return span((now - (made if made.tzinfo else made.replace(tzinfo=UTC))).total_seconds())


def span(seconds: float) -> str:
    """A time as people read it: the smaller unit stays for as long as it says something."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    return _two(days // 365, "y", days % 365, "d") if days < 365 * 8 else f"{days // 365}y"


def _two(large: int, unit: str, small: int, smaller: str) -> str:
    return f"{large}{unit}{small}{smaller}" if small else f"{large}{unit}"


def found(body: Any, path: str) -> Any:
    """The value at a path of names and numbers, or None."""
    for step in path.split("."):
        if isinstance(body, Mapping):
            body = body.get(step)
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def at(path: str, default: Any = None) -> Cell:
    """The value at a path."""

    def cell(body: Body, _now: datetime) -> Any:
        value = found(body, path)
        return default if value is None else value

    return cell


def age_of(path: str, missing: str = "<unknown>") -> Cell:
    """The time since what stands at a path."""

    def cell(body: Body, now: datetime) -> str:
        value = found(body, path)
        return age(value, now) if isinstance(value, str) and value else missing

    return cell


def share(ready: str, whole: str) -> Cell:
    """Two numbers, as `1/2`."""
    return lambda body, _now: f"{found(body, ready) or 0}/{found(body, whole) or 0}"


def count(*keys: str) -> Cell:
    """How many entries there are under the keys."""
    return lambda body, _now: sum(len(body.get(key) or ()) for key in keys)


def joined(path: str, key: str = "", missing: str = NONE) -> Cell:
    """The items of a list, or what each has under a key."""
    return lambda body, _now: ",".join(str(one.get(key, "") if key else one) for one in found(body, path) or ()) or missing


def _of_containers(path: str, key: str) -> Cell:
    return lambda body, _now: ",".join(str(one.get(key, "")) for one in (found(body, path) or {}).get("containers") or ())


def containers(path: str) -> Cell:
    """The names of the containers of a pod's spec."""
    return _of_containers(path, "name")


def images(path: str) -> Cell:
    """The images of the containers of a pod's spec."""
    return _of_containers(path, "image")


def labels_of(path: str) -> Cell:
    """A map as a selector."""
    return lambda body, _now: ",".join(f"{key}={value}" for key, value in sorted((found(body, path) or {}).items())) or NONE


def selector(path: str) -> Cell:
    """A label selector in its short form."""

    def parts(said: Body) -> Iterator[str]:
        for key, value in sorted((said.get("matchLabels") or {}).items()):
            yield f"{key}={value}"
        for one in said.get("matchExpressions") or ():
            key, operator, values = one.get("key"), one.get("operator"), ",".join(sorted(one.get("values") or ()))
            match operator:
                case "Exists":
                    yield str(key)
                case "DoesNotExist":
                    yield f"!{key}"
                case _:
                    yield f"{key} {OPERATORS.get(str(operator), '')} ({values})"

    return lambda body, _now: ",".join(parts(found(body, path) or {})) or NONE


def phase(body: Body, _now: datetime) -> str:
    """The phase that it is in."""
    return (
        "Terminating"
        if body["metadata"].get("deletionTimestamp") and body["kind"] != "Namespace"
        else str(found(body, "status.phase") or "")
    )


def external(body: Body, _now: datetime) -> str:
    """A Service's addresses outside of the cluster."""
    spec = body["spec"]
    told = [str(one.get("ip") or one.get("hostname")) for one in found(body, "status.loadBalancer.ingress") or ()]
    told += list(spec.get("externalIPs") or ())
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    return ",".join(told) or ("<pending>" if spec.get("type") == "LoadBalancer" else NONE)


def ports(body: Body, _now: datetime) -> str:
    """A Service's ports, with those of the nodes."""
    told = ",".join(
        f"{port.get('port')}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in body["spec"].get("ports") or ()
    )
    return told or NONE


def job_status(body: Body, _now: datetime) -> str:
    """How a Job ended, or that it runs."""
    true = {one.get("type") for one in found(body, "status.conditions") or () if one.get("status") == "True"}
    ended = next((one for one in ("Complete", "Failed") if one in true), "")
    if ended or body["metadata"].get("deletionTimestamp"):
        return ended or "Terminating"
    return next((one for one in ("Suspended", "FailureTarget", "SuccessCriteriaMet") if one in true), "Running")


def completions(body: Body, _now: datetime) -> str:
    """How many have succeeded of how many."""
    done, spec = found(body, "status.succeeded") or 0, body["spec"]
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    many = spec.get("parallelism") or 0
    return f"{done}/1 of {many}" if many > 1 else f"{done}/1"


def duration(body: Body, now: datetime) -> str:
    """How long a Job took, or takes by now."""
    begun, ended = found(body, "status.startTime"), found(body, "status.completionTime")
    if not begun:
        return ""
    until = datetime.fromisoformat(ended) if ended else now
    return age(begun, until)


def access_modes(path: str) -> Cell:
    """Access modes in their short form."""
    return lambda body, _now: ",".join(short for mode, short in SHORT_MODES.items() if mode in (found(body, path) or ()))


def claim_of(body: Body, _now: datetime) -> str:
    """The claim of a volume."""
    reference = found(body, "spec.claimRef")
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else ""


def endpoints(body: Body, _now: datetime) -> str:
    """The first addresses with their ports."""
    told = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in body.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    return _shortened(told) if told else NONE


def _shortened(told: list[str]) -> str:
    more = len(told) - SHOWN_ENDPOINTS
    return ",".join(told[:SHOWN_ENDPOINTS]) + (f" + {more} more..." if more > 0 else "")


def slice_endpoints(body: Body, _now: datetime) -> str:
    """The first addresses of a slice."""
    told = [str(address) for endpoint in body.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    return _shortened(told) if told else "<unset>"


def slice_ports(body: Body, _now: datetime) -> str:
    """The ports of a slice."""
    told = [str(port.get("port", "*")) for port in body.get("ports") or ()]
    return _shortened(told) if told else "<unset>"


def hosts(body: Body, _now: datetime) -> str:
    """The first hosts of an Ingress."""
    told = [rule["host"] for rule in body["spec"].get("rules") or () if rule.get("host")]
    return _shortened(told) if told else "*"


def addresses(body: Body, _now: datetime) -> str:
    """An Ingress's addresses."""
    return ",".join(str(one.get("ip") or one.get("hostname")) for one in found(body, "status.loadBalancer.ingress") or ())


def parameters(body: Body, _now: datetime) -> str:
    """What an IngressClass is configured by."""
    said = found(body, "spec.parameters")
    if not said:
        return NONE
    return f"{said['kind']}{'.' + said['apiGroup'] if said.get('apiGroup') else ''}/{said.get('name', '')}"


def subjects(kind: str) -> Cell:
    """The subjects of a kind, a ServiceAccount with its namespace."""

    def cell(body: Body, _now: datetime) -> str:
        told = [one for one in body.get("subjects") or () if one.get("kind") == kind]
        return ", ".join(f"{one.get('namespace', '')}/{one['name']}" if kind == "ServiceAccount" else str(one["name"]) for one in told)

    return cell


def targets(body: Body, _now: datetime) -> str:
    """What an autoscaler keeps to, with what is measured, which is nothing here."""
    told = [_target(metric) for metric in body["spec"].get("metrics") or ()]
    return ", ".join(told[:2]) + (f" + {len(told) - 2} more..." if len(told) > 2 else "") if told else NONE


def _target(metric: Body) -> str:
    kind = str(metric.get("type", ""))
    source = found(metric, kind[:1].lower() + kind[1:]) or {}
    target = source.get("target") or {}
    average, value = target.get("averageValue"), target.get("value")
    if kind in ("Resource", "ContainerResource"):
        wanted = f"{target['averageUtilization']}%" if "averageUtilization" in target else str(average or "<auto>")
        return f"{source.get('name', '')}: <unknown>/{wanted}"
    return f"<unknown>/{average} (avg)" if average else f"<unknown>/{value or '<unknown>'}"


def certificate(body: Body, _now: datetime) -> str:
    """What has become of a request for a certificate."""
    said = {one.get("type") for one in found(body, "status.conditions") or ()}
    told = "Denied" if "Denied" in said else "Approved" if "Approved" in said else "Pending"
    issued = bool(found(body, "status.certificate"))
    return told + (",Failed" if "Failed" in said else "") + (",Issued" if issued else "")


def owner(body: Body, _now: datetime) -> str:
    """The controller of an object."""
    for one in body["metadata"].get("ownerReferences") or ():
        if one.get("controller"):
            group = str(one.get("apiVersion", "")).rpartition("/")[0]
            return f"{str(one.get('kind', '')).lower()}{'.' if group else ''}{group}/{one.get('name', '')}"
    return NONE


def node_status(body: Body, _now: datetime) -> str:
    """Whether a node is ready, and takes pods."""
    ready = next((one for one in found(body, "status.conditions") or () if one.get("type") == "Ready"), None)
    said = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{said},SchedulingDisabled" if found(body, "spec.unschedulable") else said


def node_roles(body: Body, _now: datetime) -> str:
    """The roles that a node's labels name."""
    prefix = "node-role.kubernetes.io/"
    return ",".join(sorted(key.removeprefix(prefix) for key in body["metadata"].get("labels") or {} if key.startswith(prefix))) or NONE


def applies_to(kind: str) -> Cell:
    """A node's address of a kind."""
    return lambda body, _now: next((str(one["address"]) for one in found(body, "status.addresses") or () if one.get("type") == kind), NONE)


def pairs(side: str) -> Cell:
    """What of a quota is used, and how much there is: its limits, or everything else."""

    def cell(body: Body, _now: datetime) -> str:
        hard, used = found(body, "status.hard") or {}, found(body, "status.used") or {}
        mine = [name for name in sorted(hard) if name.startswith("limits.") is (side == "limits")]
        return ", ".join(f"{name}: {used.get(name, 0)}/{hard[name]}" for name in mine)

    return cell
