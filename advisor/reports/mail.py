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

from matplotlib.axes import Axes

from advisor.errors import AdvisorError
from advisor.recommendation import WARN, Advice, Recommendation
from advisor.reports import Letter, card, charts, html, wording
from advisor.reports.page import Page
from advisor.reports.visible import clean, cut, visible

COLUMNS = 72
SUBJECT = 60
_HOSTS = 3
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
    message["From"] = f"Maillog advisor <{_address('sender', how.sender, domain if '.' in domain else 'localhost')}>"
    message["To"] = ", ".join(_address("recipient", one.strip(" "), "localhost") for one in how.recipient.split(","))
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
    more = f" and {len(advice.hosts) - 1} more" if len(advice.hosts) > 1 else ""
    what = f"{more}: {news or 'nothing to change'}"
    host = advice.hosts[0] if advice.hosts and _NAME.fullmatch(advice.hosts[0]) else "mail server"
    return cut(host, SUBJECT - len(what)) + what


def text(advice: Advice, how: Letter) -> str:
    """The text part."""
    page = Page(COLUMNS)
    page.prose(wording.hosts(advice))
    page.prose(wording.period(advice))
    for line in wording.sums(advice):
        page.prose(line, hang=4)
    broken = [finding.text for finding in advice.findings if finding.severity == "fix"]
    if broken:
        page.title("FIX FIRST")
        for words in broken:
            page.prose(words, 2)
    changes = card.ranked(advice)
    if changes:
        page.title("CHANGE, in this order")
    else:
        page.title("NOTHING TO CHANGE NOW", card.nothing(advice))
    for one in changes:
        page.blank()
        _change(page, one)
        for label, lines in typed(one, how):
            page.prose(f"{label}:", 4)
            for line in lines:
                page.typed(line)
    page.title("NEXT")
    for words, command in card.steps(advice, how.only):
        page.prose(words, 2)
        page.typed(f"    {command}")
    return page.text()


def _change(page: Page, one: Recommendation) -> None:
    page.prose(f"{one.rank} {card.label(one):<7}  {one.claim}", 2, 4)
    page.prose(f"{one.name}{card.belongs(one)}", 4)
    for label, words in (("stops", card.stops(one)), ("hurts", card.hurts(one)), ("allow", allow(one))):
        if words:
            page.prose(f"{label}  {words}", 4, 7)


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
        return [("type", one.lines_to_type)] if one.rank == 1 else []
    return [
        (label, lines)
        for label, lines in (("type", one.lines_to_type), ("try first", one.try_first), ("undo", one.undo))
        if lines
    ]


def _add_page(message: EmailMessage, advice: Advice, how: Letter, domain: str) -> None:
    """The HTML part, with the chart of the changes where there are any."""
    changes = card.ranked(advice)
    chart = f"changes.{_number(advice)}@{domain}" if changes else ""
    template = html.templates().get_template("mail.html.jinja")
    message.add_alternative(
        template.render(
            advice=advice,
            how=how,
            chart=chart,
            finding=charts.change_finding(changes),
            typed=typed,
            allow=allow,
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
