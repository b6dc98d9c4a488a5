import base64
import hashlib
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import escape

from advisor import board
from advisor.recommendation import Advice
from advisor.reports import charts, render
from tests.reports.browser import look
from tests.reports.reading import of_page

VOID = {"meta", "link", "br", "img", "source", "input"}


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
    allowed = "".join(f" script-src 'sha256-{_digest(script)}';" for script in scripts)
    assert len(scripts) == (any_advice.board is not None)
    assert all(script == _SCRIPT for script in scripts)
    assert policy[1] == (
        f"default-src 'none'; style-src 'sha256-{digest}';{allowed} img-src data:; base-uri 'none'; form-action 'none'"
    )


_SCRIPT = (Path(board.__file__).parent / "reports" / "board.js").read_text().strip()


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_no_script_but_the_boards_no_style_attribute_no_address_but_its_own(any_advice: Advice, now: datetime) -> None:
    outline = _Outline(page_of(any_advice, now))
    wanted = [("board-data", "application/json"), (None, None)] if any_advice.board else []
    scripts = [attributes for tag, attributes in outline.attributes if tag == "script"]
    assert [(each.get("id"), each.get("type")) for each in scripts] == wanted
    assert [each["id"] for tag, each in outline.attributes if tag == "svg"] == ["board-chart"] * bool(any_advice.board)
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
    said = [attributes["alt"] for tag, attributes in _Outline(page_of(rich_advice, now)).attributes if tag == "img"]
    assert len(said) == 2
    assert "reject_unknown_reverse_client_hostname stops 612/1,391 unwanted, hurts 3/12,406 wanted" in str(said[0])
    assert "reject_unknown_helo_hostname stops: no evidence, hurts: no evidence, no evidence 14,980/14,980" in str(
        said[0]
    )
    assert said[1] == "Attempts from outside on 7 days, 16 Nov to 22 Nov: most on 19 Nov, 6,224."


def test_the_numbers_of_the_days_stand_below_their_chart(rich_advice: Advice, now: datetime) -> None:
    text = of_page(page_of(rich_advice, now))
    for day in rich_advice.traffic.days:
        assert f"{day.day} {day.accepted:,} {day.deferred:,} {day.rejected:,}" in text


def test_hostile_text_is_text(hostile_advice: Advice, now: datetime) -> None:
    page = page_of(hostile_advice, now)
    # The board's data and its script; what is hostile in the data is spelled out.
    assert page.lower().count("<script") == page.lower().count("</script>") == 2
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


def test_colours_have_contrast() -> None:
    sheet = (Path(charts.__file__).parent / "report.css.jinja").read_text()
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in sheet.partition("* {")[0].split("prefers-color-scheme")
    )
    for colours in (light, dark):
        for ground in ("page", "card"):
            assert all(
                _contrast(colours[name], colours[ground]) >= 4.5 for name in ("text", "second", "link", "hurt-text")
            )
            assert all(_contrast(colours[name], colours[ground]) >= 3 for name in ("stopped", "hurt"))


def _contrast(one: str, other: str) -> float:
    """WCAG 2, 1.4.3."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.integration
@pytest.mark.parametrize("width", [320, 500, 1180])
def test_chromium_has_nothing_to_complain_of(any_advice: Advice, now: datetime, tmp_path: Path, width: int) -> None:
    file = tmp_path / "report.html"
    file.write_text(page_of(any_advice, now))
    seen = look(file, tmp_path / "profile", width)
    assert seen.console == []
    assert seen.dialogs == []
    assert all(address.startswith(("file:///", "data:")) for address in seen.requests)
    assert seen.width == width  # nothing sticks out sideways


@pytest.mark.integration
def test_chromium_would_tell(rich_advice: Advice, now: datetime, tmp_path: Path) -> None:
    """The test above is worth something only if a script, or a style attribute, is noticed."""
    page = page_of(rich_advice, now)
    guarded, open_, styled = tmp_path / "guarded.html", tmp_path / "open.html", tmp_path / "styled.html"
    attack = "<script>alert(1)</script>"
    guarded.write_text(page.replace("<main>", f"<main>{attack}"))
    open_.write_text(re.sub(r"<meta http-equiv[^>]*>", "", page).replace("<main>", f"<main>{attack}"))
    styled.write_text(page.replace("<main>", '<main style="color:red">'))
    assert any("Content Security Policy" in line for line in look(guarded, tmp_path / "one").console)
    assert look(open_, tmp_path / "two").dialogs == ["1"]
    assert any("Content Security Policy" in line for line in look(styled, tmp_path / "three").console)
