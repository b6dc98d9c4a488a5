"""The report for a terminal: plain text that also survives a pipe, a mail and a tty of 1980.

Advice comes first, and the last lines say what to run next: a terminal is read from its end. Prose is wrapped to the
width; what is to be typed stands at the left edge, neither wrapped nor cut, so that it can be copied as it stands.
"""

from collections.abc import Sequence
from io import StringIO
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from advisor.recommendation import Advice, Recommendation
from advisor.reports import Letter, wording
from advisor.reports.wording import count, cut

NARROWEST = 40
_WIDEST = 80
_MARGIN = 2
_INDENT = 13
_HOSTS = 5
_STYLES = {"ENFORCE": "bold", "WARN": "yellow", "RELAX": "bold", "LEAVE": "dim", "FIX": "bold red", "NOTE": "bold"}


def render(advice: Advice, how: Letter) -> str:
    """The advice as text: ASCII only, and without escape codes unless colour is wanted."""
    page = Page(max(how.width, NARROWEST), color=how.color)
    advice = wording.clean(advice, ascii_only=True)
    page.prose(f"Maillog advisor: {wording.hosts(advice)}", style="bold")
    page.prose(wording.period(advice) + (f"; Postfix {cut(advice.postfix_version)}" if advice.postfix_version else ""))
    page.prose(f"configuration: {advice.configuration}", hang=2)
    if how.only is None:
        page.blank()
        _sums(page, advice)
    _findings(page, advice, "fix", "FIX FIRST")
    _changes(page, advice)
    for one in wording.ranked(advice):
        _card(page, advice, one)
    _allowlist(page, advice)
    if how.only is None:
        _unranked(page, advice)
        _findings(page, advice, "note", "NOTES")
        _traffic(page, advice)
        _unknown(page, advice)
    _next(page, advice, how)
    return page.text()


class Page:
    """Lines of text: prose is wrapped to the width, what is typed is not."""

    def __init__(self, width: int, *, color: bool = False) -> None:
        """An empty page."""
        self.width = width
        self._out = StringIO()
        # An empty environment: FORCE_COLOR or COLUMNS of whoever runs us must not reach a file.
        self._console = Console(
            file=self._out,
            width=10_000,  # the page wraps by itself; rich must neither wrap nor cut what is typed
            height=100,
            force_terminal=color,
            color_system="standard" if color else None,
            legacy_windows=False,
            _environ={},
        )

    def text(self) -> str:
        """All lines so far."""
        return self._out.getvalue()

    def blank(self) -> None:
        """An empty line."""
        self.typed("")

    def typed(self, line: str) -> None:
        """A line as it stands."""
        self._put(Text(line))

    def title(self, words: str, rest: str = "") -> None:
        """A head, set off by an empty line."""
        self.blank()
        self.prose(f"{words}{rest and '  ' + rest}", style="bold")

    def prose(self, words: str, margin: int = 0, hang: int = 0, style: str = "") -> None:
        """A paragraph; `hang` indents its later lines further. Labels in it are coloured by their words."""
        for line in _wrapped(words, self.width - margin, hang):
            self._put(_styled(" " * margin + line, style))

    def item(self, label: str, words: str, hang: int = 0) -> None:
        """A label in the margin and its paragraph beside it."""
        for number, line in enumerate(_wrapped(words, self.width - _INDENT, hang) or [""]):
            self._put(Text(f"  {label if number == 0 else '':<{_INDENT - 3}} {line}".rstrip()))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their longest cell, the first flush left; cells are never cut.

        Where that is wider than the page, the first cell gets a line of its own, and where the others are too, each
        row is a paragraph.
        """
        first, *widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
        rest = sum(2 + width for width in widths)
        beside = _MARGIN + first + rest <= self.width
        if not beside and _MARGIN + rest > self.width:
            for name, *cells in rows[1:]:
                self.prose(f"{name}: {', '.join(map(' '.join, zip(rows[0][1:], cells, strict=True)))}", _MARGIN, 4)
            return
        for name, *cells in rows:
            line = "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
            if beside:
                self._put(_styled(" " * _MARGIN + f"{name:<{first}}{line}".rstrip()))
                continue
            if name:
                self.prose(name, _MARGIN, 4)
            self._put(Text(f"{line:>{min(self.width, _WIDEST)}}"))

    def _put(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)


def _wrapped(words: str, width: int, hang: int) -> list[str]:
    """Lines of at most this width; a percent sign stays with its number."""
    bound = words.replace(" %", "\0%")
    lines = wrap(bound, width, subsequent_indent=" " * hang, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def _styled(line: str, style: str = "") -> Text:
    """A line whose label, its first or second word, is coloured; the words say the same without."""
    text = Text(line, style=style)
    for word in line.split()[:2]:
        if word in _STYLES:
            at = line.index(word)
            text.stylize(_STYLES[word], at, at + len(word))
    return text


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
    changes = wording.ranked(advice)
    if not changes:
        page.title("NOTHING TO CHANGE NOW", wording.nothing(advice))
        return
    page.title(f"CHANGE {'THIS' if len(changes) == 1 else f'THESE {len(changes)}'}", "in this order")
    page.blank()
    heads = ("stops", "adds", "hurts", "undecided", "no evidence")
    rows = [("", *heads), *((f"{one.rank} {wording.label(one):<7}  {one.claim}", *wording.cells(one)) for one in changes)]
    page.table(rows)
    page.blank()
    page.prose(wording.LEGEND, _MARGIN)


def _card(page: Page, advice: Advice, one: Recommendation) -> None:
    page.blank()
    page.prose(f"{one.rank} {wording.label(one)}  {one.claim}", hang=4, style="bold")
    page.prose(f"{one.name}{wording.belongs(one)}", 4)
    page.blank()
    page.item("stops", wording.stops(one))
    page.item("hurts", wording.hurts(one))
    _hosts(page, advice, one)
    page.item("basis", wording.basis(one))
    for reason in one.reasons:
        page.item("why", reason)
    for number, text in enumerate(one.not_known):
        page.item("not known" if number == 0 else "", text)
    for label, lines in (("type", one.lines_to_type), ("try first", one.try_first), ("undo", one.undo)):
        if lines:
            page.blank()
            page.item(label, "")
            for line in lines:
                page.typed(line)


def _hosts(page: Page, advice: Advice, one: Recommendation) -> None:
    for number, host in enumerate(one.hosts[:_HOSTS]):
        page.item("hosts" if number == 0 else "", f"{cut(host.client_address)}  {wording.names(host)}", 2)
        page.item("", f"  {wording.seen(host, advice)}", 2)
        page.item("", f"  {wording.standing(host)}", 2)
    more = one.hosts_more + len(one.hosts[_HOSTS:])
    if more:
        page.item("", f"and {wording.several(more, 'more host')}")


def _allowlist(page: Page, advice: Advice) -> None:
    if advice.allowlist:
        page.title("HOSTS TO ALLOW", "before the changes: lines of the map")
        for line in advice.allowlist:
            page.typed(line)


def _unranked(page: Page, advice: Advice) -> None:
    for head, found in wording.unranked(advice):
        page.title(head)
        for one in found:
            page.prose(wording.aside(one), _MARGIN, 4)


def _traffic(page: Page, advice: Advice) -> None:
    flow = advice.traffic
    if advice.evidence:
        page.title("WANTED AND UNWANTED", "accepted attempts by what speaks for or against them")
        page.table([("", "attempts"), *((cut(name), count(number)) for name, number in advice.evidence.items())])
    if flow.client_status:
        page.title("NAMES OF CLIENTS", "attempts from outside")
        page.prose(wording.tallies(flow.client_status, "attempt"), _MARGIN, 2)
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
    for words, command in wording.steps(advice, only=how.only):
        page.prose(words, _MARGIN)
        page.typed(f"    {command}")
