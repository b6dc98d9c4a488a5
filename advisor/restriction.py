"""A restriction: one access check of Postfix, asked of past attempts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getdoc
from typing import Any

import narwhals as nw

Predicate = Callable[[], nw.Expr]
"""Three-valued: True it objects (or permits), False no objection, null: the log does not say."""


@dataclass(frozen=True)
class Restriction:
    """A check named as in postconf(5), with what Postfix answers and how it words it.

    `parameter` is the list it belongs into, `needs` the columns of the attempt its predicate reads, `reply` Postfix's
    default code and enhanced code, `code_parameter` the setting that changes the code, `except_reply` the cases that
    get another one, `says` the beginning of Postfix's words (which is how logged rejects are mapped back; '' where it
    logs none), `since` the first Postfix that has it under this name.
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

    @property
    def name(self) -> str:
        """The restriction's name in postconf(5): that of its predicate, if it has none of its own."""
        return self.named or self.predicate.__name__

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


@dataclass(frozen=True)
class Asked:
    """A restriction as somebody asked for it: with its argument, under warn_if_reject or not, and the site's code."""

    restriction: Restriction
    argument: str = ""
    warn: bool = False
    code: str = ""
    simulated: bool = True

    @property
    def column(self) -> str:
        """The name of its answer's column: as asked, argument included."""
        return f"{self.restriction.name} {self.argument}".strip()

    def logged(self) -> nw.Expr:
        """Whether Postfix itself said so of this attempt: it refused it with these words, or warned. Never null."""
        if not self.restriction.says:
            return nw.col("offset") < 0
        refused = (nw.col("restriction") == self.restriction.name).fill_null(value=False)
        if self.argument:
            return refused & (nw.col("list") == self.argument.partition("=")[0]).fill_null(value=False)
        return refused | self._warned("")

    def _warned(self, code: str) -> nw.Expr:
        pattern = f";{self.restriction.name} {code}"
        return nw.col("warned").fill_null("").str.contains(pattern, literal=True)

    def truth(self) -> nw.Expr:
        """Whether it objects (or permits): what Postfix logged, else what follows from the log, else null."""
        return self.logged() | self.restriction.predicate()

    def _by_code(self, said: nw.Expr, value: Callable[[str], str]) -> nw.Expr:
        """A value that follows from the reply code: as logged, else by the site's code, else by Postfix's default.

        Some cases have their own code whatever is set.
        """
        chosen = nw.lit(value(self.code or self.restriction.reply[:3]))
        for case, reply in self.restriction.except_reply:
            chosen = nw.when(case().fill_null(value=False)).then(nw.lit(value(reply[:3]))).otherwise(chosen)
        if not self.restriction.says:
            return chosen
        if not self.argument:
            for code in ("550", "450"):
                chosen = nw.when(self._warned(code[0])).then(nw.lit(value(code))).otherwise(chosen)
        refused = (nw.col("restriction") == self.restriction.name).fill_null(value=False) & ~nw.col("reply").is_null()
        return nw.when(refused).then(said).otherwise(chosen)

    def reply(self) -> nw.Expr:
        """The code of its refusal."""
        return self._by_code(nw.col("reply"), str)

    def answer(self) -> nw.Expr:
        """`permit` or `reject`, `defer` (a 4xx) or `dunno`; null where there is no evidence."""
        if self.restriction.permits:
            yes = nw.lit("permit")
        else:
            yes = self._by_code(nw.col("action"), lambda code: "defer" if code.startswith("4") else "reject")
        return known(self.truth(), when_true=yes, when_false=nw.lit("dunno"))

    def basis(self) -> nw.Expr:
        """Where the answer comes from: logged or derived; null where there is none."""
        derived = known(self.truth(), when_true=nw.lit("derived"), when_false=nw.lit("derived"))
        return nw.when(self.logged()).then(nw.lit("logged")).otherwise(derived)

    def refusal(self) -> str | None:
        """The one word it can turn mail away with, `reject` or `defer`; None where it depends on what is not known."""
        codes = {self.code or self.restriction.reply[:3], *(reply[:3] for _, reply in self.restriction.except_reply)}
        words = {"defer" if code.startswith("4") else "reject" for code in codes}
        return words.pop() if self.simulated and len(words) == 1 else None


def ask(found: Restriction, codes: Mapping[str, str], argument: str = "", *, warn: bool = False) -> Asked:
    """A restriction with the code that the site has set for it (`codes`: parameter → value)."""
    return Asked(found, argument, warn, codes.get(found.code_parameter, "") if found.code_parameter else "")
