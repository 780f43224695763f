"""Go's fmt.Sprintf: verbs, flags, widths, argument indexes, and the texts it writes for what does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from fleetd.decide.gotemplate.formatting import container, plain
from fleetd.decide.gotemplate.printf_numbers import float_verb, integer_verb
from fleetd.decide.gotemplate.quoting import hex_of, quoted
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import NILS, CallFailed, Int, Struct, type_name

_VERB = re.compile(r"%([-+# 0]*)((?:\[\d*\])?\*|\d*)(?:(\.)((?:\[\d*\])?\*|\d*))?(\[\d*\])?(.?)", re.DOTALL)
_LARGEST = 1_000_000
"""Go refuses widths and precisions beyond this."""
_CACHED = 200
"""Longer formats are read anew each time."""


@dataclass(frozen=True, slots=True)
class Style:
    """The flags, width and precision of one verb."""

    flags: str
    width: int | None
    precision: int | None

    def pad(self, text: str, *, zeros: bool = False, signed: bool = True) -> str:
        """The text at the width; zeros go behind a number's sign."""
        missing = (self.width or 0) - len(text)
        if missing <= 0:
            return text
        if "-" in self.flags:
            return text + " " * missing
        if zeros and "0" in self.flags:
            sign = text[0] if signed and text[:1] in {"+", "-", " "} else ""
            return sign + "0" * missing + text[len(sign) :]
        return " " * missing + text


@dataclass(slots=True)
class _Arguments:
    """The arguments of a call, and which comes next."""

    values: tuple[Any, ...]
    at: int = 0
    reordered: bool = False
    bad_index: bool = False
    used: set[int] = field(default_factory=set)

    def jump(self, index: str | None) -> None:
        """Goes to `[n]`, when the verb says so."""
        if not index:
            return
        self.reordered = True
        digits = index.strip("[]*")
        wanted = int(digits) - 1 if digits and len(digits) < 9 else -1
        self.bad_index = not 0 <= wanted < len(self.values)
        if not self.bad_index:
            self.at = wanted

    def take(self) -> tuple[Any, bool]:
        """The next argument, and whether there is one."""
        if self.at >= len(self.values):
            return None, False
        self.at += 1
        return self.values[self.at - 1], True


def sprintf(run: Run, template: str, *values: Any) -> str:
    """The template with its verbs filled in."""
    plainly = _plainly(run, template, values)
    if plainly is not None:
        return plainly
    arguments = _Arguments(values)
    text = "".join(_pieces(run, template, arguments))
    if not arguments.reordered and arguments.at < len(values):
        extra = (f"{type_name(value)}={plain(value, run)}" if value is not None else "<nil>" for value in values[arguments.at :])
        text += f"%!(EXTRA {', '.join(extra)})"
    return text


@lru_cache(maxsize=1024)
def _bare(template: str) -> tuple[tuple[str, ...], str] | None:
    """The texts around the verbs, and the verbs, where these are `%s`, `%d` and `%v` without anything else."""
    parts = template.split("%")
    verbs = "".join(part[:1] for part in parts[1:])
    if len(template) > _CACHED or len(verbs) < len(parts) - 1 or not set(verbs) <= set("sdv"):
        return None
    return (parts[0], *(part[1:] for part in parts[1:])), verbs


def _plainly(run: Run, template: str, values: tuple[Any, ...]) -> str | None:
    """The short way for what most templates ask for; None where it does not lead."""
    bare = _bare(template)
    if bare is None or len(bare[1]) != len(values):
        return None
    texts, verbs = bare
    made = [texts[0]]
    for value, verb, text in zip(values, verbs, texts[1:], strict=True):
        kind = type(value)
        if kind is str and verb != "d":
            made.append(value)
        elif (kind is int or kind is Int) and verb != "s":
            made.append(str(int(value)))
        else:
            return None
        made.append(text)
    run.text(sum(map(len, made)))
    return "".join(made)


def _pieces(run: Run, template: str, arguments: _Arguments) -> Iterator[str]:
    at = 0
    made = 0
    for found in _VERB.finditer(template):
        yield template[at : found.start()]
        at = found.end()
        piece = _filled(run, found, arguments)
        made += len(piece)
        run.text(made)
        yield piece
    yield template[at:]


def _filled(run: Run, found: re.Match[str], arguments: _Arguments) -> str:
    flags, width_text, point, precision_text, index, verb = found.groups()
    arguments.bad_index = False
    problems = ""
    width, problem = _size(width_text, arguments, "WIDTH")
    problems += problem
    if width is not None and width < 0:
        flags, width = flags + "-", -width
    precision: int | None = None
    if point:
        precision, problem = _size(precision_text or "0", arguments, "PREC")
        if precision is not None and precision < 0:
            precision, problem = None, "%!(BADPREC)"
        problems += problem
    arguments.jump(index)
    if not verb:
        return problems + "%!(NOVERB)"
    if verb == "%":
        return problems + "%"
    if arguments.bad_index:
        return f"{problems}%!{verb}(BADINDEX)"
    value, there = arguments.take()
    if not there:
        return f"{problems}%!{verb}(MISSING)"
    if width or precision:
        run.text((width or 0) + (precision or 0))
    ignored = ("0" if "-" in flags else "") + ("+" if verb == "v" else "")
    style = Style("".join(flag for flag in flags if flag not in ignored), width, precision)
    return problems + formatted(run, value, verb, style)


def _size(text: str, arguments: _Arguments, name: str) -> tuple[int | None, str]:
    if not text:
        return None, ""
    if text.endswith("*"):
        arguments.jump(text[:-1])
        value, there = arguments.take()
        if not there or isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST:
            return None, f"%!(BAD{name})"
        return int(value), ""
    number = int(text) if len(text) < 9 else _LARGEST + 1
    return (number, "") if number <= _LARGEST else (None, f"%!(BAD{name})")


def formatted(run: Run, value: Any, verb: str, style: Style, *, misfit: bool = False) -> str:
    """One value under one verb; one that does not fit its verb is shown plainly, with the other flags."""
    if misfit and "#" in style.flags and not isinstance(value, float):
        style = replace(style, flags=style.flags.replace("#", ""))
    if verb == "T":
        return _string(type_name(value), "s", style) or style.pad("")
    if value is None:
        return style.pad("<nil>") if verb == "v" else f"%!{verb}(<nil>)"
    if verb == "p" and isinstance(value, (dict, list, Struct)):
        raise CallFailed("where a value lies in memory is not available to templates")
    if isinstance(value, (dict, list)):
        return _container(run, value, verb, style)
    text = _scalar(run, value, verb, style)
    if text is None:
        return f"%!{verb}({type_name(value)}={formatted(run, value, 'v', style, misfit=True)})"
    return text


def _container(run: Run, value: dict[str, Any] | list[Any], verb: str, style: Style) -> str:
    if verb == "v" and not style.flags and style.width is None and style.precision is None:
        return container(value, run)
    run.spend(len(value) + 1)
    go_syntax = verb == "v" and "#" in style.flags
    if go_syntax and type(value) in NILS:
        return f"{type_name(value)}(nil)"

    def inner(part: Any) -> str:
        if part is None:
            return "interface {}(nil)" if go_syntax else style.pad("<nil>")
        return formatted(run, part, verb, style)

    if isinstance(value, dict):
        pairs = [f"{formatted(run, key, verb, style)}:{inner(value[key])}" for key in sorted(value)]
        text = f"{type_name(value)}{{{', '.join(pairs)}}}" if go_syntax else f"map[{' '.join(pairs)}]"
    else:
        parts = [inner(part) for part in value]
        text = f"{type_name(value)}{{{', '.join(parts)}}}" if go_syntax else f"[{' '.join(parts)}]"
    run.text(len(text))
    return text


def _scalar(run: Run, value: Any, verb: str, style: Style) -> str | None:
    if isinstance(value, str):
        return _string(value, verb, style)
    if isinstance(value, bool):
        return style.pad("true" if value else "false") if verb in "tv" else None
    if isinstance(value, int):
        return integer_verb(value, verb, style)
    if isinstance(value, float):
        return float_verb(value, verb, style)
    if verb == "v" or (verb == "s" and not (isinstance(value, Struct) and value.text is None)):
        return style.pad(plain(value, run))
    return None


def _string(value: str, verb: str, style: Style) -> str | None:
    text = value if style.precision is None else value[: style.precision]
    match verb:
        case "v" if "#" in style.flags:
            return style.pad(quoted(text))
        case "s" | "v":
            return style.pad(text, zeros=True, signed=False)
        case "q":
            raw = "#" in style.flags and "`" not in text and text.isprintable()
            return style.pad(f"`{text}`" if raw else quoted(text, ascii_only="+" in style.flags), zeros=True, signed=False)
        case "x" | "X":
            digits = hex_of(value, style.precision, spaced=" " in style.flags, prefixed="#" in style.flags)
            return style.pad(digits.upper() if verb == "X" else digits, zeros=True, signed=False)
    return None
