"""An SPF policy: what policyd-spf answers to one RCPT TO, from its settings and from what SPF says of HELO and sender.

policyd-spf 2.9.4 of spf-engine 3.0.4 (Debian's postfix-policyd-spf-python), its _spfcheck() step by step.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

from advisor.errors import AdvisorError
from advisor.response import FOUND
from advisor.spf_check import (
    BROKE_OFF,
    VOID_LIMIT,
    Ask,
    Check,
    Memory,
    Recorded,
    in_networks,
    number_of,
    without_record,
)

REJECT, DEFER, DUNNO = "reject", "defer_if_permit", "dunno"


@dataclass(frozen=True)
class Settings:
    """policyd-spf.conf(5), as far as it decides; the fields are its names, the defaults are those of the program.

    `ignored` are the lines that policyd-spf takes no notice of, `unknowable` the settings that nobody can follow from
    a log: with one of them there is no answer.
    """

    HELO_reject: str = "Fail"
    Mail_From_reject: str = "Fail"
    PermError_reject: str = "False"
    TempError_Defer: str = "False"
    skip_addresses: str = "127.0.0.0/8,::ffff:127.0.0.0/104,::1"
    Whitelist: str = ""
    HELO_Whitelist: str = ""
    Domain_Whitelist: str = ""
    Domain_Whitelist_PTR: str = ""
    Reject_Not_Pass_Domains: str = ""
    No_Mail: str = "False"
    SPF_Enhanced_Status_Codes: str = "Yes"
    TestOnly: int = 1
    Void_Limit: int = VOID_LIMIT
    ignored: tuple[str, ...] = ()
    unknowable: tuple[str, ...] = ()


DEFAULT = Settings()
RECORDING = Settings(HELO_reject="False", Mail_From_reject="False", skip_addresses="")
"""With these every question is asked that any settings can raise, but for those of the allowlists by domain."""

_UNKNOWABLE = ("Per_User", "Prospective", "HELO_pass_restriction", "Mail_From_pass_restriction", "Mock")
# What says nothing of the decision: the header, the log, how long to wait, and the milter's own.
_HARMLESS = frozenset(
    {
        *("debugLevel", "Header_Type", "Hide_Receiver", "Authserv_Id", "Lookup_Time", "Whitelist_Lookup_Time"),
        *("Reason_Message", "Socket", "PidFile", "UserID", "UMask", "InternalHosts", "IntHosts", "MacroList"),
    }
)
_NUMBERS = frozenset({"TestOnly", "Void_Limit"})
_SETTINGS = frozenset(found.name for found in fields(Settings)) - {"ignored", "unknowable"}


@lru_cache(maxsize=100)
def read_settings(text: str, where: str = "policyd-spf.conf") -> Settings:
    """Read a policyd-spf.conf as policyd-spf does (_readConfigFile() in policydspfsupp.py): the last line counts.

    Raises AdvisorError where it would not start for a number that is none.
    """
    found: dict[str, str | int] = {}
    ignored, unknowable = [], []
    for line in text.splitlines():
        words = [word.strip() for word in line.partition("#")[0].split("=")]
        name, value = words if len(words) == 2 else ("", "")
        if name == "defaultSeedOnly":
            name = "TestOnly"
        if name in _UNKNOWABLE:
            unknowable.append(name)
        elif name in _NUMBERS and not value.lstrip("+-").isdecimal():
            raise AdvisorError(where, f"{name} is {value!r}", "write a number: policyd-spf does not start with this")
        elif name in _SETTINGS:
            found[name] = int(value) if name in _NUMBERS else value
        elif words != [""] and name not in _HARMLESS:
            ignored.append(line.strip())
    # mypy cannot see that each value is of its field's type.
    return replace(DEFAULT, **found, ignored=tuple(ignored), unknowable=tuple(unknowable))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Judgement:
    """What policyd-spf answers, and from what.

    `word` is reject, defer_if_permit or dunno, None without evidence; `reply` the code of a refusal; `asked_at` when
    the oldest answer of the DNS was given; `missing` the questions that nobody has asked; `helo` and `sender` what SPF
    says of them.
    """

    word: str | None
    reply: str = ""
    asked_at: datetime | None = None
    missing: tuple[tuple[str, str], ...] = ()
    helo: str | None = None
    sender: str | None = None


def judge(client: str, helo: str | None, sender: str, ask: Ask, settings: Settings = DEFAULT) -> Judgement:
    """What policyd-spf answers about a client, its HELO ('': none was sent; None: not known) and sender ('': the null).

    `ask(name, type)` gives the DNS' answer, or None where nobody knows it: whoever records answers asks the DNS there.
    """
    if not isinstance(ask, Memory):
        return _judged(client, helo, sender, ask, settings)
    asked = (client, helo, sender, settings)
    if ask.last is None or ask.last[0] != asked:
        ask.last = asked, _judged(client, helo, sender, ask, settings)
    found: Judgement = ask.last[1]
    return found


def _judged(client: str, helo: str | None, sender: str, ask: Ask, settings: Settings) -> Judgement:
    recorded = Recorded(ask)
    who = (client.lower(), None if helo is None else helo.lower(), sender.lower())
    found = _Judge(*who, recorded, settings).judgement()
    if recorded.failed:
        # pyspf takes whichever DNS library there is: dnspython reports SERVFAIL, py3dns passes it off as no records.
        other = _Judge(*who, Recorded(ask, lenient=True), settings).judgement()
        word = found.word if found.word == other.word else None
        missing = tuple(dict.fromkeys((*found.missing, *other.missing)))
        return replace(found, word=word, reply=found.reply if word else "", missing=missing)
    return found


def _action(policy: str, settings: Settings, result: str | None) -> str:
    """The word for a result (_get_resultcodes() of spf_engine), without No_Mail."""
    rejects = {
        "SPF_Not_Pass": ("fail", "softfail", "neutral"),
        "Softfail": ("fail", "softfail"),
        "Fail": ("fail",),
        "Null": ("fail",),
    }
    if result in rejects.get(policy, ()):
        return REJECT
    if policy in ("False", "No_Check"):
        return DUNNO
    if result == "temperror" and settings.TempError_Defer == "True":
        return DEFER
    return REJECT if result == "permerror" and settings.PermError_reject == "True" else DUNNO


class _Judge:
    """One request."""

    def __init__(self, client: str, helo: str | None, sender: str, recorded: Recorded, settings: Settings) -> None:
        self._client, self._helo, self._sender = client, helo, sender
        self._recorded, self._settings = recorded, settings

    def judgement(self) -> Judgement:
        """The answer."""
        settings = self._settings
        if settings.unknowable or number_of(self._client) is None:
            return Judgement(None)
        # TestOnly = 0: nothing is refused (main() in policyd_spf.py). And without a sender and a HELO nothing is asked.
        if settings.TestOnly == 0 or (self._sender, self._helo) == ("", ""):
            return Judgement(DUNNO)
        passed = self._let_pass()
        if passed:
            return self._said(DUNNO)
        helo = self._of_helo() if settings.HELO_reject != "No_Check" else Check("none")
        sender = self._of_sender() if self._sender and settings.Mail_From_reject != "No_Check" else Check("none")
        results = {"helo": helo.result, "sender": sender.result}
        if passed is None:
            return self._said(None, **results)
        word, result = self._decide(helo, sender)
        return self._said(word, result, **results)

    def _said(self, word: str | None, result: str | None = None, **results: str | None) -> Judgement:
        reply = ""
        if word in (REJECT, DEFER):
            reply = _reply(word, result, enhanced=self._settings.SPF_Enhanced_Status_Codes != "No")
        return Judgement(word, reply, self._recorded.oldest, tuple(dict.fromkeys(self._recorded.missing)), **results)

    def _decide(self, helo: Check, sender: Check) -> tuple[str | None, str | None]:
        """The word, and the result that it follows from: the HELO comes first, and only its refusal counts."""
        by_helo = self._by_helo(helo)
        if by_helo in (REJECT, DEFER):
            return by_helo, helo.result
        if helo.result == BROKE_OFF or not self._sender:
            return by_helo, helo.result
        by_sender = self._by_sender(sender)
        if by_helo is None and (by_sender != REJECT or self._may_defer_helo()):
            return None, None
        # Of a HELO that is not known: whatever SPF says of it, the mail is refused, with this code but for an error.
        return by_sender, sender.result

    def _may_defer_helo(self) -> bool:
        settings = self._settings
        return settings.TempError_Defer == "True" or bool(settings.HELO_Whitelist)

    def _by_helo(self, helo: Check) -> str | None:
        settings = self._settings
        if settings.HELO_reject == "No_Check" or (settings.HELO_reject == "Null" and self._sender):
            return DUNNO
        if self._helo is None and settings.Reject_Not_Pass_Domains:
            return None
        return self._word("SPF_Not_Pass" if self._named(self._helo or "") else settings.HELO_reject, helo)

    def _by_sender(self, sender: Check) -> str | None:
        policy = self._settings.Mail_From_reject
        if policy == "No_Check":
            return DUNNO
        return self._word("SPF_Not_Pass" if self._named(self._sender.partition("@")[2]) else policy, sender)

    def _named(self, domain: str) -> bool:
        """Whether Reject_Not_Pass_Domains has a say: for those named and, as policyd-spf has it, for their parents."""
        wanted = self._settings.Reject_Not_Pass_Domains.lower()
        return bool(wanted) and any(f".{name}".endswith(f".{domain}") for name in wanted.split(","))

    def _word(self, policy: str, found: Check) -> str | None:
        if found.result is None:
            return DUNNO if policy in ("False", "No_Check") else None
        word = _action(policy, self._settings, found.result)
        if word == REJECT and self._settings.No_Mail == "True":
            # Only a domain that never sends mail is refused, told by its first record; they come in any order. At a
            # sender without one `@` policyd-spf dies here.
            whole = {text == "v=spf1 -all" for text in found.records}
            if len(whole) > 1 or self._sender.count("@") > 1:
                return None
            return REJECT if whole == {True} else DUNNO
        return word

    def _of_helo(self) -> Check:
        helo = self._helo
        if helo == "":
            # Without a HELO policyd-spf takes the sender's domain for it.
            helo = self._sender.partition("@")[2] if "@" in self._sender else "unknown"
        return Check(None) if helo is None else self._check(f"postmaster@{helo}", helo)

    def _of_sender(self) -> Check:
        helo = self._helo
        if helo == "":
            helo = self._sender.partition("@")[2] if "@" in self._sender else "unknown"
        return self._check(self._sender, helo)

    def _check(self, sender: str, helo: str | None) -> Check:
        found = without_record(sender, self._recorded)
        if found is not None:
            return found
        from advisor.spf_query import check  # noqa: PLC0415 - loads a DNS library, which most commands need not

        return check(self._client, sender, helo, self._recorded, self._settings.Void_Limit)

    def _let_pass(self) -> bool | None:
        """Whether an allowlist lets the client pass (_spfbypass() of spf_engine); None where that is not known."""
        settings = self._settings
        if in_networks(self._client, settings.skip_addresses) or in_networks(self._client, settings.Whitelist):
            return True
        found: list[bool | None] = []
        for domain in settings.Domain_Whitelist.split(",") if settings.Domain_Whitelist else ():
            result = self._check(domain, domain).result
            found.append(None if result is None else result == "pass")
        if settings.HELO_Whitelist:
            found.append(self._helo_listed(settings.HELO_Whitelist.split(",")))
        if settings.Domain_Whitelist_PTR:
            names = self._values(ip_address(self._client).reverse_pointer, "PTR")
            suffixes = tuple(settings.Domain_Whitelist_PTR.split(","))
            # Of several names policyd-spf takes the first, and they come in any order.
            ends = {name.endswith(suffixes) for name in names or ()}
            found.append(None if names is None or len(ends) > 1 else True in ends)
        return True if True in found else None if None in found else False

    def _helo_listed(self, allowed: list[str]) -> bool | None:
        if self._helo is None or self._helo not in allowed:
            return None if self._helo is None else False
        address = ip_address(self._client)
        values = self._values(self._helo, "A" if isinstance(address, IPv4Address) else "AAAA")
        return None if values is None else any(ip_address(value) == address for value in values)

    def _values(self, name: str, kind: str) -> tuple[str, ...] | None:
        found = self._recorded.find(name, kind)
        return None if found is None else found.values if found.status == FOUND else ()


def _reply(word: str, result: str | None, *, enhanced: bool) -> str:
    """The code; an error has its own. Without one of policyd-spf's Postfix adds its own (smtpd_check.c)."""
    if word == DEFER:
        return "450 4.7.24" if enhanced else "450 4.7.1"
    if not enhanced:
        return "550 5.7.1"
    return "550 5.7.24" if result in ("permerror", "temperror") else "550 5.7.23"
