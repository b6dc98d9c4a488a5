"""The report as a message for `sendmail -t`: text that is complete in itself, and the same as HTML with one chart.

Nothing from the log stands in a header but the host, and that only where it is a host's name.
"""

import re
from datetime import UTC
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from hashlib import sha256

from markupsafe import Markup, escape
from matplotlib.axes import Axes

from advisor.errors import AdvisorError
from advisor.recommendation import WARN, Advice, Finding, Recommendation
from advisor.reports import Letter, card, charts, html, week, wording
from advisor.reports.headline import headline
from advisor.reports.page import Page
from advisor.reports.visible import clean, cut, visible
from advisor.reports.wording import NO_EVIDENCE

COLUMNS = 72
SUBJECT = 60
_HOSTS = 3
_TASKS = 3
"""Things to do in one mail; what is broken comes first."""
_WEEKS = 2
_POLICY = SMTP.clone(linesep="\n")  # sendmail(1) wants the line ends of the machine
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?)*")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+(@[A-Za-z0-9.-]+)?")


def render(advice: Advice, how: Letter) -> bytes:
    """The advice as a message; the same period of the same host gives the same Message-ID."""
    for host in advice.hosts:
        if any(letter in "\r\n\0" for letter in host):
            raise AdvisorError("mail", "a host of this log has a line break in its name", "look at the log itself")
    shown = clean(advice, ascii_only=True)
    domain = _domain(advice)
    message = EmailMessage(policy=_POLICY)
    message["From"] = f"Maillog advisor <{_address('from', how.sender, domain if '.' in domain else 'localhost')}>"
    message["To"] = ", ".join(_address("to", one.strip(" "), "localhost") for one in how.recipient.split(","))
    message["Subject"] = subject(shown)
    message["Date"] = format_datetime(how.now)
    message["Message-ID"] = f"<{_number(advice)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Id"] = f"Maillog advisor <advisor.{domain}>"
    message.set_content(text(shown, how), cte="quoted-printable")
    _add_page(message, clean(advice), how, domain)
    _bind(message)
    try:
        return message.as_bytes()
    except (MessageError, UnicodeError, ValueError) as error:  # whatever the email package still refuses
        raise AdvisorError("mail", str(error), "report this: no input should lead here") from error


def subject(advice: Advice) -> str:
    """Host and counts, at most 60 characters: `mx1: 1 to fix, 3 to change`."""
    broken = sum(finding.severity == "fix" for finding in advice.findings)
    changes = len(card.ranked(advice))
    news = ", ".join(f"{number} to {verb}" for number, verb in ((broken, "fix"), (changes, "change")) if number)
    new = sum(one.stood is None for one in card.ranked(advice))
    if new < changes:
        news += f", {new or 'none'} new"
    more = f" and {len(advice.hosts) - 1} more" if len(advice.hosts) > 1 else ""
    what = f"{more}: {news or 'nothing to change'}"
    host = advice.hosts[0] if advice.hosts and _NAME.fullmatch(advice.hosts[0]) else "mail server"
    return cut(host, SUBJECT - len(what)) + what


def text(advice: Advice, how: Letter) -> str:
    """The text part."""
    page = Page(COLUMNS)
    page.prose(wording.hosts(advice))
    page.prose(wording.period(advice))
    page.blank()
    page.prose(" ".join(headline(advice)))
    page.blank()
    for line in wording.sums(advice):
        page.prose(line, hang=4)
    broken, changes = tasks(advice, how)
    if broken:
        page.title("FIX FIRST")
        for finding in broken:
            page.prose(finding.text, 2, 2)
    for head, sentences in week.behind(advice):
        page.title(head.upper())
        for words in sentences:
            page.prose(words, 2, 2)
    if card.ranked(advice):
        page.title("CHANGE, in this order")
    else:
        page.title("NOTHING TO CHANGE NOW", card.nothing(advice))
    for one in changes:
        page.blank()
        _change(page, advice, one)
        for label, lines in typed(one, how):
            page.prose(f"{label}:", 4)
            for line in lines:
                page.typed(line)
    for words in later(advice, how):
        page.blank()
        page.prose(words, 2, 2)
    _beside(page, advice, how)
    page.title("NEXT")
    for words, command in card.steps(advice, how.only):
        page.prose(words, 2)
        page.typed(f"    {command}")
    return page.text()


def tasks(advice: Advice, how: Letter) -> tuple[list[Finding], list[Recommendation]]:
    """What to fix, then what to change, three things at most; all where only the advice was asked for."""
    broken, changes = [finding for finding in advice.findings if finding.severity == "fix"], card.ranked(advice)
    if how.only is not None:
        return broken, changes
    return broken[:_TASKS], changes[: max(0, _TASKS - len(broken))]


def later(advice: Advice, how: Letter) -> list[str]:
    """What is to do after that, in the order to do it."""
    broken, changes = tasks(advice, how)
    unfixed = sum(finding.severity == "fix" for finding in advice.findings) - len(broken)
    waiting = [f"{one.rank} {card.label(one)} {one.claim}" for one in card.ranked(advice)[len(changes) :]]
    found = [f"{unfixed} more to fix: advisor report /var/log/maillog*"] if unfixed else []
    return [*found, *([f"After that: {'; '.join(waiting)}."] if waiting else [])]


def prices(advice: Advice, one: Recommendation) -> list[tuple[str, str]]:
    """What a change stops and hurts, each under its label; what it does alone is said by the count of attempts.

    What is cheaper is said once: it is the same for most. A change that stood before is short.
    """
    if one.stood is not None:  # it was read before: that it stands, and its price
        return [("stops", card.stops(one)), ("hurts", card.hurts(one)), ("not new", week.stands(one, advice))]
    found = [
        ("stops", card.stops(one)),
        ("hurts", card.hurts(one)),
        *((f"{label}:", words) for label, words in card.foreseen(one, advice.terms)[1:] if words != NO_EVIDENCE),
        ("allow", allow(one)),
        ("cheaper", one.cheaper if one.rank == 1 else ""),
    ]
    return [(label, words) for label, words in found if words]


def _change(page: Page, advice: Advice, one: Recommendation) -> None:
    page.prose(f"{one.rank} {card.label(one):<7}  {one.claim}", 2, 4)
    page.prose(f"{one.spelled}{card.belongs(one)}", 4, 2)
    for label, words in prices(advice, one):
        page.prose(f"{label}{' ' if label.endswith(':') else '  '}{words}", 4, 7)


def _beside(page: Page, advice: Advice, how: Letter) -> None:
    """The plan, the terms, and the time before."""
    steps = week.plan(advice, _WEEKS)
    if steps:
        page.title("PLAN")
        for when, words in steps:
            page.prose(f"{when}  {words}", 2, 8)
        page.prose(week.terms(advice), 2)
    if advice.contrast is not None and how.only is None:
        page.title("AGAINST THE TIME BEFORE")
        page.table(week.compared(advice.contrast))


def allow(one: Recommendation) -> str:
    """The first wanted hosts to let through before a change; on trial nobody is refused, so nobody need be."""
    hosts = [host for host in one.hosts if host.wanted] if one.recommendation != WARN else []
    shown = [f"{cut(host.client_address)} {card.names(host)}" for host in hosts[:_HOSTS]]
    if len(hosts) > _HOSTS:
        shown.append(f"and {wording.several(len(hosts) - _HOSTS, 'more host')}")
    return "; ".join(shown)


def typed(one: Recommendation, how: Letter) -> list[tuple[str, tuple[str, ...]]]:
    """What to type. The whole report is short: of the first change only, the others come after it."""
    if how.only is None:
        return [("type", one.lines_to_type)] if one.rank == 1 and one.stood is None else []
    return [
        (label, lines)
        for label, lines in (("type", one.lines_to_type), ("try first", one.try_first), ("undo", one.undo))
        if lines
    ]


def _add_page(message: EmailMessage, advice: Advice, how: Letter, domain: str) -> None:
    """The HTML part, with the chart of the changes where there are any."""
    broken, changes = tasks(advice, how)
    chart = f"changes.{_number(advice)}@{domain}" if changes else ""
    template = html.templates().get_template("mail.html.jinja")
    message.add_alternative(
        template.render(
            advice=advice,
            how=how,
            chart=chart,
            finding=charts.change_finding(changes),
            broken=broken,
            changes=changes,
            later=later(advice, how),
            plan=week.plan(advice, _WEEKS),
            week=week,
            prices=prices,
            parted=_parted,
            typed=typed,
            subject=subject(advice),
        ),
        subtype="html",
        cte="quoted-printable",
    )
    if chart:
        drawing = partial(_drawn, changes=changes)
        picture = charts.png(drawing, 560 / 96, charts.height(changes))
        page = message.get_payload(1)
        assert isinstance(page, EmailMessage)
        page.add_related(picture, "image", "png", cid=f"<{chart}>", disposition="inline")


def _parted(cell: str) -> Markup:
    """`612/1,391` for a narrow table: on a phone the line breaks before a number, not within it."""
    return escape(cell).replace("/", Markup("/<wbr>"))


def _drawn(axes: Axes, palette: charts.Palette, changes: list[Recommendation]) -> None:
    charts.by_change(axes, changes, palette)


def _bind(message: EmailMessage) -> None:
    """Set each part's boundary from what it holds: the same report is the same message, byte for byte."""
    for part in list(message.walk()):
        if part.is_multipart():
            inside = "".join(str(leaf.get_payload()) for leaf in part.walk() if not leaf.is_multipart())
            part.set_boundary(f"=_{part.get_content_subtype()}_{sha256(inside.encode()).hexdigest()[:24]}")


def _domain(advice: Advice) -> str:
    """The host's name where it is one, for Message-ID and List-Id."""
    return advice.hosts[0] if advice.hosts and _NAME.fullmatch(advice.hosts[0]) else "localhost"


def _number(advice: Advice) -> str:
    """What is the same for two reports of the same hosts and period."""
    moments = (moment.astimezone(UTC).isoformat() if moment else "none" for moment in (advice.start, advice.end))
    what = "\n".join((*moments, *advice.hosts)).encode("utf-8", "backslashreplace")
    return f"advisor.{sha256(what).hexdigest()[:16]}"


def _address(option: str, address: str, domain: str) -> str:
    """A mail address; a bare name gets a domain, as RFC 5322 wants one in a header.

    localhost for recipients: every Postfix delivers it here, which the name in a log that was copied may not be.
    """
    if not _ADDRESS.fullmatch(address):
        what = f"'{visible(address)}' is no mail address"
        raise AdvisorError(f"--{option}", what, "write it as name@example.org")
    return address if "@" in address else f"{address}@{domain}"
