"""What is wrong with a manifest, where it stands, and how it is mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from fleetd.domain.errors import in_short


class Severity(StrEnum):
    """An error stops the object from being taken; a warning does not; information is only told to who asks for it."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake. `line` and `column` are 1-based, 0 where the place is not known; `fix` is empty where none is safe to name."""

    file: str
    line: int
    column: int
    code: str
    severity: Severity
    message: str
    fix: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", in_short(self.message))

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.message}" + (f" ({self.fix})" if self.fix else "")


@dataclass(frozen=True, slots=True)
class CodeSpec:
    """What a code stands for; codes are never given away twice."""

    title: str
    explanation: str
    severity: Severity = Severity.ERROR


_TABLE: dict[str, CodeSpec] = {
    "FD001": CodeSpec("Unreadable YAML", "The text is not YAML as kubectl reads it; nothing of the file was taken."),
    "FD002": CodeSpec("No manifest", "A document is no mapping with apiVersion, kind and metadata.name."),
    "FD003": CodeSpec("Unknown kind", "The apiVersion and kind name nothing that fleetd takes; mostly a spelling mistake."),
    "FD004": CodeSpec("Removed version", "v1alpha1 was removed from Sveltos; the objects are written in v1beta1 today."),
    "FD005": CodeSpec("Dead kind", "Sveltos no longer has this kind; another one took its place."),
    "FD101": CodeSpec("Unknown field", "The schema has no such field; a Kubernetes client would lose it silently."),
    "FD102": CodeSpec("Misplaced field", "The field exists, but at another place of the object."),
    "FD103": CodeSpec("Missing field", "The schema requires this field."),
    "FD104": CodeSpec("Wrong type", "The value has another type than the schema asks for; often quotes are missing or too many."),
    "FD105": CodeSpec("Value not allowed", "The schema lists the values that this field takes."),
    "FD106": CodeSpec("Malformed value", "The value does not fit the field's pattern, length or range."),
    "FD107": CodeSpec("Broken rule", "A rule over several fields of the object does not hold."),
    "FD108": CodeSpec("Wrong namespace use", "A cluster-scoped object names a namespace."),
    "FD109": CodeSpec("Two of one identity", "The same object stands twice in the input; the second would overwrite the first."),
    "FD201": CodeSpec("Broken CEL", "The expression cannot be compiled; at run time it would count as not true."),
    "FD202": CodeSpec("Broken Lua", "The script cannot be compiled."),
    "FD203": CodeSpec("Broken template", "The template cannot be parsed."),
    "FD204": CodeSpec(
        "Wrong CEL variable", "The object is called `resource` in Sveltos' CEL rules; `self` and `object` mean nothing there."
    ),
    "FD205": CodeSpec(
        "Rules are alternatives",
        "An object is selected when one CEL rule is true; several rules never narrow each other.",
        Severity.WARNING,
    ),
    "FD206": CodeSpec(
        "Result of another place",
        "Each place reads one field of a Lua result: matching, pass, healthy, status or resources; any other counts as not said.",
    ),
    "FD207": CodeSpec("Result is no table", "What evaluate() returns must be a table with the field that this place reads."),
    "FD208": CodeSpec("No function evaluate", "The function evaluate() is what is called; without it a script fails on every object."),
    "FD209": CodeSpec(
        "Unguarded index",
        "The part need not be there, and looking into nil ends the script: the object then has no verdict.",
        Severity.WARNING,
    ),
    "FD210": CodeSpec(
        "Rule is never true",
        "It contradicts itself, its selector, or the values that the field takes; no object satisfies it.",
        Severity.WARNING,
    ),
    "FD211": CodeSpec(
        "Name of another place",
        "A condition on one object is given obj; what looks at several, a health check or an aggregated selection, is given resources.",
        Severity.WARNING,
    ),
    "FD212": CodeSpec(
        "Types do not fit",
        "A part of the rule fails, or is decided, whatever the object is: its types are known and do not go together.",
        Severity.WARNING,
    ),
    "FD213": CodeSpec(
        "Rule for the second engine",
        "Our compiler does not understand the rule; cel-python evaluates it: slowly, without limits, and without saying why.",
        Severity.WARNING,
    ),
    "FD301": CodeSpec(
        "Singular and plural", "With oneForEvent templates see one object (.Resource), without it all of them (.Resources); never both."
    ),
    "FD302": CodeSpec("Objects not collected", "Templates see whole objects only when the EventSource has collectResources: true."),
    "FD303": CodeSpec(
        "Not marked for instantiation",
        "Content with event variables needs the annotation projectsveltos.io/instantiate; without it raw braces reach the cluster.",
    ),
    "FD304": CodeSpec(
        "Function of the other moment",
        "At the moment of an event getResource, copy and the field functions take an object; an identifier only later, in the deployment.",
    ),
    "FD401": CodeSpec("Empty selector", "A selector without terms matches no cluster, unlike in Kubernetes.", Severity.WARNING),
    "FD402": CodeSpec("Reference leaves the namespace", "A Profile may only refer to objects of its own namespace."),
    "FD403": CodeSpec("Secret of the wrong type", "Profiles refer to Secrets of type addons.projectsveltos.io/cluster-profile only."),
    "FD404": CodeSpec("Percentage in quotes", "maxUpdate as text is a percentage, even without the sign.", Severity.WARNING),
    "FD405": CodeSpec("Set selects nothing", "Without maxReplicas a ClusterSet or Set selects no cluster.", Severity.WARNING),
    "FD406": CodeSpec(
        "Feedback loop", "The trigger deploys, on the clusters that it watches, what its own EventSource selects.", Severity.WARNING
    ),
    "FD407": CodeSpec(
        "Missing reference",
        "What is referred to is neither in the input nor declared; without a database to ask it is only information.",
        Severity.WARNING,
    ),
}

CODES: Mapping[str, CodeSpec] = MappingProxyType(_TABLE)
"""Every code, once."""
