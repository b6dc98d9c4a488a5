from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from advisor.board import Board, Client, Combination, Knob, Line
from advisor.overlap import ListNamed, Overlap
from advisor.recommendation import (
    Advice,
    Contrast,
    Day,
    Estimate,
    Finding,
    Greylisting,
    Host,
    Listing,
    Recommendation,
    Step,
    Tally,
    Terms,
    Traffic,
)
from advisor.visitor import Try, Visitor

ZONE = timezone(timedelta(hours=1))
NASTY = "\x1b[31m<script>alert(1)</script>[bold]\u202e\r\nBcc: eve@evil.example\n\x07" + "x" * 100


def moment(day: int, hour: int = 9, minute: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


def host(number: int, **fields: Any) -> Host:
    known: dict[str, Any] = {
        "client_address": f"192.0.2.{number}",
        "client_name": "unknown",
        "reverse_client_name": None,
        "helo_name": f"mx{number}.partner.example",
        "wanted": True,
        "evidence": "our users write to this sender",
        "attempts": 2,
        "messages": 1,
        "first_seen": moment(17),
        "last_seen": moment(20),
        "senders": ("billing@partner.example",),
    }
    return Host(**{**known, **fields})


def advised(name: str, **fields: Any) -> Recommendation:
    known: dict[str, Any] = {
        "name": name,
        "tip": 1,
        "claim": "refuse clients without a reverse name",
        "parameter": "smtpd_client_restrictions",
        "state": "off",
        "recommendation": "leave",
        "rank": None,
        "stopped": Tally(612, 540, 312),
        "hurt": Tally(3, 2, 2),
        "undecided": Tally(201, 190, 77),
        "no_evidence": Tally(),
        "marginal": Tally(588, 520, 300),
        "accepted": Tally(14980, 13000, 4100),
        "wanted": Tally(12406, 11000, 2400),
        "unwanted": Tally(1391, 1200, 900),
        "undecided_all": Tally(1183, 1000, 800),
        "refused": Tally(),
        "wanted_judged": fields.get("wanted", Tally(12406, 11000, 2400)),
        "unwanted_judged": fields.get("unwanted", Tally(1391, 1200, 900)),
        "harm_interval": (0.00005, 0.003),
        "basis": {"logged": 0, "derived": 14980},
        "hosts": (),
        "hosts_more": 0,
        "reasons": (),
        "not_known": (),
        "lines_to_type": (),
        "try_first": (),
        "undo": (),
    }
    return Recommendation(**{**known, **fields})


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 23, 7, 4, 5, tzinfo=ZONE)


def _changes() -> tuple[Recommendation, ...]:
    return (
        advised(
            "reject_unknown_reverse_client_hostname",
            recommendation="enforce",
            rank=1,
            marginal=Tally(612, 540, 312),
            hosts=(host(77), host(78, reverse_client_name="mail.verein.example", senders=(), helo_name=None)),
            hosts_more=4,
            reasons=("it stops more than any other and the hosts it hurts have a name",),
            not_known=("a client whose name server failed for a moment looks the same in the log",),
            lines_to_type=(
                "cat > /etc/postfix/client_access <<'END'",
                "# our users write to this sender; 31 accepted, last on 2026-11-20; billing@partner.example, "
                "office@partner.example",
                "192.0.2.77 OK",
                "END",
                "postmap hash:/etc/postfix/client_access",
                "postconf -e 'smtpd_client_restrictions = permit_mynetworks, permit_sasl_authenticated, "
                "check_client_access hash:/etc/postfix/client_access, reject_unknown_reverse_client_hostname'",
                "postfix check && postfix reload",
            ),
            try_first=(
                "postconf -e 'smtpd_client_restrictions = warn_if_reject reject_unknown_reverse_client_hostname'",
            ),
            undo=("postconf -X smtpd_client_restrictions", "postfix reload"),
        ),
        advised(
            "reject_unknown_sender_domain",
            tip=4,
            claim="refuse sender domains that do not exist",
            parameter="smtpd_sender_restrictions",
            recommendation="enforce",
            rank=2,
            stopped=Tally(94, 90, 61),
            marginal=Tally(70, 66, 44),
            hurt=Tally(),
            undecided=Tally(12, 12, 9),
            harm_interval=(0.0, 0.0118),
            wanted=Tally(310, 300, 120),
            no_evidence=Tally(44, 40, 21),
            basis={"logged": 14, "looked up": 14922},
            lines_to_type=("postconf -e 'smtpd_sender_restrictions = reject_unknown_sender_domain'", "postfix reload"),
            undo=("postconf -X smtpd_sender_restrictions", "postfix reload"),
        ),
        advised(
            "reject_non_fqdn_helo_hostname",
            tip=2,
            claim="refuse clients whose HELO is not a full name",
            parameter="smtpd_helo_restrictions",
            recommendation="warn",
            rank=3,
            stopped=Tally(87, 80, 30),
            marginal=Tally(41, 38, 22),
            hurt=Tally(4, 4, 1),
            undecided=Tally(9, 9, 5),
            no_evidence=Tally(11020, 10000, 3300),
            wanted_judged=Tally(1386, 1300, 600),
            unwanted_judged=Tally(402, 377, 210),
            harm_interval=(0.001, 0.0072),
            hosts=(host(99, wanted=None, evidence="nothing is known of it", attempts=1234, senders=("",)),),
            reasons=("the log holds too few HELO names to enforce it",),
            not_known=("smtpd_log_access_permit_actions = static:all would log the HELO of accepted mail",),
            lines_to_type=("postconf -e 'smtpd_log_access_permit_actions = static:all'", "postfix reload"),
            undo=("postconf -X smtpd_log_access_permit_actions", "postfix reload"),
        ),
    )


def _others() -> tuple[Recommendation, ...]:
    return (
        advised(
            "reject_unknown_helo_hostname",
            tip=2,
            stopped=Tally(),
            hurt=Tally(),
            undecided=Tally(),
            marginal=Tally(),
            harm_interval=None,
            no_evidence=Tally(14980, 13000, 4100),
            wanted_judged=Tally(),
            unwanted_judged=Tally(),
            recommendation="warn",
            reasons=("no look-up of HELO names is at hand",),
        ),
        advised(
            "reject_unknown_client_hostname",
            tip=3,
            stopped=Tally(58, 51, 33),
            hurt=Tally(311, 290, 88),
            harm_interval=(0.021, 0.034),
            reasons=("it refuses 311 wanted attempts for 58 unwanted ones",),
        ),
        advised(
            "reject_rbl_client zen.spamhaus.org",
            tip=6,
            state="enforced",
            stopped=Tally(),
            hurt=Tally(),
            marginal=Tally(),
            refused=Tally(19704, 18000, 9000),
            wanted_judged=Tally(),
            unwanted_judged=Tally(),
            harm_interval=None,
            reasons=("it is on and works",),
        ),
    )


@pytest.fixture
def rich_advice() -> Advice:
    return Advice(
        start=moment(16, 0, 3),
        end=moment(22, 23, 58),
        timezone="+01:00",
        hosts=("mx1.example.org",),
        postfix_version="3.5.25",
        configuration="postconf -n of this machine, as of 22 Nov 2026",
        coverage={
            "lines": 1284310,
            "events": 1271902,
            "ignored": 12365,
            "unrecognised": 43,
            "ignored_by_program": {"dovecot": 12001, "sshd": 364},
        },
        traffic=Traffic(
            attempts=41005,
            outside=38204,
            accepted=14980,
            rejected=21310,
            deferred=1914,
            authenticated=2400,
            own_network=401,
            local_messages=77,
            wanted=12406,
            unwanted=1391,
            undecided=1183,
            refused_by=(("reject_rbl_client", 19704), ("postgrey", 1914), ("reject_unlisted_recipient", 1606)),
            client_status={"ok": 30000, "unknown": 8204},
            days=tuple(
                Day(f"2026-11-{16 + n}", accepted, rejected, deferred)
                for n, (accepted, rejected, deferred) in enumerate(
                    zip(
                        (2500, 2480, 2600, 2550, 2450, 1200, 1200),
                        (3000, 3100, 3300, 3400, 3000, 2810, 2700),
                        (300, 280, 310, 274, 290, 240, 220),
                        strict=True,
                    )
                )
            ),
            greylisting=Greylisting(1914, 640, 402, 200, 38, 5120, (301.0, 310.0, 322.0, 360.0, 900.0, 40000.0)),
            lists=(Listing("zen.spamhaus.org", 19704, 21000, 9000), Listing("bl.example.net", 0, 12, 7)),
            spf={"pass": 9001, "none": 2100, "fail": 311, "softfail": 500},
            dmarc={"pass": 8000, "none": 3000, "fail": 210},
            helo_known=3960,
        ),
        recommendations=_changes() + _others(),
        allowlist=("# our users write to this sender; 31 accepted, last on 2026-11-20", "192.0.2.77 OK"),
        findings=(
            Finding("fix", "A blocklist's error answer refused 37 attempts of 21 clients on 19 Nov, 09:12 to 09:40: "
                    "zen.spamhaus.org said 127.255.255.254 (public resolver). Whether it lists them is not known."),
            Finding("note", "The log of 16 Nov begins at 00:03."),
        ),
        samples=(("postfix/smtpd: warning: N odd N", 41, "warning: 12 odd 17"), ("postfix/x: y", 2, "y")),
        cannot_show=("The HELO of 11,020 of 14,980 accepted attempts: smtpd_log_access_permit_actions supplies it.",),
        evidence={"correspondent": 6000, "filter_clean": 7000, "filter_spam": 1391},
        board=Board(
            knobs=(
                Knob("smtpd_helo_required", "refuse clients that send no HELO", "off"),
                Knob("reject_unknown_reverse_client_hostname", "refuse clients without a reverse name", "off", True),
            ),
            combinations=(Combination("-R", "uu"), Combination("?-", "ww"), Combination("D-", "..")),
            dates=("2026-11-16", "2026-11-17"),
            days=((0, 0, 1234), (1, 0, 7), (1, 1, 9), (2, 1, 3)),
            clients=(Client("192.0.2.77", "unknown", ((0, 1234), (1, 9))), Client("192.0.2.8", "a.example", ((2, 3),))),
            groups=(((0, 1), 1), ((2,), 1), ((1,), 4)),
            lines=(
                Line("smtpd_helo_required", "= yes", 0),
                Line("smtpd_client_restrictions", "permit_mynetworks", None),
                Line("smtpd_client_restrictions", "reject_unknown_reverse_client_hostname", 1),
            ),
        ),
    )  # fmt: skip


@pytest.fixture
def empty_advice() -> Advice:
    """An empty log."""
    return Advice(
        start=None,
        end=None,
        timezone="UTC",
        hosts=(),
        postfix_version=None,
        configuration="none: only loopback counts as ours",
        coverage={"lines": 0, "events": 0, "ignored": 0, "unrecognised": 0, "ignored_by_program": {}},
        traffic=Traffic(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (), {}, (), None, (), {}, {}),
        recommendations=(),
        allowlist=(),
        findings=(),
        samples=(),
        cannot_show=(),
    )


@pytest.fixture
def unknown_advice(rich_advice: Advice) -> Advice:
    """Mail came in, and the log holds nothing that any check looks at; nor is any of it known to be wanted or not."""
    nothing: dict[str, Any] = dict.fromkeys(
        ["stopped", "hurt", "undecided", "marginal", "wanted", "unwanted", "wanted_judged", "unwanted_judged"], Tally()
    )
    nothing |= {"harm_interval": None, "basis": {}, "hosts": (), "hosts_more": 0, "reasons": (), "not_known": ()}
    everything = Tally(555, 444, 333)
    changes = tuple(
        replace(one, accepted=everything, no_evidence=everything, undecided_all=everything, refused=Tally(), **nothing)
        for one in rich_advice.recommendations
    )
    traffic = replace(
        rich_advice.traffic,
        attempts=555, outside=555, accepted=555, rejected=0, deferred=0, authenticated=0, own_network=0,
        wanted=0, unwanted=0, undecided=555, refused_by=(), greylisting=None, lists=(), spf={}, dmarc={}, helo_known=0,
    )  # fmt: skip
    return replace(rich_advice, recommendations=changes, traffic=traffic, allowlist=(), findings=(), samples=())


@pytest.fixture
def hostile_advice(rich_advice: Advice) -> Advice:
    """Whatever a stranger, or a log, can choose is an attack."""
    names: dict[str, Any] = dict.fromkeys(["client_name", "reverse_client_name", "helo_name", "evidence"], NASTY)
    guest = host(66, senders=(NASTY,) * 3, **names)
    changes = tuple(
        replace(
            one,
            hosts=(guest,),
            reasons=(NASTY,),
            not_known=(NASTY,),
            lines_to_type=(NASTY,),
            basis={NASTY: 3},
            argument=NASTY,
            cheaper=NASTY,
        )
        for one in rich_advice.recommendations
    )
    traffic = replace(
        rich_advice.traffic,
        refused_by=((NASTY, 5),),
        client_status={NASTY: 5},
        lists=(Listing(NASTY, 1, 2, 3),),
        spf={NASTY: 1},
        dmarc={NASTY: 1},
    )
    return replace(
        rich_advice,
        postfix_version=NASTY,
        configuration=NASTY,
        coverage={**rich_advice.coverage, "ignored_by_program": {NASTY: 12365}},
        traffic=traffic,
        recommendations=changes,
        allowlist=(NASTY,),
        findings=(Finding("fix", NASTY), Finding("note", NASTY)),
        samples=((NASTY, 43, NASTY),),
        cannot_show=(NASTY,),
        evidence={NASTY: 4},
        sequels=(NASTY,),
        plan=(Step(1, NASTY, "warn"), Step(2, NASTY, "enforce")),
        contrast=Contrast(moment(9), moment(16), ((NASTY, 1, 2),), (NASTY,)),
        board=Board(
            knobs=(Knob(NASTY, NASTY, NASTY, True),),
            combinations=(Combination("R", "."),),
            dates=("2026-11-16",),
            days=((0, 0, 3),),
            clients=(Client("</script>" + NASTY, "<!--" + NASTY, ((0, 3),)),),
            groups=(((0,), 1),),
            lines=(Line(NASTY, NASTY, 0),),
        ),
    )


@pytest.fixture
def weekly_advice(rich_advice: Advice) -> Advice:
    """The second week: what changes did, what is planned, and how the week before was."""
    first, second, *others = rich_advice.recommendations
    first = replace(
        first,
        before=Estimate(61, 2400, 77, 400, (290, 11000), (0.019, 0.058), (0.015, 0.066)),
        after=Estimate(2, 2390, 12, 390, (2, 10900), (0.00008, 0.0087), (0.0, 0.0131), 0.0079),
        cheaper="Of the 312 unwanted clients that it stops, 200 talk before their turn: postscreen does that too.",
    )
    listed = replace(
        second,
        name="reject_rbl_client",
        argument="bl.example.net=127.0.0.[2..11]",
        before=Estimate(0, 0, 3, 9, (0, 0), None),
        after=Estimate(0, 0, 3, 9, (0, 0), None),
    )
    names = (first.spelled, listed.spelled, others[0].spelled)
    return replace(
        rich_advice,
        recommendations=(first, listed, *others),
        terms=Terms(0.005, 0.9, 250),
        plan=(
            *(Step(1, name, "warn") for name in names),
            *(Step(2, name, step) for step in ("allow", "enforce") for name in names[:2]),
            Step(3, "reject_unknown_helo_hostname", "warn"),
            Step(5, "reject_rbl_client zen.example", "log"),
        ),
        sequels=("Since 16 Nov reject_x refuses.", "198.51.100.7 was refused 4 times: allow it."),
        contrast=Contrast(
            moment(9, 0, 3),
            moment(16, 0, 3),
            (("attempts from outside", 38204, 36950), ("refused by reject_rbl_client bl.example.net", 0, 712)),
            ("Gone: reject_rbl_client bl.example.net refused none of 23,224 attempts, and 712 of 21,848 before.",),
        ),
        overlap=Overlap(
            44,
            (ListNamed("zen.example", 40, 40, 30, 1000), ListNamed("bl.example.net", 14, 4, 4, None)),
            ((("zen.example",), 30), (("zen.example", "bl.example.net"), 10), (("bl.example.net",), 4)),
        ),
        visitors=(
            Visitor(
                "192.0.2.200",
                "unknown",
                None,
                "localhost",
                90,
                60,
                20,
                10,
                0,
                55,
                moment(16),
                moment(22),
                (("the content filter called it spam", 55),),
                (("reject_rbl_client", 20),),
                ("", "win@bot.example"),
                (Try(moment(22), "win@bot.example", "u@ourdom.test", "reject", "554 5.7.1", "Service unavailable"),),
            ),
        ),
    )


@pytest.fixture(params=["rich", "empty", "unknown", "hostile", "weekly"])
def any_advice(request: pytest.FixtureRequest) -> Advice:
    found: Advice = request.getfixturevalue(f"{request.param}_advice")
    return found
