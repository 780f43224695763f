"""What the nodes of a template cost."""

from __future__ import annotations

from typing import Any

from fleetd.decide.gotemplate.nodes import Action, Branch, Chain, Command, Identifier, Invocation, Pipe, Text


def cost_of(node: Any) -> int:
    """Steps of a node, without its inner blocks."""
    match node:
        case Text(text=text):
            return 1 + (len(text) >> 8)
        case Action(pipe=pipe) | Branch(pipe=pipe):
            return 1 + cost_of(pipe)
        case Invocation(pipe=pipe):
            return 3 + (cost_of(pipe) if pipe is not None else 0)
        case Pipe(commands=commands):
            return sum(map(cost_of, commands))
        case Command(args=args):
            return sum(map(cost_of, args))
        case Identifier():
            return 2
        case Chain(node=inner):
            return 1 + cost_of(inner)
    return 1
