"""postgrey's options: what it was started with, as far as that decides who is greylisted.

The source is postgrey 1.37, main(): an option that is 0 or empty counts as not given, and options are not abbreviated.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor.errors import AdvisorError
from advisor.whitelist import Clients, Recipients, clients, recipients

_DAY = 86_400
CLIENT_FILES = ("/etc/postgrey/whitelist_clients", "/etc/postgrey/whitelist_clients.local")
RECIPIENT_FILES = ("/etc/postgrey/whitelist_recipients", "/etc/postgrey/whitelist_recipients.local")

_WHERE = "postgrey's options"
_FLAG, _NUMBER, _TEXT, _MAYBE = "no value", "a number", "a text", "a text or none"

_DECISIVE = {
    "delay": _NUMBER,
    "max-age": _NUMBER,
    "retry-window": _TEXT,
    "auto-whitelist-clients": _MAYBE,
    "lookup-by-subnet": _FLAG,
    "lookup-by-host": _FLAG,
    "ipv4cidr": _NUMBER,
    "ipv6cidr": _NUMBER,
    "whitelist-clients": _TEXT,
    "whitelist-recipients": _TEXT,
    "greylist-action": _TEXT,
    "greylist-text": _TEXT,
}
_INDIFFERENT = {
    **dict.fromkeys(("unix", "u", "inet", "i", "socketmode", "listen-queue-size"), (_TEXT, "where it listens")),
    **dict.fromkeys(("user", "group", "dbdir", "pidfile"), (_TEXT, "as whom it runs, and where its files are")),
    **dict.fromkeys(("daemonize", "d"), (_FLAG, "whether it runs in the background")),
    **dict.fromkeys(("verbose", "v", "quiet", "q"), (_FLAG, "what it logs")),
    **dict.fromkeys(("syslogfacility", "syslog-facility", "facility"), (_TEXT, "what it logs")),
    **dict.fromkeys(("hostname", "x-greylist-header"), (_TEXT, "the header of mail that was delayed")),
    "privacy": (_FLAG, "in which form it keeps the triplets"),
    "exim": (_FLAG, "whether it hangs up after each answer"),
}
"""Options that decide nothing about a message: the value they take, and what they are about."""

_ANSWERS = {"DEFER_IF_PERMIT": "defer_if_permit", "DEFER": "defer", "REJECT": "reject", "DUNNO": "dunno"}
# 4.7.1 Please come back: a text with an enhanced status code of its own
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\d)")
# 2 (days) or 6h
_WINDOW = re.compile(r"(\d+)(h?)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Options:
    """How postgrey decides: times in seconds; `auto_whitelist` successes let a client through, 0: never.

    `client_files` and `recipient_files` are its whitelists, `greylist_action` what it tells Postfix to do.
    `indifferent` names the options given that decide nothing.
    """

    delay: int = 300
    max_age: int = 35 * _DAY
    retry_window: int = 2 * _DAY
    auto_whitelist: int = 5
    lookup_by_host: bool = False
    ipv4cidr: int = 24
    ipv6cidr: int = 64
    client_files: tuple[str, ...] = CLIENT_FILES
    recipient_files: tuple[str, ...] = RECIPIENT_FILES
    greylist_action: str = "DEFER_IF_PERMIT"
    greylist_text: str = "Greylisted"
    indifferent: tuple[str, ...] = ()

    @property
    def answer(self) -> str:
        """What a restriction answers that greylists: defer_if_permit, unless postgrey was told another action."""
        action = self.greylist_action.upper()
        return {"4": "defer", "5": "reject"}.get(action[:1]) or _ANSWERS[action]

    @property
    def reply(self) -> str:
        """The reply code and the enhanced one of a greylisted recipient."""
        code = self.greylist_action if self.greylist_action.isdigit() else "450"
        status = _STATUS.match(self.greylist_text)
        # postgrey puts 4.2.0 before a text that does not begin with a digit; for a policy's answer Postfix has 4.7.1.
        default = "4.7.1" if self.greylist_text[:1].isdigit() else "4.2.0"
        return f"{code} {status[1] if status else default}"


def parse_options(text: str) -> Options:
    """Read options as they stand in POSTGREY_OPTS or on a command line; AdvisorError for what postgrey refuses."""
    given: dict[str, Any] = {"whitelist-clients": [], "whitelist-recipients": []}
    indifferent = []
    for name, value in _given(text):
        if name in _INDIFFERENT:
            indifferent.append(f"--{name}: {_INDIFFERENT[name][1]}")
        elif name in ("whitelist-clients", "whitelist-recipients"):
            given[name].append(value)
        else:
            given[name] = value
    return Options(
        delay=_number(given, "delay") or Options.delay,
        max_age=_DAY * (_number(given, "max-age") or 35),
        retry_window=_window(given.get("retry-window", "2")),
        auto_whitelist=_successes(given.get("auto-whitelist-clients") or "5"),
        lookup_by_host="lookup-by-host" in given,
        ipv4cidr=_length(given, "ipv4cidr", 32) or Options.ipv4cidr,
        ipv6cidr=_length(given, "ipv6cidr", 128) or Options.ipv6cidr,
        client_files=tuple(given["whitelist-clients"]) or CLIENT_FILES,
        recipient_files=tuple(given["whitelist-recipients"]) or RECIPIENT_FILES,
        greylist_action=_action(given.get("greylist-action") or Options.greylist_action),
        greylist_text=given.get("greylist-text") or Options.greylist_text,
        indifferent=tuple(indifferent),
    )


def _wrong(what: str, todo: str = "see postgrey(8)") -> AdvisorError:
    return AdvisorError(_WHERE, what, todo)


def _given(text: str) -> Iterator[tuple[str, str]]:
    """Each option with its value, as Getopt::Long reads them under `posix_default`."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _wrong(f"cannot be read ({error})", "close the quotes") from None
    if words and words[0].rpartition("/")[2] == "postgrey":
        del words[0]
    words.reverse()
    while words:
        word = words.pop()
        if not word.startswith("-") or word in ("-", "--"):
            raise _wrong(f"'{word}' is no option, and postgrey reads none behind it", "take it out")
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        kind = _DECISIVE.get(name) or _INDIFFERENT.get(name, ("",))[0]
        if not kind:
            raise _wrong(f"--{name} is none that postgrey 1.37 runs with")
        if kind == _FLAG and equals:
            raise _wrong(f"--{name} takes no value")
        if kind in (_NUMBER, _TEXT) and not equals:
            if not words:
                raise _wrong(f"--{name} needs {kind}")
            value = words.pop()
        if kind == _MAYBE and not equals and words and not words[-1].startswith("-"):
            value = words.pop()
        yield name, value


def _number(given: Mapping[str, Any], name: str) -> int:
    """A number, or 0."""
    text = given.get(name, "0")
    if not re.fullmatch(r"[-+]?[0-9]+", text):
        raise _wrong(f"--{name}={text} is not a number")
    return int(text)


def _length(given: Mapping[str, Any], name: str, bits: int) -> int:
    number = _number(given, name)
    if not 0 <= number <= bits:
        raise _wrong(f"--{name}={number} is not between 1 and {bits}")
    return number


def _window(text: str) -> int:
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise _wrong(f"--retry-window={text} is neither days nor hours", "write 2 (days) or 6h")
    return int(found[1]) * (3600 if found[2] else _DAY)


def _successes(text: str) -> int:
    """How many successes let a client through; to Perl `00` is true, and no fewer than the first."""
    if not re.fullmatch(r"[0-9]+", text):
        raise _wrong(f"--auto-whitelist-clients={text} is not a number")
    return 0 if text == "0" else max(1, int(text))


def _action(text: str) -> str:
    if text.upper() not in _ANSWERS and not re.fullmatch(r"[45]\d\d", text, re.ASCII):
        raise _wrong(f"--greylist-action={text} cannot be simulated", f"it may be {', '.join(_ANSWERS)} or a code")
    return text


@dataclass(frozen=True)
class Whitelists:
    """Whom postgrey never greylists; `missing` are the files that are not there: it warns and goes on without."""

    clients: Clients = field(default_factory=Clients)
    recipients: Recipients = field(default_factory=Recipients)
    missing: tuple[str, ...] = ()

    @property
    def ignored(self) -> tuple[str, ...]:
        """The lines that postgrey passes over."""
        return self.clients.ignored + self.recipients.ignored


def whitelists(options: Options, content: Callable[[str], bytes | None]) -> Whitelists:
    """Read the whitelists; `content` gives a file's bytes, None where there is no such file.

    Raises AdvisorError for a pattern that Python would not read as Perl does.
    """
    found = {name: content(name) for name in (*options.client_files, *options.recipient_files)}
    missing = tuple(name for name, data in found.items() if data is None and not name.endswith(".local"))
    return Whitelists(
        clients({name: found[name] or b"" for name in options.client_files}),
        recipients({name: found[name] or b"" for name in options.recipient_files}),
        missing,
    )
