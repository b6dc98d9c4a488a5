import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from advisor.advice import advise
from advisor.overlap import ListNamed, Overlap
from advisor.recommendation import Advice, Estimate, Step
from advisor.reports import charts, course, render
from advisor.visitor import Try, Visitor
from benchmarks.html import month
from tests.reports.browser import Browser
from tests.reports.conftest import NASTY, moment
from tests.reports.reading import of_page

EVERY = ("rich", "empty", "unknown", "hostile")
VOID = {"meta", "link", "br", "img", "source", "input"}


def _filled(advice: Advice, text: str, address: str) -> Advice:
    """The same with the parts that the page alone shows, the texts of strangers in each."""
    who: dict[str, Any] = {"client_name": text, "reverse_client_name": "unknown", "helo_name": text}
    last = (Try(moment(20), text, text, "reject", "554", text), Try(None, "", None, "accept", None, None))
    guest = Visitor(address, attempts=40, accepted=31, rejected=9, deferred=0, wanted=20, unwanted=11,
                    first_seen=moment(16), last_seen=moment(20), evidence=((text, 31),), refused_by=((text, 9),),
                    senders=(text, "b@b.example"), last=last, **who)  # fmt: skip
    silent = Visitor("2001:db8::7", None, None, None, 3, 0, 0, 3, 0, 0, None, None)
    lists = (ListNamed(text, 90, 90, 60, None), ListNamed("bl.example.net", 41, 11, 11, 400))
    sets = (((text,), 60), ((text, "bl.example.net"), 30))
    estimate = Estimate(2, 300, 3, 5, (2, 900), (0.002, 0.031), (0.0, 0.04))
    changes = tuple(
        replace(one, before=replace(estimate, hurt=6), after=estimate, argument=text, cheaper=text) if one.rank else one
        for one in advice.recommendations
    )
    greylisting = advice.traffic.greylisting
    assert greylisting is not None
    delays = tuple(300.0 + number**2 for number in range(40))
    return replace(
        advice,
        recommendations=changes,
        traffic=replace(advice.traffic, greylisting=replace(greylisting, delays=delays)),
        overlap=Overlap(101, lists, sets, 11),
        visitors=(guest, silent),
        sequels=(text,),
        plan=(Step(1, text, "warn"), Step(2, text, "allow"), Step(2, text, "enforce")),
    )


@pytest.fixture(params=EVERY)
def any_advice(request: pytest.FixtureRequest) -> Advice:
    """As in conftest, with all parts of the page."""
    found: Advice = request.getfixturevalue(f"{request.param}_advice")
    if request.param == "rich":
        return _filled(found, "mail.partner.example", "192.0.2.77")
    return _filled(found, NASTY, "<b>192.0.2.66") if request.param == "hostile" else found


def page_of(advice: Advice, now: datetime) -> str:
    return str(render(advice, "html", now=now))


class _Outline(HTMLParser):
    """Headings in order, and whether every tag that opens closes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.heads: list[int] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.heads.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_the_policy_allows_this_sheet_and_nothing_else(any_advice: Advice, now: datetime) -> None:
    page = page_of(any_advice, now)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    sheets = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy
    assert len(sheets) == 1
    digest = base64.b64encode(hashlib.sha256(sheets[0].encode()).digest()).decode()
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert scripts == [_script("page.js"), _script("board.js")][: 1 + (any_advice.board is not None)]
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    assert policy[1] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; script-src {allowed}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _script(name: str) -> str:
    return (Path(charts.__file__).parent / name).read_text().strip()


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_no_script_but_ours_no_style_attribute_no_address_but_its_own(any_advice: Advice, now: datetime) -> None:
    outline = _Outline(page_of(any_advice, now))
    wanted = [("board-data", "application/json"), (None, None)] if any_advice.board else []
    wanted.append((None, None))
    scripts = [attributes for tag, attributes in outline.attributes if tag == "script"]
    assert [(each.get("id"), each.get("type")) for each in scripts] == wanted
    assert [each["id"] for tag, each in outline.attributes if tag == "svg"] == ["board-bar", "board-chart"] * bool(
        any_advice.board
    )
    for tag, attributes in outline.attributes:
        assert tag not in {"iframe", "object", "form", "base"}
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "srcset", "href"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))


def test_headings_are_in_order_and_tables_have_heads(any_advice: Advice, now: datetime) -> None:
    outline = _Outline(page_of(any_advice, now))
    assert outline.heads[0] == 1
    assert outline.heads.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(outline.heads, outline.heads[1:], strict=False))
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in outline.attributes if tag == "th")
    assert [attributes["lang"] for tag, attributes in outline.attributes if tag == "html"] == ["en"]
    ids = [attributes["id"] for _, attributes in outline.attributes if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in outline.attributes if tag == "a"}
    assert {str(link).removeprefix("#") for link in links} <= set(ids)


def test_charts_tell_their_finding(rich_advice: Advice, now: datetime) -> None:
    page = page_of(_filled(rich_advice, "mail.partner.example", "192.0.2.77"), now)
    said = [str(attributes["alt"]) for tag, attributes in _Outline(page).attributes if tag == "img"]
    harm, changes, days, lists, delays = said
    assert "alone 6 of 300 (2.0 %), interval 0.2 % to 3.1 %; with hosts allowed 2 of 300 (0.67 %)" in harm
    assert harm.endswith("The limit set is 1.0 %.")
    assert "reject_unknown_reverse_client_hostname stops 612/1,391 unwanted, hurts 3/12,406 wanted" in changes
    assert "reject_unknown_helo_hostname stops: no evidence, hurts: no evidence, no evidence 14,980/14,980" in changes
    assert days == "Attempts from outside on 7 days, 16 Nov to 22 Nov: most on 19 Nov, 6,224."
    assert lists == "mail.partner.example names 90 of 101 clients that any list names (89.1 %); bl.example.net adds 11."
    assert delays == (
        "Of 40 greylisted triplets that passed, half had waited 11.0 min or less, 90 % 25.4 min or less, "
        "the last one 30.4 min."
    )


def test_whatever_is_drawn_has_words(any_advice: Advice, now: datetime) -> None:
    for tag, attributes in _Outline(page_of(any_advice, now)).attributes:
        assert tag != "img" or attributes["alt"]
        assert tag != "svg" or (attributes["role"] == "img" and attributes["aria-label"])


def test_the_numbers_of_the_days_stand_below_their_chart(rich_advice: Advice, now: datetime) -> None:
    text = of_page(page_of(rich_advice, now))
    for day in rich_advice.traffic.days:
        assert f"{day.day} {day.accepted:,} {day.deferred:,} {day.rejected:,}" in text


def test_hostile_text_is_text(hostile_advice: Advice, now: datetime) -> None:
    page = page_of(hostile_advice, now)
    # The board's data and the two scripts; what is hostile in the data is spelled out.
    assert page.lower().count("<script") == page.lower().count("</script>") == 3
    assert "<!--" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def test_what_is_typed_stands_as_it_is(rich_advice: Advice, now: datetime) -> None:
    page = page_of(rich_advice, now)
    for one in rich_advice.recommendations[:3]:
        lines = escape("\n".join(one.lines_to_type))
        assert f"<pre>{lines}\n</pre>" in page


def test_it_is_small(rich_advice: Advice, now: datetime) -> None:
    assert len(page_of(rich_advice, now)) < 400_000


def test_a_chart_has_no_address_outside(rich_advice: Advice) -> None:
    for palette in (charts.LIGHT, charts.DARK):
        drawn = charts.svg(lambda axes, colors: charts.by_day(axes, rich_advice.traffic.days, colors), 6, 3, palette)
        addresses = {found for found in re.findall(rb'"(https?:[^"]*)"', drawn) if b"www.w3.org" not in found}
        assert addresses <= {
            b"http://purl.org/dc/elements/1.1/",
            b"http://creativecommons.org/ns#",
            b"http://purl.org/dc/dcmitype/StillImage",
        }


_TEXTS = [("text", "page"), ("text", "card"), ("second", "page"), ("second", "card"), ("link", "page"),
          ("link", "card"), ("hurt-text", "page"), ("hurt-text", "card"), ("on-link", "link")]  # fmt: skip
_MARKS = [
    (mark, ground) for mark in ("stopped", "hurt", "delayed", "unknown", "control") for ground in ("page", "card")
]


def _colours() -> Iterator[dict[str, str]]:
    """Those of the light, the dark and the printed page; what a later one does not say is as in the first."""
    sheet = (Path(charts.__file__).parent / "report.css.jinja").read_text()
    first: dict[str, str] = {}
    for block in re.findall(r":root \{(.*?)\}", sheet, re.DOTALL):
        found = re.findall(r"--([a-z-]+): #([0-9a-f]{6}|[0-9a-f]{3});", block)
        first = first or {name: f"#{hexes}" for name, hexes in found}
        yield first | {
            name: f"#{hexes if len(hexes) == 6 else ''.join(2 * one for one in hexes)}" for name, hexes in found
        }


def test_colours_have_contrast() -> None:
    """WCAG 2 AA: 4.5 for text (1.4.3), 3 for marks and the frames of controls (1.4.11)."""
    sheets = list(_colours())
    assert len(sheets) == 3
    for colours in sheets:
        for one, other in _TEXTS:
            assert _contrast(colours[one], colours[other]) >= 4.5, (one, other)
        for one, other in _MARKS:
            assert _contrast(colours[one], colours[other]) >= 3, (one, other)
    for palette in (charts.LIGHT, charts.DARK):
        assert _contrast(palette.text, palette.ground) >= 4.5
        assert all(
            _contrast(mark, palette.ground) >= 3
            for mark in (palette.stopped, palette.hurt, palette.delayed, palette.unknown)
        )


def test_charts_have_the_colours_of_the_page() -> None:
    light, dark, _ = _colours()
    for palette, colours in ((charts.LIGHT, light), (charts.DARK, dark)):
        assert (palette.ground, palette.text) == (colours["page"], colours["text"])
        for name in ("rule", "stopped", "hurt", "delayed", "unknown"):
            assert getattr(palette, name) == colours[name]


def test_a_chart_knows_the_dark_by_itself(rich_advice: Advice, now: datetime) -> None:
    pictures = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", page_of(rich_advice, now))
    assert pictures
    for picture in pictures:
        drawn = base64.b64decode(picture).decode()
        body = drawn.partition("</style>")[2]
        assert "prefers-color-scheme:dark" in drawn
        for name in ("text", "ground", "stopped", "unknown"):
            assert getattr(charts.LIGHT, name) not in body  # each is a name by now, which the dark changes
            assert f"var(--{name})" in body


def _contrast(one: str, other: str) -> float:
    """WCAG 2, 1.4.3."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.integration
@pytest.mark.parametrize("width", [320, 500, 1180])
def test_chromium_has_nothing_to_complain_of(
    browser: Browser, any_advice: Advice, now: datetime, tmp_path: Path, width: int
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page_of(any_advice, now))
    seen = browser.visit(file, width)
    assert seen.console == []
    assert seen.dialogs == []
    assert all(address.startswith(("file:///", "data:")) for address in seen.requests)
    assert seen.width == width  # nothing sticks out sideways


@pytest.mark.integration
def test_chromium_would_tell(browser: Browser, rich_advice: Advice, now: datetime, tmp_path: Path) -> None:
    """The test above is worth something only if a script, or a style attribute, is noticed."""
    page = page_of(rich_advice, now)
    guarded, open_, styled = tmp_path / "guarded.html", tmp_path / "open.html", tmp_path / "styled.html"
    attack = "<script>alert(1)</script>"
    guarded.write_text(page.replace("<main>", f"<main>{attack}"))
    open_.write_text(re.sub(r"<meta http-equiv[^>]*>", "", page).replace("<main>", f"<main>{attack}"))
    styled.write_text(page.replace("<main>", '<main style="color:red">'))
    assert any("Content Security Policy" in line for line in browser.visit(guarded).console)
    assert browser.visit(open_).dialogs == ["1"]
    assert any("Content Security Policy" in line for line in browser.visit(styled).console)


def test_what_is_too_long_to_type_from_is_cut_and_says_so(rich_advice: Advice, now: datetime) -> None:
    many = tuple(f"192.0.2.{number} OK" for number in range(course.LINES + 7))
    page = page_of(replace(rich_advice, allowlist=many), now)
    words = of_page(page)
    assert f"{many[course.LINES - 1]} Not all: 7 more lines. Take them from advisor advise" in words
    assert many[course.LINES] not in words
    shown = page[: page.index(many[0])]
    assert "typed" not in shown[shown.rindex("<div") :]  # so it gets no button


@pytest.mark.integration
def test_tables_are_sorted_without_a_mouse(
    browser: Browser, rich_advice: Advice, now: datetime, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(page_of(rich_advice, now))
    tab = browser.open(page)
    table = "document.querySelector('#restrictions ~ .scroll table')"
    column = f"[...{table}.tBodies[0].rows].map((row) => row.cells[3].textContent.trim())"
    before = tab.ask(column)

    tab.ask(f"{table}.tHead.rows[0].cells[2].querySelector('button').focus()")
    tab.press("Tab")
    assert tab.ask("document.activeElement.textContent") == "stops"
    assert tab.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.press("Enter")
    down, said = tab.ask(column), tab.ask("document.getElementById('said').textContent")
    tab.press(" ")
    up = tab.ask(column)

    assert before == ["612/1,391", "94/1,391", "87/402", "no evidence", "58/1,391", "no evidence"]
    assert down == ["612/1,391", "94/1,391", "87/402", "58/1,391", "no evidence", "no evidence"]
    assert up == ["58/1,391", "87/402", "94/1,391", "612/1,391", "no evidence", "no evidence"]
    assert said == "Sorted by stops, descending."
    heads = f"[...{table}.tHead.rows[0].cells].map((cell) => cell.getAttribute('aria-sort'))"
    assert tab.ask(heads) == [None, None, None, "ascending", None, None, None, None]
    assert tab.close().console == []


@pytest.mark.integration
@pytest.mark.parametrize("only", [None, "advice"])
def test_what_is_to_be_typed_is_copied_to_the_letter(
    browser: Browser, rich_advice: Advice, now: datetime, tmp_path: Path, only: str | None
) -> None:
    page = tmp_path / "report.html"
    page.write_text(str(render(rich_advice, "html", now=now, only=only)))
    tab = browser.open(page)
    tab.ask("navigator.clipboard.writeText = async (text) => { window.copied = text; }; undefined")
    tab.ask("document.querySelector('#change-1 .copy').focus()")
    tab.press("Enter")
    assert tab.ask("new Promise((done) => setTimeout(() => done(window.copied)))") == "\n".join(
        rich_advice.recommendations[0].lines_to_type
    )
    assert tab.ask("document.activeElement.textContent") == "Copied"
    assert tab.ask("document.activeElement.getAttribute('aria-label')") == "Copy: Type, change 1"
    assert tab.close().console == []


@pytest.mark.integration
def test_without_a_clipboard_it_is_marked(browser: Browser, rich_advice: Advice, now: datetime, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(page_of(rich_advice, now))
    tab = browser.open(page)
    tab.ask("Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.execCommand = () => false")
    tab.ask("document.querySelector('#change-1 .copy').focus()")
    tab.press("Enter")
    marked = tab.ask("new Promise((done) => setTimeout(() => done(getSelection().toString())))")
    assert marked.strip() == "\n".join(rich_advice.recommendations[0].lines_to_type)
    assert tab.ask("document.activeElement.textContent") == "Marked"
    assert tab.close().console == []


@pytest.mark.integration
def test_it_prints_whole(browser: Browser, rich_advice: Advice, now: datetime, tmp_path: Path) -> None:
    long = tuple(f"192.0.2.{number} OK" for number in range(100))
    page = tmp_path / "report.html"
    page.write_text(page_of(replace(rich_advice, allowlist=long), now))
    tab = browser.open(page, 760)
    clipped = "[...document.querySelectorAll('pre')].filter((one) => one.scrollHeight > one.clientHeight + 1).length"
    hidden = (
        "[...document.querySelectorAll('nav, .copy, .sets')].every((one) => getComputedStyle(one).display === 'none')"
    )
    assert tab.ask(clipped) == 1
    tab.media("print")
    assert tab.ask(clipped) == 0
    assert tab.ask(hidden) is True
    assert tab.close().width == 760


@pytest.mark.integration
def test_the_page_does_not_grow_with_the_log(browser: Browser, now: datetime, tmp_path: Path) -> None:
    """benchmarks/html.py holds a month of a busy server against the limits; here it is what one more client costs."""
    pages = [tmp_path / "small.html", tmp_path / "large.html"]
    clients = (800, 3200)
    for page, number in zip(pages, clients, strict=True):
        page.write_text(page_of(advise(month(5 * number, number)), now))
        assert browser.visit(page).console == []
    small, large = (page.stat().st_size for page in pages)
    assert large < 500_000
    assert (large - small) / (clients[1] - clients[0]) < 10  # 2.2 measured


def test_reasons_are_words_and_say_which_way_they_point(rich_advice: Advice, now: datetime) -> None:
    shown = of_page(page_of(rich_advice, now))
    accepted = f"{rich_advice.traffic.accepted:,} accepted attempts"
    assert f"What speaks for and against {accepted}" in shown
    assert "our users write to this sender correspondent wanted 6,000" in shown
    assert "the content filter called it spam filter_spam unwanted 1,391" in shown


def test_a_page_does_not_tell_how_to_make_itself(rich_advice: Advice, now: datetime) -> None:
    shown = of_page(page_of(rich_advice, now))
    assert "advisor advise /var/log/maillog*" in shown
    assert "--format html" not in shown


def test_two_lists_can_be_told_apart_where_they_are_left_off(rich_advice: Advice, now: datetime) -> None:
    one = next(each for each in rich_advice.recommendations if each.recommendation == "leave")
    lists = tuple(replace(one, name="reject_rbl_client", argument=f"{name}.example") for name in ("zen", "bl"))
    shown = of_page(page_of(replace(rich_advice, recommendations=lists), now))
    assert "LEAVE reject_rbl_client zen.example:" in shown
    assert "LEAVE reject_rbl_client bl.example:" in shown
