"""A story: all that a log says of one client, one address or one message, line by line, and what became of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from textwrap import wrap
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from advisor.chapter import Book, Line
from advisor.connection import connected
from advisor.errors import AdvisorError
from advisor.evidence import sentence, verdict
from advisor.reports.visible import visible
from advisor.response import Responses
from advisor.restriction import Asked
from advisor.simulation import answers

SCHEMA = 1
"""The number of the JSON form; it grows when a key changes its meaning or goes."""
SHOWN = 60
"""Lines of a story that a terminal shows: its beginning and its end; `--all` shows the rest."""

Row = dict[str, Any]

# 4F1D61C0   3kXn5Y0zqHz2mQ: hexadecimal, or with enable_long_queue_ids (global/mail_queue.h)
_QUEUE_ID = re.compile(r"\A(?:[0-9A-F]{5,16}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{9,20}z[0-9A-Za-z]{2,5})\Z", re.ASCII)
# mail.good.example   unknown
_NAME = re.compile(r"\A(?:[\w-]{1,63}\.)+[\w-]{1,63}\.?\Z|\A(?:localhost|unknown)\Z", re.ASCII)


@dataclass(frozen=True)
class Answer:
    """What a restriction would have answered to an attempt, as if it stood alone; null: no evidence."""

    restriction: str
    answer: str | None
    basis: str | None


@dataclass(frozen=True)
class Fate:
    """An attempt of the story: what became of it, the evidence, and what each restriction would have answered.

    `wanted` is the verdict of all evidence (None: undecided), `evidence` says it in words. `session` and `message` are
    those of the attempt: a message that comes again keeps its name.
    """

    time: datetime | None
    session: str
    message: str | None
    client: str
    sender: str | None
    recipient: str | None
    stage: str | None
    action: str
    reply: str | None
    text: str | None
    status: str | None
    origin: str
    wanted: bool | None
    evidence: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Chapter:
    """One session, or one message that began without any: its lines in log order, and its attempts."""

    lines: tuple[Line, ...]
    attempts: tuple[Fate, ...]


@dataclass(frozen=True)
class Trace:
    """The chapters about `key`, in log order; `kind` says what the key was taken for, `near` what looks like it."""

    key: str
    kind: str
    chapters: tuple[Chapter, ...]
    near: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON; times are in UTC."""
        return {"schema": SCHEMA, **_plain(asdict(self))}


def kind_of(key: str) -> str:
    """What a key is: address, network, mail, queue id or name; AdvisorError where it can be none of these."""
    try:
        ip_address(key)
    except ValueError:
        pass
    else:
        return "address"
    if "/" in key:
        try:
            ip_network(key, strict=False)
        except ValueError:
            pass
        else:
            return "network"
    if "@" in key or key == "<>":
        return "mail"
    if _QUEUE_ID.match(key):
        return "queue id"
    if _NAME.match(key):
        return "name"
    todo = "give a client's address, network or name, an e-mail address, or a queue id"
    raise AdvisorError("trace", f"'{visible(key)}' is none of what a log line names", todo)


def trace(key: str, events: pa.Table, attempts: pa.Table, asked: Sequence[Asked], dns: Responses) -> Trace:
    """Tell the story of a key from events (in log order) and attempts with their `reasons`.

    A session comes with its messages and with what content filters made of them, a message with its session.
    AdvisorError where the key can be none of the kinds.
    """
    kind = kind_of(key)
    found = _matches(key, kind, events, attempts)
    if not found:
        return Trace(key, kind, (), _near(key, kind, events))
    book = Book(events)
    # A message that was turned away and came again is one story.
    places = list(zip(attempts["source"].to_pylist(), attempts["offset"].to_pylist(), strict=True))
    messages = attempts["message"].to_pylist()
    roots = {book.root_at(place) for place in found}
    again = {name for name, place in zip(messages, places, strict=True) if name and book.root_at(place) in roots}
    if kind in ("queue id", "mail"):
        roots |= {book.root_at(place) for name, place in zip(messages, places, strict=True) if name in again}
    held = pa.array([book.root_at(place) in roots for place in places], pa.bool_())
    fates: dict[Any, list[Fate]] = {}
    for place, fate in _fates(attempts.filter(held), asked, dns):
        fates.setdefault(book.root_at(place), []).append(fate)
    chapters = [Chapter(tuple(lines), tuple(fates.get(root, ()))) for root, lines in book.chapters(roots)]
    return Trace(key, kind, tuple(chapters))


def _matches(key: str, kind: str, events: pa.Table, attempts: pa.Table) -> set[tuple[str, int]]:
    """The places of the lines and attempts that name the key."""
    columns = {
        "address": ("client_address",),
        "network": ("client_address",),
        "mail": ("sender", "recipient", "orig_recipient"),
        "queue id": ("queue_id",),
        "name": ("client_name", "reverse_client_name"),
    }[kind]
    places: set[tuple[str, int]] = set()
    for table in (events, attempts):
        for column in columns:
            if column in table.column_names:
                hit = table.filter(_names(key, kind, table[column]))
                places |= set(zip(hit["source"].to_pylist(), hit["offset"].to_pylist(), strict=True))
    return places


def _names(key: str, kind: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if kind in ("address", "network"):
        network = ip_network(key, strict=False)
        inside = [text for text in pc.unique(column).to_pylist() if text and _inside(text, network)]
        return pc.is_in(column, pa.array(inside, pa.string()))
    if kind == "queue id":
        return pc.fill_null(pc.equal(column, key), fill_value=False)
    wanted = "" if key == "<>" else key.lower().rstrip(".").strip("<>")
    return pc.fill_null(pc.equal(pc.utf8_lower(column), wanted), fill_value=False)


def _inside(text: str, network: Any) -> bool:  # noqa: ANN401 - IPv4Network or IPv6Network
    try:
        return ip_address(text.partition("%")[0]) in network
    except ValueError:
        return False


def _near(key: str, kind: str, events: pa.Table) -> tuple[str, ...]:
    """What the log names that looks like the key."""
    column = {"mail": "sender", "queue id": "queue_id", "name": "client_name"}.get(kind, "client_address")
    names = {name for name in pc.unique(events[column]).to_pylist() if name}
    if kind == "mail":
        names |= {name for name in pc.unique(events["recipient"]).to_pylist() if name}
    return tuple(get_close_matches(key, sorted(names), n=3, cutoff=0.75))


def _fates(attempts: pa.Table, asked: Sequence[Asked], dns: Responses) -> Iterator[tuple[tuple[str, int], Fate]]:
    """The attempts with what became of them and what each restriction would have answered."""
    if not attempts.num_rows:
        return
    with connected() as engine:
        engine.register("story", attempts)
        table = answers(engine.table("story"), asked, dns).to_arrow_table()
    for row in table.to_pylist():
        said = tuple(Answer(one.column, row[f"answer_{n}"], row[f"basis_{n}"]) for n, one in enumerate(asked))
        names = ("time", "session", "message", "sender", "recipient", "stage", "action", "reply", "text", "status")
        yield (
            (row["source"], row["offset"]),
            Fate(
                **{name: row[name] for name in names},
                client=f"{row['client_name'] or 'unknown'}[{row['client_address'] or 'unknown'}]",
                origin=row["origin"],
                wanted=verdict(row["reasons"]),
                evidence=sentence(row["reasons"]),
                answers=said,
            ),
        )


def _plain(value: Any) -> Any:  # noqa: ANN401 - any part of a story
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def terminal(found: Trace, zone: tzinfo, *, width: int = 80, everything: bool = False) -> str:
    """The story as text; a long one is cut in its middle, with the number of lines left out."""
    if not found.chapters:
        near = f" The log names {', '.join(map(visible, found.near))}." if found.near else ""
        return f"Nothing in this log names {visible(found.key)} ({found.kind}).{near}\n"
    told = [line for chapter in found.chapters for line in (*_told(chapter, zone, width), "")][:-1]
    attempts = sum(len(chapter.attempts) for chapter in found.chapters)
    title = f"{visible(found.key)} ({found.kind}): {len(found.chapters):,} sessions or messages, {attempts:,} attempts"
    if not everything and len(told) > SHOWN:
        left = len(told) - SHOWN
        told[SHOWN // 2 : -SHOWN // 2] = ["", f"... {left:,} lines of the story are left out; --all shows them.", ""]
    return "\n".join([title, "", *told]) + "\n"


def _told(chapter: Chapter, zone: tzinfo, width: int) -> Iterator[str]:
    for line in chapter.lines:
        when = _clock(line.time, zone)
        who = visible(line.program or "?")
        message = f"{visible(line.queue_id)}: " if line.queue_id else ""
        yield from _wrapped(f"{when} {who}: {message}{line.said}", "    ", width)
    for fate in chapter.attempts:
        yield from _judged(fate, width)


def _judged(fate: Fate, width: int) -> Iterator[str]:
    """What became of an attempt, the evidence, and the restrictions that would have said something."""
    sender = "unknown sender" if fate.sender is None else f"<{fate.sender}>"
    recipient = "no recipient" if fate.recipient is None else f"<{fate.recipient}>"
    became = f"{fate.action} {fate.reply or ''}".strip() + (f", then {fate.status}" if fate.status else "")
    yield from _wrapped(f"  => {sender} to {recipient}: {became}", "     ", width)
    if fate.origin != "outside":
        yield from _wrapped(f"     ours ({fate.origin}): not judged", "     ", width)
        return
    word = {True: "wanted", False: "unwanted", None: "undecided"}[fate.wanted]
    yield from _wrapped(f"     {word}: {fate.evidence}", "     ", width)
    for one in fate.answers:
        if one.answer not in (None, "dunno"):
            yield from _wrapped(f"     {one.restriction}: {one.answer} ({one.basis})", "       ", width)
    silent = [one.restriction for one in fate.answers if one.answer is None]
    objects = [one.restriction for one in fate.answers if one.answer == "dunno"]
    for words, names in (("no objection", objects), ("no evidence", silent)):
        if names:
            yield from _wrapped(f"     {words}: {', '.join(names)}", "       ", width)


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    lead = text[: len(text) - len(text.lstrip(" "))]
    return wrap(visible(text.lstrip(" ")), width, initial_indent=lead, subsequent_indent=indent, break_on_hyphens=False)


def _clock(time: datetime | None, zone: tzinfo) -> str:
    return time.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if time is not None else "(no time)"
