"""cleanup(8): message ids, header and body checks, and what milters did at the end of a message."""

from advisor.family import ANY, CLIENT, LIBRARY, QUEUE_ID, Family, Fields, family
from advisor.programs.delivery import DELIVERY
from advisor.programs.smtpd import STAGES, complete_verdict
from advisor.verdict import OTHER, attributes

PROGRAMS = ("cleanup",)
POSTFIX = True

_CHECKS = (
    "reject|warning|info|hold|discard|redirect|filter|prepend|replace|strip|bcc|delay|pass|"
    r"milter-(?:header|body)-[a-z]+"
)
_MILTER = "milter-reject|milter-discard|milter-hold|milter-quarantine|milter-redirect"


def _complete(fields: Fields) -> None:
    # A check's words are the administrator's own (cleanup_act_log() in cleanup_message.c).
    if fields["action"] == "reject":
        fields["restriction"] = f"{fields['stage']}_checks" if fields["stage"] in ("header", "body") else OTHER
    fields["stage"] = "END-OF-MESSAGE"
    if "helo_name" in fields:
        fields["helo_sent"] = True


def _check(pattern: str, sample: str) -> Family:
    """A header or body check; what stands in the mail may look like the rest of the line, which is the last such.

    Of the mail no more than 200 characters are logged, and of a MIME error some words and 100.
    """
    return family(
        "verdict",
        sample,
        rf"{QUEUE_ID}: (?P<action>{_CHECKS}): (?P<stage>header|body|content|mime-error) (?P<text>.{{0,400}}) "
        rf"from (?:{CLIENT}|local|unknown);{pattern}(?:: (?:(?P<dsn>[245]\.\d{{1,3}}\.\d{{1,3}}) )?(?P<reason>.*))?",
        _complete,
    )


FAMILIES = (
    family(
        "message_id",
        "4F1D61C0: message-id=<s001.0@lab>",
        rf"{QUEUE_ID}: (?:resent-)?message-id=(?:<(?P<message_id>[^>]*)>|(?P<text>.*))",
    ),
    family(
        "verdict",
        "058971AE: milter-reject: END-OF-MESSAGE from spf2.senders.example[203.0.113.181]: 5.7.1 rejected by DMARC "
        "policy for ourdom.test; from=<ceo@ourdom.test> to=<p128@ourdom.test> proto=ESMTP helo=<helopass.example>",
        rf"{QUEUE_ID}: (?P<action>{_MILTER}): (?P<stage>{STAGES}) from {CLIENT}: (?P<text>.*)",
        complete_verdict,
    ),
    _check(
        attributes(),
        "960D3E0: reject: header Subject: test from h2.senders.example[203.0.113.102]; from=<a@b.example> "
        "to=<c@d.example> proto=ESMTP helo=<localhost>: 5.7.1 no thanks",
    ),
    _check(
        attributes(ANY, ANY),
        "960D3E0: warning: header Subject: test from local; from=<<>@x.example>",
    ),
    # An address that a map sends nowhere is bounced here (cleanup_bounce.c).
    DELIVERY,
    family(
        "notice",
        "960D3E0: removed",
        # In brackets since Postfix 3.8 (cleanup_api.c).
        rf"{QUEUE_ID}: (?P<text>removed(?: \((?:canceled|discarded)\))?|skipped|reason=.*|milter triggers .*|"
        r"\S+ map lookup problem -- message not accepted, try again later)",
    ),
    LIBRARY,
)
