"""A dictionary: an access table of Postfix, read and asked as Postfix asks it.

`fixed` tables hold whole keys, in lower case; pcre, regexp and cidr tables hold rules, of which the first that matches
counts, and are asked for whole names and addresses only. Source: dict_thash.c, dict_inline.c, dict_static.c,
dict_pcre.c, dict_regexp.c, dict_cidr.c, readlline.c; data types in DATABASE_README.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from advisor import pattern
from advisor.entry import tokens
from advisor.errors import AdvisorError
from advisor.expression import SPACE

TEXTS = ("texthash", "pcre", "regexp", "cidr")
"""Types whose files we read ourselves."""
PLAIN = ("static", "inline")
"""Types that need no file."""


class Unknown(Exception):  # noqa: N818 - no error: the answer is that nobody knows
    """What a table says of a key cannot be told here."""


Find = Callable[[str], str | None]


@dataclass(frozen=True)
class Dictionary:
    """A table: `find` gives the value of a key, or None; it raises Unknown where that cannot be told.

    A table that is not `fixed` is asked for no parts of a name, address or network. `faults` are lines that Postfix
    skips or that we cannot read, each a sentence.
    """

    find: Find
    fixed: bool = True
    faults: tuple[str, ...] = ()


def entries(found: Mapping[str, str]) -> Dictionary:
    """A table of whole keys."""
    folded = {key.lower(): value for key, value in found.items()}
    return Dictionary(lambda key: folded.get(key.lower()))


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The logical lines of a table and where each begins: a line that begins with white space continues the last."""
    first, parts = 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip(SPACE) or line.lstrip(SPACE).startswith("#"):
            continue
        if line[0] in SPACE and first:
            parts += line
            continue
        if first:
            yield first, parts
        # Postfix ignores what continues nothing.
        first, parts = (0, "") if line[0] in SPACE else (number, line)
    if first:
        yield first, parts


def _plain(kind: str, name: str) -> Dictionary:
    """static:VALUE, static:{VALUE}, inline:{KEY=VALUE, {KEY = VALUE WITH BLANKS}}."""
    inside = name[1:-1].strip(SPACE) if name.startswith("{") and name.endswith("}") else None
    if kind == "static":
        value = name if inside is None else inside
        return Dictionary(lambda _: value)
    if inside is None:
        raise AdvisorError(f"inline:{name}", "is no table", "write inline:{name=value}")
    found: dict[str, str] = {}
    for token in tokens(inside, f"inline:{name}"):
        pair = token[1:-1] if token.startswith("{") and token.endswith("}") else token
        key, equals, value = pair.partition("=")
        if not equals or not key.strip(SPACE) or not value.strip(SPACE):
            raise AdvisorError(f"inline:{name}", f"'{token}' is no name=value", "write inline:{name=value}")
        found[key.strip(SPACE)] = value.strip(SPACE)
    return entries(found)


def _texthash(text: str, where: str) -> Dictionary:
    """KEY VALUE on each line; a key that stands there twice makes smtpd refuse the whole table."""
    found: dict[str, str] = {}
    faults = []
    for number, line in lines(text):
        # the key ends at the first white space that is neither quoted nor behind a backslash
        key = re.match(r'(?:\\.|"(?:\\.|[^"\\])*"|[^\s"\\])*', line, re.ASCII | re.DOTALL)
        name = key[0] if key else ""
        value = line[len(name) :].strip(SPACE)
        if line[len(name) : len(name) + 1] in ('"', "\\") or not name or not value:
            faults.append(f"{where}, line {number}: no key with a value; Postfix ignores it.")
        elif name.lower() in found:
            raise AdvisorError(where, f"line {number} has {name} for the second time", "take one of them out")
        else:
            found[name.lower()] = value
    return Dictionary(entries(found).find, faults=tuple(faults))


Matches = Callable[[str], bool]


@dataclass(frozen=True)
class _Rule:
    """A line of a table of patterns: `word` is match, if or endif; `matches` is None where it cannot be read."""

    word: str
    matches: Matches | None = None
    value: Callable[[str], str] | None = None


def _ask(rules: Sequence[_Rule], key: str) -> str | None:
    """The first rule that matches; the lines between `if` and `endif` count where `if` does."""
    skipping = 0
    for rule in rules:
        if skipping:
            skipping += {"if": 1, "endif": -1}.get(rule.word, 0)
        elif rule.word != "endif":
            if rule.matches is None:
                raise Unknown
            hit = rule.matches(key)
            if rule.word == "if":
                skipping = 0 if hit else 1
            elif hit and rule.value is not None:
                return rule.value(key)
    return None


def _patterned(text: str, where: str, read: Callable[[str, list[str]], _Rule | None]) -> Dictionary:
    rules = []
    faults: list[str] = []
    depth = 0
    for number, line in lines(text):
        stripped = line.rstrip(SPACE)
        found: list[str] = []
        # IF /pattern/  ENDIF
        word = re.match(r"(if|endif)(?![A-Za-z0-9])", stripped, re.IGNORECASE)
        if word and word[1].lower() == "endif":
            # Only dict_cidr.c ignores an ENDIF with something behind it; the others ignore what is behind it.
            rule = _Rule("endif") if depth and not (read is _cidr and stripped[len("endif") :].strip(SPACE)) else None
            depth -= rule is not None
        elif word:
            inner = read(stripped[2:].lstrip(SPACE) + " x", found)
            rule = _Rule("if", inner.matches) if inner else None
            depth += rule is not None
        else:
            rule = read(stripped, found)
        if rule is None:
            faults.append(f"{where}, line {number}: Postfix ignores it{': ' + found[0] if found else ''}.")
        else:
            faults += [f"{where}, line {number}: {each}; no evidence from here on." for each in found]
            rules.append(rule)
    return Dictionary(lambda key: _ask(rules, key), fixed=False, faults=tuple(faults))


# /pattern/flags  !/pattern/flags  with any character for the slash; blanks may stand between the !
_HEAD = re.compile(r"((?:!|\s)*)(.)", re.ASCII | re.DOTALL)


def _delimited(line: str) -> tuple[bool, str, str, str] | None:
    """A rule's sign, pattern, letters and the rest; None where it is not closed."""
    head = _HEAD.match(line)
    if head is None:
        return None
    at = start = head.end()
    while at < len(line) and line[at] != head[2]:
        at += 2 if line[at] == "\\" else 1
    if at >= len(line):
        return None
    letters = re.compile(r"[^\s!]*", re.ASCII).match(line, at + 1)
    end = letters.end() if letters else at + 1
    return head[1].count("!") % 2 == 0, line[start:at], line[at + 1 : end], line[end:].strip(SPACE)


# $1 ${1} $(1) $$
_REFERENCE = re.compile(r"\$(?:(\$)|(\d+)|\{(\d+)\}|\((\d+)\))")


def _value(template: str, search: pattern.Matches, *, exact: bool) -> Callable[[str], str] | None:
    """What a rule gives for a key; None where it takes in what the pattern found and Postfix may have found another."""
    plain = template.replace("$$", "")
    if "$" not in plain:
        return lambda _: template.replace("$$", "$")
    # What is an action and what is its text: only the first word decides.
    if not exact and "$" not in re.split(r"[ \t]", template, maxsplit=1)[0]:
        return lambda _: template
    if not exact:
        return None

    def expanded(key: str) -> str:
        found = search(key)
        groups = (found[0], *found.groups()) if found else ()
        return _REFERENCE.sub(lambda one: "$" if one[1] else groups[int(one[2] or one[3] or one[4])] or "", template)

    return expanded


def _regular(kind: str) -> Callable[[str, list[str]], _Rule | None]:
    def read(line: str, faults: list[str]) -> _Rule | None:
        found = None if line[:1].isalnum() and line[:1].isascii() else _delimited(line)
        known_letters = "imx" if kind == "regexp" else "imsxAEUX"
        if found is None or set(found[2]) - set(known_letters):
            return None
        wanted, text, letters, value = found
        search = (pattern.ere if kind == "regexp" else pattern.pcre)(text, letters)
        if search is None or not value or value.startswith("!"):
            faults.append(f"the pattern {text} cannot be read here")
            return _Rule("match")
        if "$" in _REFERENCE.sub("", value):
            return None
        highest = max((int(one[2] or one[3] or one[4] or 0) for one in _REFERENCE.finditer(value)), default=0)
        if highest and (not wanted or highest > _groups(search)):
            return None
        given = _value(value, search, exact=kind == "pcre")
        return _Rule("match", lambda key: (search(key) is not None) == wanted, given) if given else _Rule("match")

    return read


def _groups(search: pattern.Matches) -> int:
    compiled: re.Pattern[str] = search.__self__  # type: ignore[attr-defined]  # a method of a compiled pattern
    return compiled.groups


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """192.0.2.0/24  2001:db8::/32  [2001:db8::]/32  [2001:db8::/32]: no bit behind the mask may be set."""
    found = re.fullmatch(r"\[([^\]/]*)\](/\d+)?|\[([^\]]*)\]|([^\[\]]*)", text, re.ASCII)
    if found is None:
        return None
    written = (found[1] + (found[2] or "")) if found[1] is not None else found[3] if found[3] is not None else found[4]
    if "/" in written and not written.rpartition("/")[2].isdigit():
        return None
    try:
        return ip_network(written) if "%" not in written else None
    except ValueError:
        return None


def _address(key: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(key) if "%" not in key else None
    except ValueError:
        return None


def _cidr(line: str, _: list[str]) -> _Rule | None:
    # !192.0.2.0/24 REJECT
    found = re.match(r"((?:!|\s)*)(\S+)\s+(.*)", line, re.ASCII | re.DOTALL)
    network = _network(found[2]) if found else None
    if found is None or network is None:
        return None
    wanted, value = found[1].count("!") % 2 == 0, found[3].strip(SPACE)

    def matches(key: str) -> bool:
        address = _address(key)
        return address is not None and address.version == network.version and (address in network) == wanted

    return _Rule("match", matches, lambda _: value)


def read(kind: str, name: str, text: str = "") -> Dictionary:
    """Read a table of a type in TEXTS or PLAIN; `text` is what its file holds.

    Raises AdvisorError for an inline table that is none, and for a texthash file that smtpd would refuse.
    """
    where = f"{kind}:{name}"
    if kind in PLAIN:
        return _plain(kind, name)
    if kind == "texthash":
        return _texthash(text, where)
    return _patterned(text, where, _cidr if kind == "cidr" else _regular(kind))
