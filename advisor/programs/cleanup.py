"""cleanup(8): message ids, header and body checks, and what milters did at the end of a message."""

from advisor.family import CLIENT, QUEUE_ID, Fields, family
from advisor.programs.smtpd import complete_verdict

PROGRAMS = ("cleanup",)
POSTFIX = True

_CHECKS = "reject|warning|info|hold|discard|redirect|filter|prepend|replace|strip|bcc|delay|pass"
_MILTER = "milter-reject|milter-discard|milter-hold|milter-quarantine|milter-header-add|milter-header-change|milter-redirect"
_TAIL = r"(?P<text>.*; ?(?:from=<.*>|to=<.*>|proto=E?SMTP).*)"


def _complete(fields: Fields) -> None:
    complete_verdict(fields)
    if fields["action"] == "reject":
        # A header or body check: its words are the administrator's own (cleanup_message.c, cleanup_act()).
        fields["restriction"] = "header_checks" if fields["stage"] == "header" else f"{fields['stage']}_checks"
    fields["stage"] = "END-OF-MESSAGE" if fields["stage"] in ("header", "body", "mime-header", "content") else fields["stage"]


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
        rf"{QUEUE_ID}: (?P<action>{_MILTER}): (?P<stage>[A-Z-]+) from {CLIENT}: {_TAIL}",
        complete_verdict,
    ),
    family(
        "verdict",
        "960D3E0: info: header Received: from localhost (h2.senders.example [203.0.113.102]) by mx1 from "
        "h2.senders.example[203.0.113.102]; from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<localhost>",
        rf"{QUEUE_ID}: (?P<action>{_CHECKS}): (?P<stage>header|body|mime-header|nested-header|content) "
        rf"(?P<text>.* from {CLIENT}; ?(?:from=<.*>|to=<.*>|proto=E?SMTP).*)",
        _complete,
    ),
    family(
        "verdict",
        "960D3E0: warning: header Subject: test from local; from=<root@ourdom.test>",
        rf"{QUEUE_ID}: (?P<action>{_CHECKS}): (?P<stage>header|body|mime-header|nested-header|content) "
        r"(?P<text>.* from local; ?(?:from=<.*>|to=<.*>).*)",
        _complete,
    ),
    family(
        "notice",
        "960D3E0: removed",
        rf"{QUEUE_ID}: (?P<text>removed|skipped|reason=.*|milter triggers .*)|(?P<reason>table \S+ has changed.*)",
    ),
)
