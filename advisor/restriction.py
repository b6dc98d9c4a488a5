"""A restriction: one access check of Postfix, asked of past attempts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from inspect import getdoc
from typing import Any, NamedTuple

import narwhals as nw

from advisor.likeness import Alike
from advisor.substitute import Instead

Flag = bool | None
"""The value of a three-valued column."""

Predicate = Callable[[], nw.Expr]
"""Three-valued: True it objects (or permits), False no objection, null: the log does not say."""

WORDS = ("permit", "discard", "reject", "defer", "defer_if_permit", "defer_if_reject", "dunno")
"""Every answer there is. `defer_if_permit` and `defer_if_reject` let the evaluation go on and change what it comes to;
`discard` is the action of an access map that takes the mail and throws it away."""

REFUSES = frozenset({"reject", "defer", "defer_if_permit"})
"""The answers that turn mail away, sooner or later."""

MAP_WORDS = WORDS[:-1]
"""What an access map or a policy service may say beside `dunno`: anything."""


class Told(NamedTuple):
    """What a function said of one value: a word of WORDS, and for a refusal the code where it is not the site's own.

    `basis` is looked_up, derived or inferred; `asked_at` is when the DNS was asked.
    """

    word: str
    reply: str = ""
    basis: str = "looked_up"
    asked_at: datetime | None = None


Tell = Callable[..., Told | None]
"""tell(argument, dns: Responses, day: datetime | None, *values: str | bool | None) -> Told | None.

For what no column expression can tell: it is asked once for each tuple of values of the columns `of`. None: no
evidence. `day` is near the time of the attempt, or None where all questions to the DNS were asked on one day."""


@dataclass(frozen=True)
class Restriction:
    """A check named as in postconf(5), with what Postfix answers and how it words it.

    `parameter` is the list it belongs into, `needs` the columns of the attempt its predicate reads, `reply` Postfix's
    default code and enhanced code, `code_parameter` the setting that changes the code, `except_reply` the cases that
    get another one, `says` the beginning of Postfix's words (which is how logged rejects are mapped back; '' where it
    logs none), `since` the first Postfix that has it under this name. `tell` speaks where the predicate is null, of
    the columns `of` (and says `defer` in the cases of `recheck`, which the log takes for final); `tells` are the words
    that it may say beside those that follow from the codes, and `tempfail_parameter` the setting that makes a `defer`
    of its `defer_if_permit`. `alike` says which values `tell` need not be asked about one by one, `instead` which
    columns make no difference.
    """

    predicate: Predicate
    parameter: str
    needs: tuple[str, ...]
    since: str
    reply: str = ""
    says: str = ""
    code_parameter: str = ""
    except_reply: tuple[tuple[Predicate, str], ...] = ()
    tip: int = 0
    named: str = ""
    of: tuple[str, ...] = ()
    tell: Tell | None = None
    tells: tuple[str, ...] = ()
    tempfail_parameter: str = ""
    alike: Alike | None = None
    instead: Instead | None = None
    recheck: Predicate | None = None

    @property
    def name(self) -> str:
        """The restriction's name in postconf(5): that of its predicate, if it has none of its own."""
        return self.named or self.predicate.__name__

    @property
    def fixed_replies(self) -> frozenset[str]:
        """Those of `except_reply` that tell the case, since it gives no other: whatever code the site has set."""
        return frozenset(reply for _, reply in self.except_reply) - {self.reply}

    @property
    def permits(self) -> bool:
        """Whether it lets mail pass rather than turn it away."""
        return not self.reply

    @property
    def page(self) -> str:
        """What `advisor explain` shows."""
        return getdoc(self.predicate) or ""


def restriction(**facts: Any) -> Callable[[Predicate], Restriction]:  # noqa: ANN401 - the fields of Restriction
    """Make a predicate, named as in postconf(5), a Restriction; the facts are its fields."""
    return lambda predicate: Restriction(predicate, **facts)


def unlogged() -> nw.Expr:
    """The predicate of what no log shows: null in every row."""
    return nw.col("not_logged")


def one_of(column: str, *values: str) -> nw.Expr:
    """Whether a column has one of these values; null where it is null.

    Not `is_in`: pandas answers False there for a missing value, and missing evidence would count as harmless.
    """
    found = nw.col(column) == values[0]
    for value in values[1:]:
        found = found | (nw.col(column) == value)
    return found


def known(truth: nw.Expr, *, when_true: nw.Expr, when_false: nw.Expr) -> nw.Expr:
    """A value for True and one for False; null for null.

    A plain `when(p).then(a).otherwise(b)` gives b for a null p on every engine, so all agree and are wrong.
    """
    return nw.when(truth).then(when_true).otherwise(nw.when(~truth).then(when_false))


def _word(code: str) -> str:
    return "defer" if code.startswith("4") else "reject"


@dataclass(frozen=True)
class Asked:
    """A restriction as somebody asked for it: with its argument, under warn_if_reject or not, and the site's code.

    `soft` says that soft_bounce makes a 4xx of every 5xx, `defers` that the site's tempfail action is `defer`,
    `blind` that the list is asked before the command that it needs (smtpd_delay_reject = no). `listed` is the list that
    it stands in, where there are several, and `spelled` how it was asked where that is not by its name. `shifted` says
    that the log was written under another code than is asked for: then the log tells whether, not with which code.
    """

    restriction: Restriction
    argument: str = ""
    warn: bool = False
    code: str = ""
    simulated: bool = True
    soft: bool = False
    defers: bool = False
    blind: bool = False
    listed: str = ""
    spelled: str = ""
    shifted: bool = False

    @property
    def column(self) -> str:
        """The name of its answer's column: as asked, argument included."""
        return self.spelled or f"{self.restriction.name} {self.argument}".strip()

    def logged(self) -> nw.Expr:
        """Whether Postfix itself said so of this attempt: it refused it with these words, or warned. Never null."""
        if not self.restriction.says:
            return nw.col("not_logged").fill_null(value=False)
        refused = (nw.col("restriction") == self.restriction.name).fill_null(value=False)
        if self.argument:
            return refused & (nw.col("list") == self.argument.partition("=")[0]).fill_null(value=False)
        return refused | self._warned("")

    def _warned(self, code: str) -> nw.Expr:
        pattern = f";{self.restriction.name} {code}"
        return nw.col("warned").fill_null("").str.contains(pattern, literal=True)

    def _truth(self) -> nw.Expr:
        """Whether it objects (or permits): what Postfix logged, else what follows from the log, else null.

        Postfix takes mail for a bare `postmaster` without asking any list (smtpd_check_rcpt()).
        """
        if self.blind:
            return self.logged()
        found = self.restriction.predicate()
        if self.restriction.parameter in AT_RCPT:
            found = found & ~_bare_postmaster()
        return self.logged() | found

    def _own(self, reply: str) -> str:
        """A reply's code as this site sends it."""
        code = reply[:3]
        return f"4{code[1:]}" if self.soft and code.startswith("5") else code

    @property
    def own_code(self) -> str:
        """The code of its refusal where nothing else is said."""
        return self._own(self.code or self.restriction.reply)

    def heard(self, told: Told) -> Told:
        """What was told, with the words and the code that this site makes of it."""
        if told.word in ("reject", "defer"):
            code = self._own(told.reply) or self.own_code
            return told._replace(word=_word(code), reply=code)
        if told.word == "defer_if_permit":
            return told._replace(word="defer" if self.defers else told.word, reply=self._own(told.reply) or "450")
        return told._replace(reply="")

    def _by_code(self, said: nw.Expr, value: Callable[[str], str], told: str) -> nw.Expr:
        """A value that follows from the reply code: as logged, else by the site's code, else by Postfix's default.

        Some cases have their own code whatever is set. `told` names the column of what was told, if there is one.
        """
        chosen = nw.lit(value(self.own_code))
        for case, reply in self.restriction.except_reply:
            own = case().fill_null(value=False)
            if reply in self.restriction.fixed_replies:
                own = own | self._warned(reply)
            chosen = nw.when(own).then(nw.lit(value(self._own(reply)))).otherwise(chosen)
        doubtful = self._doubtful()
        if told and doubtful is not None:
            waiting = doubtful & one_of(told, "defer", "defer_if_permit").fill_null(value=False)
            chosen = nw.when(waiting).then(nw.lit(value("450"))).otherwise(chosen)
        if self.shifted or not self.restriction.says:
            return chosen
        if not self.argument:
            for code in self._warned_codes(value):
                warned = self._warned(code if value is str else code[0])
                chosen = nw.when(warned).then(nw.lit(value(code))).otherwise(chosen)
        refused = (nw.col("restriction") == self.restriction.name).fill_null(value=False) & ~nw.col("reply").is_null()
        return nw.when(refused).then(said).otherwise(chosen)

    def _doubtful(self) -> nw.Expr | None:
        """Rows whose refusal may be a 450 after all, for a look-up that failed for the moment; None: there are none."""
        found = self.restriction
        if not self.own_code.startswith("5"):
            return None
        if found.recheck is not None:
            doubtful = found.recheck().fill_null(value=False)
            return doubtful if self.shifted else doubtful & ~self.logged()
        return self.logged() if self.shifted and "defer_if_permit" in found.tells else None

    def _warned_codes(self, value: Callable[[str], str]) -> tuple[str, ...]:
        """The codes to look for in what warn_if_reject logged, the likeliest last; for a word the first digit does."""
        if value is not str:
            return "550", "450"
        cases = (self._own(reply) for _, reply in self.restriction.except_reply)
        return tuple(dict.fromkeys(("550", "450", *cases, self._own(self.restriction.reply), self.own_code)))

    def answer(self, told: str = "") -> nw.Expr:
        """A word of WORDS; null where there is no evidence.

        `told` is the number behind the columns of what was told (`told_3`), for rows that the log is silent on.
        """
        column = f"told_{told}" if told else ""
        yes = nw.lit("permit") if self.restriction.permits else self._by_code(nw.col("action"), _word, column)
        return self._either(yes, nw.lit("dunno"), column)

    def _either(self, when_true: nw.Expr, when_false: nw.Expr, told: str) -> nw.Expr:
        truth = self._truth()
        if not told:
            return known(truth, when_true=when_true, when_false=when_false)
        return nw.when(truth).then(when_true).otherwise(nw.when(~truth).then(when_false).otherwise(nw.col(told)))

    def reply(self, told: str = "") -> nw.Expr:
        """The code of its refusal, where it refuses."""
        own = self._by_code(nw.col("reply"), str, f"told_{told}" if told else "")
        return self._either(own, own, f"told_reply_{told}") if told else own

    def basis(self, told: str = "") -> nw.Expr:
        """Where the answer comes from: logged, derived, looked_up or inferred; null where there is none.

        What depends on a HELO that was inferred is inferred, and so is a code that nobody can tell for certain.
        """
        derived = self._either(nw.lit("derived"), nw.lit("derived"), f"told_basis_{told}" if told else "")
        if {"helo_name", "helo_syntax", "helo_found"} & {*self.restriction.needs, *self.restriction.of}:
            inferred = (nw.col("helo_basis") == "inferred").fill_null(value=False) & ~derived.is_null()
            derived = nw.when(inferred).then(nw.lit("inferred")).otherwise(derived)
        basis = nw.when(self.logged()).then(nw.lit("logged")).otherwise(derived)
        doubtful = self._doubtful()
        if doubtful is None:
            return basis
        heard = nw.col(f"told_basis_{told}").fill_null("inferred") if told else nw.lit("inferred")
        return nw.when(doubtful).then(heard).otherwise(basis)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words other than `dunno` that it may answer."""
        if self.blind:
            return frozenset()
        if self.restriction.permits:
            return frozenset({"permit", *self.restriction.tells})
        codes = {self.own_code, *(self._own(reply) for _, reply in self.restriction.except_reply)}
        told = {"defer" if word == "defer_if_permit" and self.defers else word for word in self.restriction.tells}
        return frozenset({*map(_word, codes), *told})


AT_RCPT = tuple(f"smtpd_{name}_restrictions" for name in ("client", "helo", "sender", "relay", "recipient"))


def _bare_postmaster() -> nw.Expr:
    return (nw.col("recipient").str.to_lowercase() == "postmaster").fill_null(value=False)


def ask(found: Restriction, codes: Mapping[str, str], argument: str = "", *, warn: bool = False) -> Asked:
    """A restriction with the code that the site has set for it (`codes`: parameter → value)."""
    return Asked(
        found,
        argument,
        warn,
        codes.get(found.code_parameter, "") if found.code_parameter else "",
        soft=codes.get("soft_bounce", "no").lower() == "yes",
        defers=bool(found.tempfail_parameter) and codes.get(found.tempfail_parameter, "").lower() == "defer",
    )
