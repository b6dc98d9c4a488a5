"""Templates: what each takes and what it leaves, and that what it takes is what the patterns say of the same line."""

import re
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import parser, templates
from advisor.family import IGNORED
from advisor.marks import BRACKETS, Marks
from advisor.scan import Scan
from advisor.template import Match, Template, template
from tests.test_parser import ANYTHING, USUAL, compare, generated, golden_lines, lab_lines

pytestmark = pytest.mark.usefixtures("way")

PROGRAMS = [import_module(f"advisor.programs.{file.name}") for file in iter_modules(templates.__path__)]
TEMPLATES = {
    ("postfix/" if program.POSTFIX else "") + program.PROGRAMS[0]: import_module(
        f"{templates.__name__}.{program.__name__.rpartition('.')[2]}"
    ).TEMPLATES
    for program in PROGRAMS
}
EACH = [(program, one) for program, spelled in TEMPLATES.items() for one in spelled]

# What else may stand in a field than what lines have there that we know; of a column that is not here, NAMES.
NAMES = ("a.example", "a", "b.c@d.example", "", "1")
VALUES = {
    "client_address": ("203.0.113.10", "2001:db8::1", "fe80::1%eth0", "999.0.0.1", "0.0.0.0"),
    "client_port": ("50949", "00000"),
    "queue_id": ("4F1D61C0", "4jXWq95z8bzJDSY", "ABCDE", "A" * 25, "A" * 26, "ABCD", "NOQUEUE"),
    "size": ("0", "12345678", "123456789"),
    "nrcpt": ("20",),
    "delay": ("86400", "8.6e-05", "1e12", "1e400"),
    "dsn": ("4.7.25", "5.999.999", "5.7"),
    "code": ("450 4.7.25", "554 5.7.1", "504 5.5.2", "650 5.5.2", "554 5.7.1234"),
    "stage": ("RCPT", "DATA", "MAIL", "END-OF-MESSAGE", "NOTHING"),
    "relay": ("local", "192.0.2.1", "mx.b.example[192.0.2.1]:25", "private/dovecot-lmtp", "b.example[private/lmtp]"),
    "peer": ("[192.0.2.1]:25", "[2001:db8::1]:587", "[192.0.2.1]:999999", "[192.0.2.1]:", "[]:25", "[a]:25"),
    "helo_name": ("a.example", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "a;b", ""),
    "result": ("pass", "fail", "127.0.0.2", "3", "Trusted"),
    "reason": ("mailfrom", "new", "Name or service not known", *(" ".join("abcdefgh"[:count]) for count in range(8))),
    "commands": (
        *(f"ehlo={ehlo}{' rcpt=0/1' * more}" for ehlo in (1, 2) for more in range(12)),
        *(f"ehlo={ehlo} starttls=1{' rcpt=0/1' * more}" for ehlo in (1, 2) for more in range(3)),
        *("ehlo=0/1 quit=1 commands=1/2", "helo=1 commands=1"),
    ),
    "text": (
        *("Relay access denied", "max connection count 2 for (smtp:2001:db8::1) at Nov  2 11:53:25"),
        *("max connection rate 1/60s for (smtp:192.0.2.1) at Nov 22 11:53:25", "tests before SMTP handshake"),
        *("<a.example>: Helo command rejected: Host not found", "<c@d.example>: Relay access denied"),
        *("Client host rejected: cannot find your reverse hostname, [203.0.113.20]", "<a@b.example>: Sender address x"),
        *("TLSv1.3 with cipher X (256/256 bits)", "TLSv1.3 with cipher X (256/256 bits) and more"),
        *(
            "a; proto=SMTP",
            "a; proto=ESMTP helo=<b>",
            "<a; proto=SMTP>: b",
            "a; from=<b>",
            "a; from=<b> to=<c>; proto=ESMTP",
        ),
        *("Service currently unavailable", "<unknown[192.0.2.1]>: Client host rejected: Access denied"),
        *(
            f"Service unavailable; {what} [{subject}] blocked using {more}"
            for what in ("Client host", "client", "Sender address", "Unverified Client host", "Elsewhere", "")
            for subject in ("192.0.2.1", "2001:db8::1", "a.example", "")
            for more in ("list.example", "list.example; https://a.example/?q=1", "list.example;", ";", "", "a;b", " c")
        ),
        *(" ".join("abcdefgh"[:count]) for count in range(8)),
    ),
}
MOST = 40
"""Different values of a field that are taken from known lines."""


def matched(one: Template, marks: Marks) -> Match:
    """The lines behind the first one that fit a template."""
    rows = np.arange(1, marks.count)
    if marks.scanner is not None:
        found = list(Scan([one]).matches(marks, rows, np.ones(marks.count, np.bool_)))
        return found[0][1] if found else Match(np.zeros(0, np.int64), {})
    spaces, brackets = np.diff(marks.first_space), np.diff(marks.first_bracket)
    return one.match(marks, rows[one.like(spaces[1:], brackets[1:])])


@cache
def known_values() -> dict[tuple[str, str], list[str]]:
    """What stands in the fields of lines that we know, by kind and column."""
    found: dict[tuple[str, str], list[str]] = {}
    for program, spelled in zip(PROGRAMS, TEMPLATES.values(), strict=True):
        texts = [said for name, said in known_lines() if name in program.PROGRAMS]
        # The first line stands for the headers: there is a mark before each line's words.
        marks = Marks("\n".join(["a [header]", *texts]).encode())
        for one in spelled:
            match = matched(one, marks)
            for column, (begin, end) in match.spans.items():
                values = found.setdefault((one.kind, column), [])
                fields = [marks.data[start:stop].decode() for start, stop in zip(begin, end, strict=True)]
                values += [field for field in dict.fromkeys(fields) if field not in values][:MOST]
    return found


@cache
def known_lines() -> list[tuple[str, str]]:
    """The programs and the words of lines that we know."""
    lines = [*golden_lines(), *lab_lines()[::5], *generated(5_000).splitlines()]
    found = [USUAL.fullmatch(known) for known in lines if known.isascii() and b"\0" not in known]
    return [(part["g"].decode().rpartition("/")[2], part["s"].decode()) for part in found if part]


def held(value: str) -> bytes:
    """The spaces and brackets of a value, in order."""
    return bytes(byte for byte in value.encode("latin-1") if byte == ord(" ") or byte in BRACKETS)


def values(one: Template, column: str, marks: bytes | None) -> list[str]:
    """What the template lets stand in a field, of what we know; what lines have there comes first."""
    values = [*known_values().get((one.kind, column), []), *VALUES.get(column, NAMES)]
    known = [value for value in values if marks is None or held(value) == marks]
    pattern = one.where.get(column)
    return [value for value in known if pattern is None or re.fullmatch(pattern, value, re.ASCII)] or known or [""]


def render(one: Template, fields: list[str]) -> str:
    words = [literal.text.decode() for literal in one.literals]
    return "".join(piece for pair in zip(words, [*fields, ""], strict=True) for piece in pair)


def line(program: str, said: str) -> bytes:
    return f"Nov 22 12:00:09 mx1 {program}[7]: {said}\n".encode("latin-1")


@pytest.mark.parametrize(("program", "one"), EACH, ids=[f"{program}-{n}" for n, (program, _) in enumerate(EACH)])
def test_a_template_reads_its_own_line(program: str, one: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no pattern is asked: the first value of each field is one that the template is for."""
    asked: list[str] = []
    monkeypatch.setattr(parser, "read_said", lambda _raw, _tag, said, _coverage: asked.append(said))
    said = render(one, [values(one, gap.column, gap.marks)[0] for gap in one.gaps])
    found = compare(line(program, said) * 3)
    assert found.events["kind"].to_pylist() == ([] if one.kind == IGNORED else [one.kind] * 3)
    assert asked == [], said


@pytest.mark.parametrize("program", TEMPLATES)
def test_every_value_in_every_field(program: str) -> None:
    """One field after the other, while the rest of the line is as it should be."""
    lines = [line("postfix/qmgr", "4F1D61C0: removed")]
    for one in TEMPLATES[program]:
        usual = [values(one, gap.column, gap.marks)[0] for gap in one.gaps]
        for number, gap in enumerate(one.gaps):
            every = {*known_values().get((one.kind, gap.column), []), *VALUES.get(gap.column, NAMES)}
            texts = (render(one, [*usual[:number], value, *usual[number + 1 :]]) for value in sorted(every))
            lines += [line(program, said) for said in texts]
    compare(b"".join(lines))


def insert(value: str, mark: str, at: int) -> str:
    return value[:at] + mark + value[at:]


@settings(max_examples=30)
@pytest.mark.parametrize("program", TEMPLATES)
@given(st.data())
def test_what_templates_take_is_what_the_patterns_say(program: str, data: st.DataObject) -> None:
    """Fields of all kinds, most of them plausible, in the lines of each template, all in one block."""
    lines = [line("postfix/qmgr", "4F1D61C0: removed")]
    for one in data.draw(st.lists(st.sampled_from(TEMPLATES[program]), min_size=1, max_size=20)):
        fields = []
        for gap in one.gaps:
            good = st.sampled_from(values(one, gap.column, gap.marks))
            nearly = st.builds(insert, good, st.sampled_from(",;:=()/%'\\"), st.integers(0, 3))
            fields.append(data.draw(st.one_of(good, good, good, nearly, ANYTHING)))
        lines.append(line(program, render(one, fields)))
    compare(b"".join(lines))


CONNECT = template("connect", "connect from {client_name}[{client_address}]")
REFUSED = template("verdict", "refused: {text:*}; from=<{sender}>")
NOTE = template("note", "{queue_id}: {reason: } ok")
REMOVED = template("removed", "{queue_id}: removed")


@pytest.mark.parametrize(
    ("one", "said", "fields"),
    [
        (CONNECT, "connect from a.example[192.0.2.1]", ["a.example", "192.0.2.1"]),
        (CONNECT, "connect from [192.0.2.1]", ["", "192.0.2.1"]),
        (CONNECT, "connect from a[]", ["a", ""]),
        (CONNECT, "connect from a[b];", None),
        (CONNECT, "connect from a[b", None),
        (CONNECT, "connect from a]b[", None),
        (CONNECT, "connect from a<b>", None),
        (CONNECT, "connect from a[b]]", None),
        (CONNECT, "connect from  a[b]", None),
        (CONNECT, "Connect from a[b]", None),
        (CONNECT, "connect fron a[b]", None),
        (CONNECT, "connectfrom a [b]", None),
        (CONNECT, "", None),
        (REFUSED, "refused: ; from=<>", ["", ""]),
        (REFUSED, "refused: a <b> [c; from=<d>", ["a <b> [c", "d"]),
        (REFUSED, "refused: a; from=<b>; from=<c>", ["a; from=<b>", "c"]),
        (REFUSED, "refused: a; from=<b c>", None),
        (REFUSED, "refused: a; from=<b>>", None),
        (REFUSED, "refused: from=<b>", None),
        (REFUSED, "refused:; from=<b>", None),
        (NOTE, "ABCDE: a b ok", ["ABCDE", "a b"]),
        (NOTE, "ABCDE:  b ok", ["ABCDE", " b"]),
        (NOTE, "ABCDE: ab ok", None),
        (NOTE, "ABCDE a: b ok", None),
        (NOTE, "ABCDE: a b OK", None),
        (REMOVED, "ABCDE: removed", ["ABCDE"]),
        (REMOVED, ": removed", [""]),
        (REMOVED, "ABCDE: remove", None),
        (REMOVED, "ABCDE; removed", None),
        (REMOVED, "ABCDE removed", None),
        (REMOVED, "removed", None),
    ],
)
def test_what_fits_to_the_last_byte(one: Template, said: str, fields: list[str] | None) -> None:
    """Between two lines that do."""
    other = render(
        one, ["A0B1C" if gap.column == "queue_id" else "x y" if gap.marks == b" " else "x" for gap in one.gaps]
    )
    marks = Marks("\n".join(["a [header]", other, said, other]).encode())
    found = matched(one, marks)

    # The scanner looks at queue ids at once.
    if marks.scanner is not None and fields is not None and one.gaps[0].column == "queue_id" and len(fields[0]) < 5:
        fields = None
    assert found.rows.tolist() == ([1, 3] if fields is None else [1, 2, 3])
    if fields is not None:
        spans = [found.spans[gap.column] for gap in one.gaps]
        assert [marks.data[begin[1] : end[1]].decode() for begin, end in spans] == fields
