"""One call of a tool: may it, is it well asked, what is the answer, does it fit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from mcp_types import CallToolResult, TextContent

from fleetd.domain.errors import FleetdError
from fleetd.service.acting import Actions, Actor, Requeue, SetPause
from fleetd.service.answers import Hint, as_json
from fleetd.service.asking import Question, Questions
from fleetd.service.correcting import with_the_call_meant
from fleetd.service.foreign import plain_text
from fleetd.service.live import LiveObjects, new_request_id, read_for
from fleetd.service.narrowing import Size, too_broad
from fleetd.service.questions.evaluating import EvaluateExpression
from fleetd.service.questions.objects import GetObject
from fleetd.service.teaching import Code, Lesson, Taught, lesson_of, near
from fleetd.service.trail import Trail
from mcp_server.catalogue import not_offered, shown_to
from mcp_server.kept import Caller, Kept, kept
from mcp_server.limits import Limits
from mcp_server.principals import Mode, Principal, Scope
from mcp_server.status import GetServerStatus, Hidden
from mcp_server.text import answer_text, lesson_text, plain_lesson
from mcp_server.tools import Tool

HARD_BYTES = 32_000
"""Eight thousand tokens, at four bytes each: what is larger is not cut, but becomes counts and the call that leads to a part of it."""


_STATUS = Hint(why="what is offered to whom, and why not more", tool="get_server_status")

_MOUNT = "it is not there under /mcp/readonly, which only reads"


class UnknownTool(Taught):
    """Nobody ever offers this: an error of the protocol, not of a tool (MCP, "Error handling" of tools)."""


@dataclass(frozen=True)
class Desk:
    """Where calls arrive: whom to ask, what is offered, and how often. `actions` is there in mode operate only."""

    questions: Questions
    tools: Sequence[Tool]
    mode: Mode = Mode.OBSERVE
    actions: Actions | None = None
    readonly: bool = False
    limits: Limits = field(default_factory=lambda: Limits(time.monotonic))
    trail: Trail | None = None
    live: LiveObjects | None = None

    def shown(self, principal: Principal) -> tuple[Tool, ...]:
        return shown_to(self.tools, principal, readonly=self.readonly)

    async def call(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> CallToolResult:
        """Answers a call; what is wrong with it is a result, too, from which the caller can learn.

        Raises:
            UnknownTool: there is no tool of this name, in no mode and with no scope.
        """
        try:
            with kept(self.trail, caller, name, arguments) as found:
                answer = await self._called(name, arguments, caller.principal, found)
        except UnknownTool:
            raise
        except FleetdError as error:
            lesson = plain_lesson(as_json(self._lesson(error, name, arguments)))
            return CallToolResult(
                content=[TextContent(text=lesson_text(lesson, _marker()))], structured_content={"error": lesson}, is_error=True
            )
        return CallToolResult(content=[TextContent(text=answer_text(answer, _marker()))], structured_content=answer)

    def _lesson(self, error: FleetdError, name: str, arguments: Mapping[str, Any]) -> Lesson:
        tool = next((tool for tool in self.tools if tool.name == name), None)
        lesson = lesson_of(error)
        return lesson if tool is None else with_the_call_meant(lesson, name, arguments, tool.read)

    async def answer(self, question: Question[Any], principal: Principal) -> dict[str, Any]:
        """An answer as JSON, for a resource or a prompt; counts as a cheap call.

        Raises:
            FleetdError: it cannot be given.
        """
        if Scope.READ not in principal.scopes:
            raise _without(Scope.READ, "this", principal)
        self.limits.take(principal.name, "cheap")
        answer: dict[str, Any] = as_json(await self.questions.ask(question))
        return answer

    async def text(self, question: Question[Any], principal: Principal) -> str:
        """An answer as prose; what is wrong with the question is said in it."""
        try:
            return answer_text(await self.answer(question, principal), _marker())
        except FleetdError as error:
            return lesson_text(plain_lesson(as_json(lesson_of(error))), _marker())

    async def _called(self, name: str, arguments: Mapping[str, Any], principal: Principal, found: Kept) -> dict[str, Any]:
        tool = self._tool(name, principal)
        self.limits.take(principal.name, tool.cost)
        asked = tool.read(arguments)
        if isinstance(asked, Requeue | SetPause):
            answer = await self._acted(asked, principal)
            found.reference = ",".join(request.request_id for request in answer.result.requests)
        elif isinstance(asked, GetServerStatus):
            answer = await self.questions.ask(await self._status(principal))
        elif isinstance(asked, GetObject) and asked.live and self.live is not None:
            self.limits.take(principal.name, "scan")
            found.reference = new_request_id()
            answer = await self.live.look(asked, Actor(principal.name, "mcp"), found.reference)
        elif isinstance(asked, EvaluateExpression) and asked.lives_on_a_cluster and self.live is not None:
            found.reference = new_request_id()
            answer = await self.questions.ask(await read_for(asked, self.live, Actor(principal.name, "mcp"), found.reference))
        else:
            answer = await self.questions.ask(asked)
        plain: dict[str, Any] = as_json(answer)
        size = len(orjson.dumps(plain))
        if size > HARD_BYTES:
            raise await too_broad(self.questions, asked, plain, Size(size, HARD_BYTES))
        found.outcome, found.size = "ok", size
        return plain

    async def _acted(self, action: Requeue | SetPause, principal: Principal) -> Any:
        if self.actions is None or self.readonly:
            raise Taught(Lesson(code=Code.READ_ONLY_MODE, sentence="this server only reads: it was not started with --mode operate"))
        return await self.actions.act(action, Actor(principal.name, "mcp"))

    async def _status(self, principal: Principal) -> Question[Any]:
        shown = self.shown(principal)
        hidden = [
            Hidden(tool=tool.name, because=_MOUNT if tool.scope in principal.scopes else f"needs the scope {tool.scope}")
            for tool in self.tools
            if tool not in shown
        ]
        hidden += [Hidden(tool=tool.name, because=because) for tool, because in not_offered(self.tools)]
        scopes = tuple(sorted({tool.scope.value for tool in shown}))
        mode = Mode.OBSERVE if self.readonly else self.mode
        written = await self.trail.written() if self.trail is not None else None
        return GetServerStatus.filled(mode.value, principal.name, scopes, tuple(hidden), written)

    def _tool(self, name: str, principal: Principal) -> Tool:
        shown = {tool.name: tool for tool in self.shown(principal)}
        if name in shown:
            return shown[name]
        for tool in self.tools:
            if tool.name == name:
                if tool.scope in principal.scopes:
                    raise Taught(Lesson(code=Code.READ_ONLY_MODE, sentence=f"{name} is not offered: {_MOUNT}", next=_STATUS))
                raise _without(tool.scope, name, principal)
        for tool, because in not_offered(self.tools):
            if tool.name == name:
                raise Taught(Lesson(code=Code.READ_ONLY_MODE, sentence=f"{name} is not offered: {because}", next=_STATUS))
        sentence = "there is no tool of this name; get_server_status says which are hidden and why"
        raise UnknownTool(
            Lesson(code=Code.NOT_FOUND, sentence=sentence, got=plain_text(name, most=60), did_you_mean=near(name[:60], shown))
        )


def _without(scope: Scope, what: str, principal: Principal) -> Taught:
    sentence = f"{what} needs the scope {scope}; who runs the server can grant it"
    return Taught(Lesson(code=Code.NOT_PERMITTED, sentence=sentence, next=_STATUS if Scope.READ in principal.scopes else None))


def _marker() -> str:
    return secrets.token_hex(3)
