"""One call of a tool: may it, is it well asked, what is the answer, does it fit."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from mcp_types import CallToolResult, TextContent

from fleetd.domain.errors import FleetdError
from fleetd.service.answers import as_json
from fleetd.service.asking import Questions
from fleetd.service.foreign import plain_text
from fleetd.service.teaching import Code, Lesson, Taught, lesson_of, near
from mcp_server.catalogue import shown_to
from mcp_server.limits import Limits
from mcp_server.principals import Principal
from mcp_server.text import answer_text, lesson_text
from mcp_server.tools import Tool

HARD_BYTES = 32_000
"""Eight thousand tokens, at four bytes each: an answer that is larger is not cut but refused, with the way to a smaller one."""

_log = logging.getLogger("mcp_server")


@dataclass(frozen=True)
class Desk:
    """Where calls arrive: whom to ask, what is offered, and how often."""

    questions: Questions
    tools: Sequence[Tool]
    readonly: bool = False
    limits: Limits = field(default_factory=lambda: Limits(time.monotonic))

    def shown(self, principal: Principal) -> tuple[Tool, ...]:
        return shown_to(self.tools, principal, readonly=self.readonly)

    async def call(self, name: str, arguments: Mapping[str, Any], principal: Principal) -> CallToolResult:
        """Answers a call; what is wrong with it is a result, too, from which the caller can learn."""
        started = time.monotonic()
        try:
            answer = await self._answered(name, arguments, principal)
        except FleetdError as error:
            lesson = as_json(lesson_of(error))
            _log.info("%s %s %s %.0f ms", principal.name, name[:60], lesson["code"], (time.monotonic() - started) * 1000)
            return CallToolResult(content=[TextContent(text=lesson_text(lesson))], structured_content={"error": lesson}, is_error=True)
        text = answer_text(answer, secrets.token_hex(3))
        _log.info("%s %s ok %.0f ms", principal.name, name, (time.monotonic() - started) * 1000)
        return CallToolResult(content=[TextContent(text=text)], structured_content=answer)

    async def _answered(self, name: str, arguments: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
        tool = self._tool(name, principal)
        self.limits.take(principal.name, tool.cost)
        answer: dict[str, Any] = as_json(await self.questions.ask(tool.read(arguments)))
        size = len(orjson.dumps(answer))
        if size > HARD_BYTES:
            raise _too_broad(answer, size)
        return answer

    def _tool(self, name: str, principal: Principal) -> Tool:
        shown = {tool.name: tool for tool in self.shown(principal)}
        if name in shown:
            return shown[name]
        hidden = next((tool for tool in self.tools if tool.name == name), None)
        if hidden is not None:
            sentence = f"{name} needs the scope {hidden.scope}; who runs the server can grant it"
            raise Taught(Lesson(code=Code.NOT_PERMITTED, sentence=sentence))
        sentence = "there is no tool of this name on this server; get_server_status says which are hidden and why"
        raise Taught(
            Lesson(code=Code.UNKNOWN_ARGUMENT, sentence=sentence, got=plain_text(name, most=60), did_you_mean=near(name[:60], shown))
        )


def _too_broad(answer: Mapping[str, Any], size: int) -> Taught:
    returned = len(answer.get("items", ()))
    sentence = f"the answer would have {size // 4} tokens, {HARD_BYTES // 4} at most are sent"
    if returned > 1:
        fits = max(1, returned * HARD_BYTES // size * 3 // 4)
        sentence += f": ask with limit={fits}, choose clusters, or count with group_by"
    return Taught(Lesson(code=Code.TOO_BROAD, sentence=sentence, field="limit" if returned > 1 else ""))
