import email
import re
import struct
from base64 import b64encode
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage, Message
from email.policy import strict
from pathlib import Path

import pytest

from advisor.errors import AdvisorError
from advisor.recommendation import Advice
from advisor.reports import render
from advisor.reports.headline import headline
from advisor.reports.page import Page
from advisor.reports.visible import clean
from tests.reports.browser import Browser
from tests.reports.reading import flat, message, of_page, part


def mail_of(advice: Advice, now: datetime, sender: str = "root", recipient: str = "postmaster") -> bytes:
    found = render(advice, "mail", now=now, sender=sender, recipient=recipient)
    assert isinstance(found, bytes)
    return found


def test_it_parses_without_a_defect(any_advice: Advice, now: datetime) -> None:
    parsed = email.message_from_bytes(mail_of(any_advice, now), policy=strict)
    for found in parsed.walk():
        assert found.defects == []
        for header in found.values():
            assert header.defects == ()
        if not found.is_multipart():
            assert isinstance(found, EmailMessage)
            assert found.get_content()
    assert parsed.preamble is None


def test_its_headers(rich_advice: Advice, now: datetime) -> None:
    headers = dict(message(mail_of(rich_advice, now)).items())
    assert headers["From"] == "Maillog advisor <root@mx1.example.org>"
    assert headers["To"] == "postmaster@localhost"
    assert headers["Subject"] == "mx1.example.org: 1 to fix, 3 to change"
    assert headers["Date"] == "Mon, 23 Nov 2026 07:04:05 +0100"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["List-Id"] == "Maillog advisor <advisor.mx1.example.org>"
    assert headers["MIME-Version"] == "1.0"


def test_a_second_run_is_a_duplicate_and_another_period_is_not(rich_advice: Advice, now: datetime) -> None:
    def number(advice: Advice, at: datetime) -> str:
        return str(message(mail_of(advice, at))["Message-ID"])

    later = now.replace(hour=9)
    assert number(rich_advice, now) == number(rich_advice, later)
    assert re.fullmatch(r"<[a-z0-9.]+@mx1\.example\.org>", number(rich_advice, now))
    assert number(replace(rich_advice, end=later), now) != number(rich_advice, now)
    assert number(replace(rich_advice, hosts=("mx2.example.org",)), now) != number(rich_advice, now)


def test_its_structure(rich_advice: Advice, now: datetime) -> None:
    kinds = [found.get_content_type() for found in message(mail_of(rich_advice, now)).walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]


def test_the_chart_is_small_opaque_and_named(rich_advice: Advice, now: datetime) -> None:
    data = mail_of(rich_advice, now)
    picture = next(found for found in message(data).walk() if found.get_content_type() == "image/png")
    png = picture.get_content()
    width, _ = struct.unpack(">II", png[16:24])
    assert width == 1120
    assert png[25] == 3  # colours of a palette
    assert b"tRNS" not in png
    assert len(png) < 40_000
    page = part(data, "html")
    assert f'src="cid:{picture["Content-ID"][1:-1]}"' in page
    assert "stops 612/1,391 unwanted" in page
    assert len(page) < 60_000


def test_the_html_part_works_in_mail_clients(any_advice: Advice, now: datetime) -> None:
    page = part(mail_of(any_advice, now), "html")
    for what in ("<script", "<style", "<svg", "data:", "http", "var(", "display:flex", "display:grid"):
        assert what not in page.lower()


@pytest.mark.parametrize("which", ["weekly_advice", "hostile_advice"])
def test_chromium_shows_it_and_nothing_in_it_runs(
    which: str, now: datetime, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    data = mail_of(request.getfixturevalue(which), now)
    page, file = part(data, "html"), tmp_path / "mail.html"
    for inside in message(data).walk():
        if inside.get_content_type() == "image/png":
            picture = b64encode(inside.get_content()).decode()
            page = page.replace(f"cid:{inside['Content-ID'][1:-1]}", f"data:image/png;base64,{picture}")
    file.write_text(page)
    with Browser(tmp_path) as browser:
        for width in (360, 1180):
            seen = browser.visit(file, width)
            assert (seen.console, seen.dialogs) == ([], [])
            assert all(each.startswith(("file:", "data:")) for each in seen.requests)
            assert seen.width <= width


def test_text_is_72_columns_but_for_what_is_typed(any_advice: Advice, now: datetime) -> None:
    whole = {line for one in any_advice.recommendations for line in one.lines_to_type}
    for line in part(mail_of(any_advice, now), "plain").splitlines():
        command = line in whole or line.strip().startswith("advisor ") or line.startswith("\\x1b[31m")
        assert len(line) <= 72 or command, line


def test_text_is_about_sixty_lines(rich_advice: Advice, now: datetime) -> None:
    assert 30 < len(part(mail_of(rich_advice, now), "plain").splitlines()) <= 65


def test_the_first_change_can_be_made_from_the_mail(rich_advice: Advice, now: datetime) -> None:
    text = part(mail_of(rich_advice, now), "plain").splitlines()
    typed = rich_advice.recommendations[0].lines_to_type
    start = text.index(typed[0])
    assert tuple(text[start : start + len(typed)]) == typed


def test_only_the_advice_has_all_that_is_typed(rich_advice: Advice, now: datetime) -> None:
    data = render(rich_advice, "mail", now=now, only="advice")
    assert isinstance(data, bytes)
    text = part(data, "plain").splitlines()
    for one in rich_advice.recommendations[:3]:
        assert {*one.lines_to_type, *one.try_first, *one.undo} <= set(text)


def test_three_things_to_do_at_most(rich_advice: Advice, now: datetime) -> None:
    fix = rich_advice.findings[0]
    for broken, changes in ((0, 3), (1, 2), (2, 1), (3, 0), (4, 0)):
        advice = replace(rich_advice, findings=(fix,) * broken)
        data = mail_of(advice, now)
        text, page = part(data, "plain"), of_page(part(data, "html"))
        shown = flat(text)
        assert shown.count("A blocklist's error answer") == min(broken, 3)
        assert [f"{one.rank} {one.recommendation.upper()}" in text for one in advice.recommendations[:3]] == [True] * 3
        assert sum(f"\n    {one.spelled}" in text for one in advice.recommendations[:3]) == changes
        assert page.count(" unwanted attempts accepted today") == changes
        last = "3 WARN refuse clients whose HELO is not a full name."
        assert (last in shown, last in page) == ((changes < 3),) * 2
        assert ("1 more to fix" in shown, "1 more to fix" in page) == ((broken > 3),) * 2


def test_what_is_planned_and_how_the_week_before_was(weekly_advice: Advice, now: datetime) -> None:
    data = mail_of(weekly_advice, now)
    for text in (flat(part(data, "plain")), of_page(part(data, "html"))):
        words = text.casefold()
        assert "what became of changes since 16 nov reject_x refuses. 198.51.100.7 was refused 4 times" in words
        assert "new since the time before gone: reject_rbl_client bl.example.net refused none of 23,224" in words
        assert words.index("fix first") < words.index("what became of") < words.index("change, in this order")
        first, second, third = ("reject_unknown_reverse_client_hostname", "reject_rbl_client bl.example.net", "weeks 3")
        assert re.search(
            rf"week 1 [a-z _]+: {first}, {second}.* week 2 [a-z ]+: {first}, .*; then enforce {third}", text
        )
        assert "weeks 3 to 5 2 more changes" in text
        assert "may turn away 0.5 % of a week's wanted clients at most, 90 % sure" in text
        assert "could judge fewer than 250 of them" in text
        assert re.search(
            r"these 7\.0 days as long before attempts from outside 38,204 36,950 refused by reject_rbl", text
        )
        assert "2 of 2,390 wanted clients" in text
        assert "postscreen does that too" in text
    assert len(part(data, "plain").splitlines()) <= 90


@pytest.mark.parametrize(
    ("known", "subject"),
    [({1, 2, 3}, "1 to fix, 3 to change, none new"), ({1, 3}, "1 to fix, 3 to change, 1 new")],
)
def test_what_was_read_before_is_short(rich_advice: Advice, now: datetime, known: set[int], subject: str) -> None:
    marked = tuple(replace(one, stood=now) if one.rank in known else one for one in rich_advice.recommendations)
    data = mail_of(replace(rich_advice, recommendations=marked, findings=rich_advice.findings[:1]), now)
    assert message(data)["Subject"] == f"mx1.example.org: {subject}"
    for text in (flat(part(data, "plain")), of_page(part(data, "html"))):
        # Three things at most: one to fix, and the first two changes.
        assert text.count("not new the log up to 23 Nov 07:04 said so already") == len(known & {1, 2})
        assert "postmap hash:/etc/postfix/client_access" not in text
        assert "612 of 1,391 unwanted" in text


def test_both_parts_begin_with_the_verdict(any_advice: Advice, now: datetime) -> None:
    data = mail_of(any_advice, now)
    first = headline(clean(any_advice, ascii_only=True))[0]
    for text in (flat(part(data, "plain")), of_page(part(data, "html"))):
        assert " ".join(first.split()) in text.replace("\xa0", " ")


def test_one_long_name_does_not_break_a_table_in_two() -> None:
    page = Page(72)
    page.table([("", "these 7.0 days", "as long before"), ("accepted", "14,980", "15,102"), ("x" * 44, "1", "2")])
    lines = page.text().splitlines()
    assert len(lines) == 4
    assert lines[1].split() == ["accepted", "14,980", "15,102"]
    assert lines[2].strip() == "x" * 44
    assert lines[3].split() == ["1", "2"]
    assert len(lines[0]) == len(lines[1]) == len(lines[3]) <= 72


def test_what_nobody_asked_about_has_no_head(rich_advice: Advice, now: datetime) -> None:
    data = mail_of(rich_advice, now)
    for text in (part(data, "plain"), of_page(part(data, "html"))):
        for head in ("became of", "new since", "plan", "time before"):
            assert head not in text.casefold()


def test_lines_are_short_and_end_as_the_machine_ends_them(any_advice: Advice, now: datetime) -> None:
    data = mail_of(any_advice, now)
    assert b"\r" not in data
    assert max(map(len, data.split(b"\n"))) <= 998
    assert data.isascii()


def test_hostile_text_reaches_no_header(hostile_advice: Advice, now: datetime) -> None:
    found = message(mail_of(hostile_advice, now))
    assert {name.lower() for name in found} == {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "list-id", "mime-version", "content-type",
    }  # fmt: skip
    for inner in found.walk():
        assert "evil" not in _head(inner)
    assert "Bcc: eve@evil.example" in part(mail_of(hostile_advice, now), "plain")
    assert not re.search(r"^Bcc", part(mail_of(hostile_advice, now), "plain"), re.MULTILINE)
    assert "<script" not in part(mail_of(hostile_advice, now), "html")
    assert "\x1b" not in part(mail_of(hostile_advice, now), "plain")


def _head(found: Message) -> str:
    return "\n".join(f"{name}: {value}" for name, value in found.items())


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\nBcc: eve@evil.example",
        "a@b.example\r",
        "",
        "a b@c.example",
        "Eve <a@b.example>",
        "a@b@c",
        "é@b.example",
    ],
)
def test_what_is_no_address_is_refused(rich_advice: Advice, now: datetime, address: str) -> None:
    with pytest.raises(AdvisorError, match=r"--to: .* is no mail address"):
        mail_of(rich_advice, now, recipient=address)
    with pytest.raises(AdvisorError, match=r"--from: .* is no mail address"):
        mail_of(rich_advice, now, sender=address)


def test_several_recipients(rich_advice: Advice, now: datetime) -> None:
    found = message(mail_of(rich_advice, now, recipient="a@b.example, postmaster"))
    assert found["To"] == "a@b.example, postmaster@localhost"


@pytest.mark.parametrize("host", ["mx1\nBcc: eve@evil.example", "mx1\r", "mx1\0"])
def test_a_host_with_a_line_break_is_refused(rich_advice: Advice, now: datetime, host: str) -> None:
    with pytest.raises(AdvisorError, match="line break"):
        mail_of(replace(rich_advice, hosts=(host,)), now)


@pytest.mark.parametrize(
    ("hosts", "subject"),
    [
        ((), "mail server: 1 to fix, 3 to change"),
        (("mx1", "mx2", "mx3"), "mx1 and 2 more: 1 to fix, 3 to change"),
        (("\x1b[31mmx1",), "mail server: 1 to fix, 3 to change"),
        (("mx1 cheap pills",), "mail server: 1 to fix, 3 to change"),
        ((".".join(["m" * 40] * 3),), "mmmmmmmmmmmmmmmmm...mmmmmmmmmmmmmmmmm: 1 to fix, 3 to change"),
    ],
)
def test_the_subject_is_a_host_and_counts(
    rich_advice: Advice, now: datetime, hosts: tuple[str, ...], subject: str
) -> None:
    found = message(mail_of(replace(rich_advice, hosts=hosts), now))
    assert len(found["Subject"]) <= 60
    assert found["Subject"] == subject
    assert found["List-Id"].endswith((f"<advisor.{hosts[0]}>" if hosts else "", "<advisor.localhost>"))


def test_the_subject_of_a_quiet_week(rich_advice: Advice, empty_advice: Advice, now: datetime) -> None:
    assert message(mail_of(empty_advice, now))["Subject"] == "mail server: nothing to change"
    broken = replace(rich_advice, recommendations=())
    assert message(mail_of(broken, now))["Subject"] == "mx1.example.org: 1 to fix"
