"""Reports: one Advice in many renderings, which say the same in the same words.

terminal   text for people, 80 columns, ASCII
html       one page in one file, whose scripts are ours, without network
mail       a message ready for `sendmail -t`
json       for programs
prometheus for who graphs it
wording    the numbers and phrases they share
card       a recommendation in words
week       the harm of a week, the plan by weeks, the week before
visible    what becomes of text from the log
page       lines of plain text; terminal and mail are made of them
charts     the figures they share
headline, course, choice, sketch   of the page: its verdict, what to type, a set on its board, charts of its own

Each is imported when asked for: drawing takes longer to import than a log of 10,000 lines to read.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Required, TypedDict, Unpack

from advisor.errors import AdvisorError
from advisor.recommendation import Advice

FORMATS = ("terminal", "html", "mail", "json", "prometheus")
"""What `render` knows."""


class Wishes(TypedDict, total=False):
    """What `render` takes by name; the fields of Letter."""

    now: Required[datetime]
    width: int
    color: bool
    only: str | None
    sender: str
    recipient: str


@dataclass(frozen=True)
class Letter:
    """How to render: no renderer asks a clock, a terminal or the environment.

    `only` is 'advice' for just the recommendations and what to type; `sender` and `recipient` are the mail's.
    """

    now: datetime
    width: int = 80
    color: bool = False
    only: str | None = None
    sender: str = "root"
    recipient: str = "postmaster"


def render(
    advice: Advice,
    format: str,  # noqa: A002 - the option's own name
    **wishes: Unpack[Wishes],
) -> str | bytes:
    """Render advice as one of FORMATS: text, or bytes for mail.

    How is said by the fields of Letter by name, `now` always. Raises AdvisorError for a format that there is none of,
    and for a mail address that is none.
    """
    how = Letter(**wishes)
    if how.only not in (None, "advice"):
        raise AdvisorError("--only", f"unknown part '{how.only}'", "the one there is: advice")
    if format == "terminal":
        from advisor.reports.terminal import render as terminal  # noqa: PLC0415 - see above

        return terminal(advice, how)
    if format == "html":
        from advisor.reports.html import render as html  # noqa: PLC0415

        return html(advice, how)
    if format == "mail":
        from advisor.reports.mail import render as mail  # noqa: PLC0415

        return mail(advice, how)
    if format == "json":
        from advisor.reports.json import render as json  # noqa: PLC0415

        return json(advice, how)
    if format == "prometheus":
        from advisor.reports.prometheus import render as prometheus  # noqa: PLC0415

        return prometheus(advice, how)
    raise AdvisorError("--format", f"unknown format '{format}'", f"one of {', '.join(FORMATS)}")
