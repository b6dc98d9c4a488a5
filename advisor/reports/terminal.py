"""The report for a terminal: plain text that also survives a pipe, a mail and a tty of 1980.

Advice comes first, and the last lines say what to run next: a terminal is read from its end. Prose is wrapped to the
width; what is to be typed stands at the left edge, neither wrapped nor cut, so that it can be copied as it stands.
"""

from advisor.recommendation import Advice, Recommendation
from advisor.reports import Letter, card, week, wording
from advisor.reports.headline import headline
from advisor.reports.page import Page
from advisor.reports.visible import clean, cut
from advisor.reports.wording import count

_MARGIN = 2
_HOSTS = 5
"""Wanted hosts that a change would hurt, shown with their last messages."""
_DOUBTFUL = 3
"""Others whose mail nobody knows to be unwanted."""


def render(advice: Advice, how: Letter) -> str:
    """The advice as text: ASCII only, and without escape codes unless colour is wanted."""
    page = Page(how.width, color=how.color)
    advice = clean(advice, ascii_only=True)
    page.prose(f"Maillog advisor: {wording.hosts(advice)}", style="bold")
    page.prose(wording.period(advice) + (f"; Postfix {cut(advice.postfix_version)}" if advice.postfix_version else ""))
    page.prose(f"configuration: {advice.configuration}", hang=2)
    page.blank()
    page.prose(" ".join(headline(advice)), style="bold")
    if how.only is None:
        page.blank()
        _sums(page, advice)
    _findings(page, advice, "fix", "FIX FIRST")
    if how.only is None:
        _behind(page, advice)
    _changes(page, advice)
    for one in card.ranked(advice):
        _card(page, advice, one)
    _allowlist(page, advice)
    _plan(page, advice)
    if how.only is None:
        _unranked(page, advice)
        _findings(page, advice, "note", "NOTES")
        _traffic(page, advice)
        _unknown(page, advice)
    _next(page, advice, how)
    return page.text()


def _sums(page: Page, advice: Advice) -> None:
    lines, *attempts = wording.sums(advice)
    page.prose(lines, hang=4)
    ignored = wording.programs(advice)
    if ignored:
        named = ", ".join(f"{cut(name)} {count(number)}" for name, number in ignored.items())
        page.prose(f"ignored, of other programs: {named}", 2, 2)
    for line in attempts:
        page.prose(line, hang=4)
    page.prose(f"sent from this machine: {wording.several(advice.traffic.local_messages, 'message')}", hang=4)


def _findings(page: Page, advice: Advice, severity: str, head: str) -> None:
    found = [finding.text for finding in advice.findings if (finding.severity == "fix") == (severity == "fix")]
    if found:
        page.title(head)
        for text in found:
            page.prose(f"{severity.upper()}  {text}", _MARGIN, len(severity) + 2)


def _changes(page: Page, advice: Advice) -> None:
    changes = card.ranked(advice)
    if not changes:
        page.title("NOTHING TO CHANGE NOW", card.nothing(advice))
        return
    page.title(f"CHANGE {'THIS' if len(changes) == 1 else f'THESE {len(changes)}'}", "in this order")
    page.blank()
    rows = [(f"{one.rank} {card.label(one):<7}  {one.claim}", *card.cells(one)) for one in changes]
    page.table([("", *card.COLUMNS), *rows])
    page.blank()
    page.prose(card.legend(), _MARGIN)


def _card(page: Page, advice: Advice, one: Recommendation) -> None:
    page.blank()
    page.rule()
    page.prose(f"{one.rank} {card.label(one)}  {one.claim}", hang=4, style="bold")
    page.prose(f"{one.spelled}{card.belongs(one)}", 4)
    page.blank()
    page.item("stops", card.stops(one))
    page.item("hurts", card.hurts(one))
    found = [(name, words) for name, words in card.foreseen(one, advice.terms) if words != wording.NO_EVIDENCE]
    for number, (name, words) in enumerate(found):
        page.item("foreseen" if number == 0 else "", f"{name}: {words}", 2)
    for number, reason in enumerate(one.reasons):
        page.item("why" if number == 0 else "", reason)
    _hosts(page, advice, one)
    page.item("basis", card.basis(one))
    if one.cheaper:
        page.item("cheaper", one.cheaper)
    for number, text in enumerate(one.not_known):
        page.item("not known" if number == 0 else "", text)
    for label, lines in (("type", one.lines_to_type), ("try first", one.try_first), ("undo", one.undo)):
        if lines:
            page.blank()
            page.item(label, "")
            for line in lines:
                page.typed(line)


def _hosts(page: Page, advice: Advice, one: Recommendation) -> None:
    wanted = [host for host in one.hosts if host.wanted]
    doubtful = [host for host in one.hosts if host.wanted is None]
    shown = [*wanted[:_HOSTS], *doubtful[:_DOUBTFUL]]
    for number, host in enumerate(shown):
        page.item("hosts" if number == 0 else "", f"{cut(host.client_address)}  {card.names(host)}", 2)
        page.item("", f"  {card.standing(host)}", 2)
        page.item("", f"  {card.seen(host, advice)}", 2)
        for last in host.last if host.wanted else ():
            page.item("", f"    {card.delivered(last, advice)}", 4)
    more, left = one.hosts_more + len(one.hosts) - len(shown), len(wanted[_HOSTS:])
    if more:
        known = f"{wording.count(left)} of them wanted" if left else "none of them known to be wanted"
        page.item("" if shown else "hosts", f"{'and ' if shown else ''}{wording.several(more, 'more host')}, {known}")


def _allowlist(page: Page, advice: Advice) -> None:
    if advice.allowlist:
        page.title("HOSTS TO ALLOW", "before the changes: lines of the map")
        for line in advice.allowlist:
            page.typed(line)


def _behind(page: Page, advice: Advice) -> None:
    """What became of earlier changes, and what is new since the time before."""
    for head, sentences in week.behind(advice):
        page.title(head.upper())
        for sentence in sentences:
            page.prose(sentence, _MARGIN, 2)


def _plan(page: Page, advice: Advice) -> None:
    if advice.plan:
        page.title("PLAN", "all changes by weeks; what is tried now, a later report may enforce")
        for when, words in week.plan(advice):
            page.item(when, words, 2)
    if card.ranked(advice):
        page.blank()
        page.prose(week.terms(advice), _MARGIN)


def _unranked(page: Page, advice: Advice) -> None:
    for head, found in card.unranked(advice):
        page.title(head)
        for one in found:
            page.prose(card.aside(one), _MARGIN, 4)


def _traffic(page: Page, advice: Advice) -> None:
    flow = advice.traffic
    if advice.contrast is not None:
        page.title("AGAINST THE TIME BEFORE", "attempts")
        page.table(week.compared(advice.contrast))
    if advice.evidence:
        page.title("WANTED AND UNWANTED", "accepted attempts by what speaks for or against them")
        page.table([("", "attempts"), *((cut(name), count(number)) for name, number in advice.evidence.items())])
    if flow.client_status:
        page.title("NAMES OF CLIENTS", "attempts from outside")
        page.prose(wording.statuses(flow.client_status), _MARGIN, 2)
    if flow.refused_by:
        page.title("REFUSED BY", f"{wording.several(flow.rejected + flow.deferred, 'attempt')} from outside")
        page.table([("", "attempts"), *((cut(name), count(number)) for name, number in flow.refused_by)])
    page.title("GREYLISTING", "as logged")
    for sentence in wording.greylisted(flow.greylisting):
        page.prose(sentence, _MARGIN, 2)
    page.title("DNS LISTS", "as logged")
    if flow.lists:
        found = [(cut(one.name), count(one.refused), count(one.answered), count(one.clients)) for one in flow.lists]
        page.table([("", "refused", "answered", "clients"), *found])
    else:
        page.prose("no list is named in this log", _MARGIN)
    page.title("SPF AND DMARC", "as logged")
    page.prose(f"SPF: {wording.tallies(flow.spf)}", _MARGIN, 2)
    page.prose(f"DMARC: {wording.tallies(flow.dmarc)}", _MARGIN, 2)


def _unknown(page: Page, advice: Advice) -> None:
    page.title("NOT UNDERSTOOD", wording.unread(advice))
    for shape, number, example in advice.samples:
        page.prose(f"{count(number)} x {cut(shape)}", _MARGIN, 2)
        page.prose(f"as in: {cut(example)}", _MARGIN + 2, 2)
    if advice.cannot_show:
        page.title("WHAT THIS LOG CANNOT SHOW")
        for text in advice.cannot_show:
            page.prose(f"- {text}", _MARGIN, 2)


def _next(page: Page, advice: Advice, how: Letter) -> None:
    page.title("NEXT")
    for words, command in card.steps(advice, only=how.only):
        page.prose(words, _MARGIN)
        page.typed(f"    {command}")
