"""An expression in main.cf: $name, ${name?{text}:{text}} and ${{left} == {right} ? {text} : {text}}."""

import operator
import re
from collections.abc import Callable

from advisor.errors import AdvisorError

SPACE = " \t\n\v\f\r"
"""isspace() of the C locale; Python's strip() would also take Unicode blanks."""


def closing(text: str, at: int) -> int:
    """Where the bracket that opens at `at` is closed."""
    opening, closing = ("{", "}") if text[at] == "{" else ("(", ")")
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] == opening) - (text[place] == closing)
        if depth == 0:
            return place
    raise bad_expression(text)


def bad_expression(text: str) -> AdvisorError:
    """Make the error for what no ${...} may hold."""
    return AdvisorError("main.cf", f"cannot expand ${{{text}}}", "see postconf(5) for ${name?{a}:{b}}")


def operand(text: str) -> tuple[str, str]:
    """Take what follows ? or : in ${...}, text in braces or else everything; and the rest (mac_expand.c)."""
    bare = text.lstrip(SPACE)
    if not bare.startswith("{"):
        return text, ""
    end = closing(bare, 0)
    return bare[1:end], bare[end + 1 :].lstrip(SPACE)


def _level(text: str) -> tuple[int, ...]:
    """Read a compatibility level as numbers: 3.10 is above 3.9 (compat_level.c)."""
    if not re.fullmatch(r"\d+(\.\d+){0,2}", text):
        raise bad_expression(text)
    numbers = [int(number) for number in text.split(".")]
    return tuple([*numbers, 0, 0][:3])


WORD = re.compile(r"\w*", re.ASCII)
NAME = re.compile(r"\s*(\w+)\s*", re.ASCII)
RELATION = re.compile(r"(==|!=|<=|>=|<|>)(level)?\s*(?=\{)")
_RELATIONS = {
    "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def relation(left: str, sign: str, right: str) -> str:
    """Compare numbers as numbers, else as text; `true` or nothing (mac_exp_eval() in mac_expand.c)."""
    compare = _RELATIONS[sign.removesuffix("level")]
    if sign.endswith("level"):
        holds = compare(_level(left), _level(right))
    elif re.fullmatch(r"\d+", left + right) and left and right:
        holds = compare(int(left), int(right))
    else:
        holds = compare(left, right)
    return "true" if holds else ""


def expanded(text: str, raw: Callable[[str], str], value: Callable[[str], str]) -> str:
    """Replace each $name, $(name) and ${...}; `$$` is a dollar.

    `raw` gives a parameter as it is set, `value` as it expands. AdvisorError for what no ${...} may hold.
    Source: mac_parse.c, mac_expand.c.
    """
    parts, at = [], 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        start = dollar + 1
        if text.startswith("$", start):
            parts.append("$")
            at = start + 1
            continue
        if text.startswith(("{", "("), start):
            end = closing(text, start)
            inside, at = text[start + 1 : end], end + 1
        else:
            found = WORD.match(text, start)
            inside, at = (found[0], found.end()) if found else ("", start)
        parts.append(_reference(inside, raw, value))
    return "".join(parts) + text[at:]


def _reference(inside: str, raw: Callable[[str], str], value: Callable[[str], str]) -> str:
    """Replace what stands inside ${ and }."""
    left, rest = operand(inside)
    if inside.lstrip(SPACE).startswith("{"):
        found = RELATION.match(rest)
        if not found:
            raise bad_expression(inside)
        right, rest = operand(rest[found.end() :])
        sign = found[1] + (found[2] or "")
        tested = relation(expanded(left, raw, value), sign, expanded(right, raw, value))
        plain = tested
    else:
        found = NAME.match(inside)
        if not found:
            raise bad_expression(inside)
        # ? and : ask whether the parameter is set to something, before expansion (mac_expand.c)
        name, rest, tested = found[1], inside[found.end() :], raw(found[1])
        plain = "" if rest else value(name)
    if not rest:
        return plain
    branches = {"?": "", ":": ""}
    while rest:
        sign = rest[0]
        if sign not in branches:
            raise bad_expression(inside)
        branches[sign], rest = operand(rest[1:])
    return expanded(branches["?" if tested else ":"], raw, value)
