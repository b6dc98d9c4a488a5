"""A pattern of a pcre: or regexp: table, made one of Python's; what the two languages read differently is not read.

None means that nobody here can tell what Postfix makes of it: no evidence then, never a guess. Source: pcre_table(5),
regexp_table(5), dict_pcre.c, dict_regexp.c, regex(7).
"""

import re
import warnings
from collections.abc import Callable

_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "xdigit": "0-9A-Fa-f",
    "space": r"\t\n\v\f\r ", "blank": r"\t ", "word": "a-zA-Z0-9_", "punct": r"!-/:-@\[-`{-~", "graph": "!-~",
    "print": " -~", "cntrl": r"\x00-\x1f\x7f",
}  # fmt: skip
# [:alpha:] in a bracket expression; [:^alpha:], [=a=] and [.a.] are not read
_CLASS = re.compile(r"\[:([a-z]+):\]")

# What PCRE and Python spell alike but read differently, or what only PCRE has:
# (*VERB)  (?R)  (?1)  (?&name)  (?|...)  (?C1)  {,3}  \K  \G  \Q..\E  \R  \X  \N  \h  \p{L}  \g1  \k<n>  \o{7}  \cA
# \e  \x{41}
_NOT_PCRE = re.compile(r"\(\*|\(\?(?:[R0-9&|+CP]|-[0-9])|\{,|\\(?:[KGQERXNhHVpPgkoceuU]|x\{|0|[1-9][0-9])")
# In a POSIX expression a letter, digit or one of these behind a backslash is an extension of the C library's.
_NOT_ERE = re.compile(r"\\[A-Za-z0-9<>`']")
# a+?  a**  (?  a{2}{3}  {  at the beginning, and what is empty: read differently, or not at all
_ODD_ERE = re.compile(r"[*+?}][*+?{]|\(\?|(?:^|[(|])[*+?{]|\{(?![0-9]+(?:,[0-9]*)?\})|\(\)|\|\||^\||\|$|\(\||\|\)")

Matches = Callable[[str], re.Match[str] | None]


def _bracket(text: str, at: int, *, posix: bool) -> tuple[str, int] | None:
    """A bracket expression that opens at `at`, and where it ends."""
    end = at + 1
    out = "["
    if text.startswith("^", end):
        out, end = out + "^", end + 1
    first = True
    while end < len(text):
        char = text[end]
        if char == "]" and not first:
            return out + "]", end + 1
        first = False
        named = _CLASS.match(text, end)
        if named:
            if named[1] not in _CLASSES:
                return None
            out, end = out + _CLASSES[named[1]], named.end()
        elif char == "[" and text[end + 1 : end + 2] in (":", "=", "."):
            return None
        elif char == "\\" and not posix:
            out, end = out + text[end : end + 2], end + 2
        else:
            # A backslash stands for itself in a POSIX bracket.
            out, end = out + ("\\" + char if char in "\\[]&~|" else char), end + 1
    return None


def _translated(text: str, *, posix: bool) -> str | None:
    out, at = "", 0
    while at < len(text):
        if text[at] == "\\":
            pair = text[at : at + 2]
            out, at = out + {r"\z": r"\Z", r"\Z": r"(?=\n?\Z)"}.get(pair, pair), at + 2
        elif text[at] == "[":
            found = _bracket(text, at, posix=posix)
            if found is None:
                return None
            part, at = found
            out += part
        elif posix and text[at] == "$":
            # Before a newline at the end it is Python's end, not POSIX's.
            out, at = out + r"\Z", at + 1
        else:
            out, at = out + text[at], at + 1
    return out.replace("(?<", "(?P<") if posix is False and "(?<" in out and not re.search(r"\(\?<[=!]", out) else out


def _outside(text: str, *, posix: bool) -> str:
    """The pattern without its bracket expressions, for what must not stand outside of them."""
    out, at = "", 0
    while at < len(text):
        if text[at] == "\\":
            out, at = out + text[at : at + 2], at + 2
            continue
        found = _bracket(text, at, posix=posix) if text[at] == "[" else None
        if found is None:
            out, at = out + text[at], at + 1
        else:
            out, at = out + "x", found[1]
    return out


def _compiled(text: str, flags: int) -> re.Pattern[str] | None:
    with warnings.catch_warnings():
        # What may mean another thing in a later Python is not read.
        warnings.simplefilter("error")
        try:
            return re.compile(text, flags | re.ASCII)
        except (re.error, FutureWarning, DeprecationWarning, RecursionError, OverflowError):
            return None


def pcre(text: str, options: str) -> Matches | None:
    """A pcre: pattern; its letters toggle what is on: i and s are, m, x, A, E, U and X are not."""
    on = set("is")
    for letter in options:
        on ^= {letter}
    bare = _outside(text, posix=False)
    if on & set("UX") or _NOT_PCRE.search(bare) or ("x" in on and ("#" in bare or "[" in text)):
        return None
    translated = _translated(text, posix=False)
    flags = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE, "x": re.VERBOSE}
    total = sum(flag for letter, flag in flags.items() if letter in on)
    found = _compiled(translated, total) if translated is not None else None
    if found is None:
        return None
    return found.match if "A" in on else found.search


def ere(text: str, options: str) -> Matches | None:
    """A regexp: pattern, POSIX extended; its letters toggle: i is on, m and x (which makes it basic when off) too."""
    on = set("ix")
    for letter in options:
        on ^= {letter}
    bare = _outside(text, posix=True)
    escaped = re.sub(r"\\.", "x", bare)
    if "x" not in on or "m" in on or _NOT_ERE.search(bare) or _ODD_ERE.search(escaped):
        return None
    translated = _translated(text, posix=True)
    found = _compiled(translated, (re.IGNORECASE if "i" in on else 0) | re.DOTALL) if translated is not None else None
    return found.search if found is not None else None
