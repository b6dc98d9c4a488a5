"""A verdict: what Postfix says when a restriction, a milter or a header check speaks, and which one that was.

log_whatsup() in src/smtpd/smtpd_check.c writes it: the wording, not the restriction's name. SAYS leads back.
"""

import re

from advisor.family import Fields

OTHER = "other"
"""The restriction of a wording that stands for none we know, or for several: never guessed."""

# 554 5.7.1 Service unavailable; Client host [203.0.113.150] blocked using zen.dnsbl.test; https://...
BLOCKED = re.compile(
    r"(?:Service unavailable; )?(?P<what>Unverified Client host|Client host|Helo command|Sender address|"
    r"Recipient address|client) \[(?P<subject>[^\]]*)\] blocked using (?P<list>[^\s;]+)"
)
_BLOCKED = {
    "Unverified Client host": "reject_rhsbl_reverse_client",
    "Helo command": "reject_rhsbl_helo",
    "Sender address": "reject_rhsbl_sender",
    "Recipient address": "reject_rhsbl_recipient",
    "client": "postscreen_dnsbl_action",
}

SAYS: tuple[tuple[str, str], ...] = (
    ("Client host rejected: cannot find your reverse hostname", "reject_unknown_reverse_client_hostname"),
    ("Client host rejected: cannot find your hostname", "reject_unknown_client_hostname"),
    ("Helo command rejected: Invalid name", "reject_invalid_helo_hostname"),
    ("Helo command rejected: invalid ip address", "reject_invalid_helo_hostname"),
    ("Helo command rejected: need fully-qualified hostname", "reject_non_fqdn_helo_hostname"),
    ("Helo command rejected: Host not found", "reject_unknown_helo_hostname"),
    ("Helo command rejected: Malformed DNS server reply", "reject_unknown_helo_hostname"),
    ("Sender address rejected: Domain not found", "reject_unknown_sender_domain"),
    ("Sender address rejected: Malformed DNS server reply", "reject_unknown_sender_domain"),
    ("Sender address rejected: need fully-qualified address", "reject_non_fqdn_sender"),
    ("Sender address rejected: not owned by user", "reject_sender_login_mismatch"),
    ("Sender address rejected: not logged in", "reject_sender_login_mismatch"),
    ("Sender address rejected: undeliverable address", "reject_unverified_sender"),
    ("Sender address rejected: unverified address", "reject_unverified_sender"),
    ("Sender address rejected: User unknown", "reject_unlisted_sender"),
    ("Recipient address rejected: User unknown", "reject_unlisted_recipient"),
    ("Recipient address rejected: Domain not found", "reject_unknown_recipient_domain"),
    ("Recipient address rejected: need fully-qualified address", "reject_non_fqdn_recipient"),
    ("Recipient address rejected: undeliverable address", "reject_unverified_recipient"),
    ("Recipient address rejected: unverified address", "reject_unverified_recipient"),
    ("Recipient address rejected: Greylisted", "postgrey"),
    ("Recipient address rejected: Message rejected due to: SPF", "policyd-spf"),
    ("Recipient address rejected: Message deferred due to: SPF", "policyd-spf"),
    ("Relay access denied", "reject_unauth_destination"),
    ("Data command rejected: Improper use of SMTP command pipelining", "reject_unauth_pipelining"),
    ("Data command rejected: Multi-recipient bounce", "reject_multi_recipient_bounce"),
    ("rejected by DMARC policy for ", "opendmarc"),
    ("Protocol error", "postscreen"),
    ("Service currently unavailable", "postscreen"),
)
"""What a reject's text begins with, after code and subject, and the restriction that says it; the first that fits."""

# Sender address rejected: Domain nullmx.example does not accept mail (nullMX)
NULL_MX = re.compile(r"Sender address rejected: Domain \S* does not accept mail \(nullMX\)")


def name_restriction(fields: Fields) -> None:
    """Add `restriction` (and `list` for a DNS list) to the fields of a verdict, from its `text`."""
    text = fields.get("text", "")
    fields["restriction"] = OTHER
    if blocked := BLOCKED.match(text):
        fields["list"] = blocked["list"]
        by_address = blocked["subject"].replace(".", "").isdigit() or ":" in blocked["subject"]
        client = "reject_rbl_client" if by_address else "reject_rhsbl_client"
        fields["restriction"] = _BLOCKED.get(blocked["what"], client)
    elif NULL_MX.match(text):
        fields["restriction"] = "reject_unknown_sender_domain"
    else:
        for says, name in SAYS:
            if text.startswith(says):
                fields["restriction"] = name
                break


# The end of a verdict:  ; from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<mail.b.example>
TAIL = re.compile(
    r"; ?(?:from=<(?P<sender>.*?)> ?)?(?:to=<(?P<recipient>.*?)> ?)?(?:proto=(?P<proto>SMTP|ESMTP))?"
    r"(?: ?helo=<(?P<helo_name>.*?)>)?(?: sasl_(?:method|sender)=\S+| sasl_username=<?(?P<sasl_username>[^\s>]*)>?)*"
    r"(?:: (?P<after>.*))?\Z",
    re.DOTALL,
)
TAIL_BEGINS = re.compile(r"; ?(?=from=<|to=<|proto=)")
# 504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname
REPLY = re.compile(
    r'(?:(?P<reply>[2-5]\d\d) )?(?:(?P<dsn>[245]\.\d{1,3}\.\d{1,3}) )?(?:<(?P<subject>"(?:[^"\\]|\\.)*"[^>]*|[^>]*)>: )?'
    r"(?P<text>.*)\Z",
    re.DOTALL,
)


def read_verdict(text: str) -> Fields | None:
    """The fields of a verdict's words: code, dsn, text and, from its end, sender, recipient, proto and HELO.

    A client chooses its HELO and its addresses, so `; from=<` may stand in them. Of several possible ends the one
    counts whose subject `<...>:` is the HELO, sender or recipient it names; else the first.
    """
    best: Fields | None = None
    for begins in TAIL_BEGINS.finditer(text):
        tail = TAIL.match(text, begins.start())
        head = REPLY.match(text[: begins.start()])
        if tail is None or head is None:
            continue
        fields: Fields = {name: value for name, value in tail.groupdict().items() if value is not None}
        fields.update({name: value for name, value in head.groupdict().items() if value is not None})
        subject = fields.pop("subject", None)
        fits = subject is None or subject in (fields.get("helo_name"), fields.get("sender"), fields.get("recipient"))
        if fits or best is None:
            best = fields
        if fits:
            break
    return best
