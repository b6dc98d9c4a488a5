"""The configurations: the baseline, its logging knobs, one run for each restriction, and whole lists."""

import re
from functools import cache

from tests.lab.companion import OPENDKIM, OPENDMARC, OPENDMARC_HEADERS, OPENDMARC_LENIENT, POSTGREY, SPF, SPF_LENIENT
from tests.lab.configuration import CLIENT, DATA, HELO, POSTGREY_POLICY, RECIPIENT, SENDER, SPF_POLICY, Configuration

BASELINE = "baseline"
INSIDE = "permit_mynetworks, permit_sasl_authenticated"
CODES = {
    "unknown_client_reject_code": "550",
    "unknown_address_reject_code": "550",
    "unknown_hostname_reject_code": "550",
}
_TIPS = (
    "reject_unknown_reverse_client_hostname", "reject_unknown_client_hostname", "reject_invalid_helo_hostname",
    "reject_non_fqdn_helo_hostname", "reject_unknown_helo_hostname", "reject_unknown_sender_domain",
    "reject_non_fqdn_sender", "reject_rhsbl_helo dbl.rhsbl.test", "reject_rhsbl_reverse_client dbl.rhsbl.test",
    "reject_rhsbl_sender dbl.rhsbl.test", "reject_rbl_client zen.dnsbl.test",
)  # fmt: skip


_SITES = "zen.dnsbl.test*2, bl.dnsbl.test"
_SCREEN = {"postscreen_greet_wait": "2s", "postscreen_dnsbl_sites": _SITES, "postscreen_dnsbl_threshold": "2"}


# reject_rbl_client zen.dnsbl.test
_ASKS_DNS = re.compile(r"reject_r(?:hs)?bl_|permit_dnswl_|reject_unknown_(?:helo|sender)_")
WHOLE = "whole lists"
UNTRUSTED = "reject_rbl_client, of a list that fails its test"


_DEEP = Configuration(
    "postscreen_deep",
    {
        **_SCREEN,
        "postscreen_greet_action": "enforce",
        "postscreen_dnsbl_action": "enforce",
        **{f"postscreen_{test}_enable": "yes" for test in ("pipelining", "non_smtp_command", "bare_newline")},
        **{f"postscreen_{test}_action": "enforce" for test in ("pipelining", "bare_newline")},
    },
    long=True,
)
"""For its log only: after the deep tests nobody is let in at once, so there is nothing to compare."""
SAMPLES = (BASELINE, "knob_permit_log", "postgrey", "spf", "dmarc", "postscreen_deep", "all")
"""The runs whose logs are sample logs."""


@cache
def configurations() -> tuple[Configuration, ...]:
    """All of them; the plain baseline first."""
    return (*_knobs(), *_client(), *_helo(), *_sender(), *_lists_of_dns(), *_policies(), *_whole(), _DEEP)


def by_name(name: str) -> Configuration:
    """The configuration of this name."""
    return next(found for found in configurations() if found.name == name)


def _knobs() -> tuple[Configuration, ...]:
    """What shows more of accepted mail, and refuses nothing."""
    return (
        Configuration(BASELINE, knob=True),
        Configuration("knob_info", {HELO: "check_helo_access static:{INFO helo-seen}"}, knob=True),
        Configuration("knob_warn", {HELO: "check_helo_access regexp:{{/./ WARN helo-seen}}"}, knob=True, long=True),
        Configuration("knob_warn_if_reject", {RECIPIENT: "warn_if_reject reject"}, knob=True, long=True),
        Configuration(
            "knob_permit_log",
            {"smtpd_log_access_permit_actions": "static:all", RECIPIENT: "permit"},
            knob=True,
            long=True,
        ),
        Configuration(
            "knob_end_of_data",
            {"smtpd_end_of_data_restrictions": "check_client_access static:{INFO eod}"},
            knob=True,
            long=True,
        ),
        Configuration("knob_header", {"header_checks": "regexp:{{/^Received: from/ INFO}}"}, knob=True, long=True),
        Configuration("knob_spf", {RECIPIENT: SPF_POLICY}, (SPF_LENIENT,), knob=True, long=True),
        Configuration("knob_dmarc", {}, (OPENDKIM, OPENDMARC_LENIENT), knob=True),
        Configuration(
            "knob_postscreen",
            {**_SCREEN, "postscreen_greet_action": "ignore", "postscreen_dnsbl_action": "ignore"},
            knob=True,
            long=True,
        ),
        Configuration(
            "knob_preview", {RECIPIENT: ", ".join(f"warn_if_reject {tip}" for tip in _TIPS)}, knob=True, long=True
        ),
    )


def _one(name: str, where: str, what: str, *, long: bool = False, **more: str) -> Configuration:
    """One restriction by itself; where it asks the DNS, behind the permit that is always before it."""
    inside = "permit_mynetworks, " if _ASKS_DNS.match(what) else ""
    return Configuration(name, {where: inside + what, **more}, shows=what.split(maxsplit=1)[0].rstrip(","), long=long)


def _client() -> tuple[Configuration, ...]:
    reverse, client = "reject_unknown_reverse_client_hostname", "reject_unknown_client_hostname"
    code = "550"
    return (
        _one("unknown_reverse", CLIENT, reverse),
        _one("unknown_reverse_550", CLIENT, reverse, long=True, unknown_client_reject_code=code),
        _one("unknown_client", CLIENT, client),
        _one("unknown_client_550", CLIENT, client, unknown_client_reject_code=code),
        _one("unauth_pipelining", DATA, "reject_unauth_pipelining"),
    )


def _helo() -> tuple[Configuration, ...]:
    required, unknown = "smtpd_helo_required", "reject_unknown_helo_hostname"
    return (
        Configuration("helo_required", {required: "yes"}, shows=required),
        _one("invalid_helo", HELO, "reject_invalid_helo_hostname"),
        _one("non_fqdn_helo", HELO, "reject_non_fqdn_helo_hostname"),
        _one("unknown_helo", HELO, unknown),
        _one("unknown_helo_550", HELO, unknown, long=True, unknown_hostname_reject_code="550"),
        _one("unknown_helo_defer", HELO, unknown, long=True, unknown_helo_hostname_tempfail_action="defer"),
        _one("helo_codes", HELO, "reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname", long=True,
             invalid_hostname_reject_code="550", non_fqdn_reject_code="554"),
    )  # fmt: skip


def _sender() -> tuple[Configuration, ...]:
    unknown = "reject_unknown_sender_domain"
    return (
        _one("unknown_sender", SENDER, unknown),
        _one("unknown_sender_550", SENDER, unknown, long=True, unknown_address_reject_code="550"),
        _one("unknown_sender_defer", SENDER, unknown, long=True, unknown_address_tempfail_action="defer"),
        _one("non_fqdn_sender", SENDER, "reject_non_fqdn_sender"),
        _one("non_fqdn_recipient", SENDER, "reject_non_fqdn_recipient", long=True),
    )


def _lists_of_dns() -> tuple[Configuration, ...]:
    rbl, dbl = "reject_rbl_client", "dbl.rhsbl.test"
    untrusted = {
        "rbl_dead": "dead.dnsbl.test",
        "rbl_gone": "gone.dnsbl.test",
        "rbl_blocked": "blocked.dnsbl.test",
        "rbl_blocked_filter": "blocked.dnsbl.test=127.0.0.[2..11]",
        "rbl_everybody": "everybody.dnsbl.test",
        "rbl_parked": "parked.dnsbl.test",
    }
    return (
        *(Configuration(name, {CLIENT: f"permit_mynetworks, {rbl} {zone}"}, shows=UNTRUSTED, long=True)
          for name, zone in untrusted.items()),
        _one("rbl", CLIENT, f"{rbl} zen.dnsbl.test"),
        _one("rbl_filter", CLIENT, f"{rbl} zen.dnsbl.test=127.0.0.[2..3;11]", long=True),
        _one("rbl_bl", CLIENT, f"{rbl} bl.dnsbl.test", long=True),
        _one("rbl_code", CLIENT, f"{rbl} zen.dnsbl.test", long=True, maps_rbl_reject_code="450"),
        _one("rhsbl_helo", HELO, f"reject_rhsbl_helo {dbl}"),
        _one("rhsbl_client", CLIENT, f"reject_rhsbl_client {dbl}"),
        _one("rhsbl_reverse_client", CLIENT, f"reject_rhsbl_reverse_client {dbl}"),
        _one("rhsbl_sender", SENDER, f"reject_rhsbl_sender {dbl}"),
        _one("rhsbl_filter", SENDER, f"reject_rhsbl_sender {dbl}=127.0.1.[2..3]", long=True),
        _one("dnswl", CLIENT, "permit_dnswl_client list.dnswl.test, reject_rbl_client zen.dnsbl.test"),
        _one("dnswl_filter", CLIENT, "permit_dnswl_client list.dnswl.test=127.0.[0..255].[2..3], "
             "reject_unknown_client_hostname, reject_rbl_client zen.dnsbl.test", long=True),
    )  # fmt: skip


def _policies() -> tuple[Configuration, ...]:
    greet = {"postscreen_greet_wait": "2s", "postscreen_greet_action": "enforce"}
    sites = {**_SCREEN, "postscreen_greet_action": "ignore", "postscreen_dnsbl_action": "enforce"}
    first = f"postscreen_dnsbl_action {{ {_SITES}, threshold=2 }}"
    return (
        Configuration("spf", {RECIPIENT: f"permit_mynetworks, {SPF_POLICY}"}, (SPF,), "policyd-spf"),
        Configuration("postgrey", {RECIPIENT: POSTGREY_POLICY}, (POSTGREY,), "postgrey"),
        Configuration("dmarc", {}, (OPENDKIM, OPENDMARC), "opendmarc", last="opendmarc"),
        Configuration("dmarc_headers", {}, (OPENDKIM, OPENDMARC_HEADERS), "opendmarc_required_headers",
                      last="opendmarc_required_headers", long=True),
        Configuration("pregreet", greet, (), "postscreen_greet_action", "postscreen_greet_action", long=True),
        Configuration("postscreen_dnsbl", sites, (), "postscreen_dnsbl_action", first, long=True),
    )  # fmt: skip


def _whole() -> tuple[Configuration, ...]:
    """Whole lists; asked as the lists that they are."""
    clients = f"{INSIDE}, reject_unknown_reverse_client_hostname, reject_rbl_client zen.dnsbl.test"
    helos = f"{INSIDE}, check_helo_access inline:{{{{localhost=OK}}}}, {_TIPS[2]}, {_TIPS[3]}"
    senders = f"{INSIDE}, reject_non_fqdn_sender, reject_unknown_sender_domain"
    lists = {CLIENT: clients, HELO: helos, SENDER: senders}
    access = (
        "inline:{{203.0.113.20=OK}, {203.0.113.25=REJECT no}, {203.0.113.28=451 later}, {198.51.100=DEFER_IF_PERMIT}}"
    )
    one = ", ".join(_TIPS)
    policies = f"{SPF_POLICY}, {POSTGREY_POLICY}, {', '.join(_TIPS[7:])}"
    everything = {
        CLIENT: f"{clients}, {_TIPS[1]}",
        HELO: f"{helos}, {_TIPS[4]}",
        SENDER: senders,
        RECIPIENT: f"{INSIDE}, reject_unauth_destination, {policies}",
        "smtpd_helo_required": "yes",
    }
    warned = {CLIENT: f"warn_if_reject {_TIPS[1]}, warn_if_reject {_TIPS[4]}", SENDER: f"warn_if_reject {_TIPS[5]}"}
    deferred = {SENDER: f"{_TIPS[5]}, {_TIPS[4]}", RECIPIENT: "reject_unauth_destination, defer_if_permit"}
    permitted = {CLIENT: "permit", HELO: _TIPS[2], SENDER: f"permit_mynetworks, {_TIPS[5]}, permit"}
    beside = (SPF, POSTGREY, OPENDKIM, OPENDMARC)
    return (
        Configuration("client_list", {CLIENT: clients}, shows=WHOLE),
        Configuration("three_lists", lists, shows=WHOLE),
        *(
            Configuration(name, main, shows=WHOLE, long=True)
            for name, main in (
                ("tips_in_one_list", {RECIPIENT: f"{INSIDE}, reject_unauth_destination, {one}"}),
                ("three_lists_550", {**lists, **CODES}),
                ("no_delay", {"smtpd_delay_reject": "no", **lists}),
                ("warned", warned),
                ("deferred", deferred),
                ("access", {CLIENT: f"check_client_access {access}, {_TIPS[0]}"}),
                ("permit_first", permitted),
            )
        ),
        Configuration("all", everything, beside, WHOLE, last="opendmarc", long=True),
    )
