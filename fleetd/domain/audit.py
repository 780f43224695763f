"""What the audit keeps: who asked or decided what, through which face, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One call through a face, or one decision. Never an argument or a result: a digest and a size say that there were any.

    `via` is the face (`mcp`, `cli`), `client` the program behind it where it says so, `subject` the main reference,
    `outcome` is `ok`, what was done, or the code of what stood against it; `reference` names a request or proposal.
    """

    principal: str
    via: str
    action: str
    subject: str = ""
    outcome: str = "ok"
    client: str = ""
    arguments_digest: str = ""
    reference: str = ""
    result_size: int | None = None
    ms: int | None = None


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides, through which face, by which command; what is changed so leaves an entry in the same commit."""

    principal: str
    via: str
    action: str
    client: str = ""

    def entry(self, subject: str, outcome: str, reference: str = "") -> AuditEntry:
        """The entry of one thing that was decided."""
        return AuditEntry(
            principal=self.principal,
            via=self.via,
            action=self.action,
            subject=subject,
            outcome=outcome,
            client=self.client,
            reference=reference,
        )
