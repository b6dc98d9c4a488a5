"""amavis: what the content filter made of a message. Its lines at start-up are free text, and kept as notices."""

from advisor.family import ADDRESS, MAILBOX, family

PROGRAMS = ("amavis", "amavisd")
POSTFIX = False


FAMILIES = (
    family(
        "filtered",
        "(00406-02-33) Passed SPAM {RelayedTaggedInbound}, [203.0.113.150]:53391 [203.0.113.150] "
        "<news@sender-ok.example> -> <p100@ourdom.test>, Queue-ID: 5533627C, Message-ID: <s100.0@lab>, "
        "mail_id: zcwxG8USURe7, Hits: 1003.302, size: 480, queued_as: BF91D2C4, 306 ms",
        r"\([\w-]+\) (?P<result>(?:Passed|Blocked) [A-Z][A-Z0-9-]*)(?: \([^)]*\))?(?: \{(?P<action>[^}]*)\})?, "
        r"(?:\S+ LOCAL |LOCAL )?"
        rf"(?:{ADDRESS} )?(?:\[[^\]]*\] )?<(?P<sender>{MAILBOX})> -> (?P<text><{MAILBOX}>(?:,<{MAILBOX}>)*+)"
        r"(?:, quarantine: [^,]+)?(?:, Queue-ID: (?P<queue_id>\w+))?(?:, Message-ID: <(?P<message_id>[^>]*)>)?"
        r"(?:, (?P<reason>.*))?, \d+ ms",
    ),
    family(
        "filter_step",
        "(00406-01) ESMTP :10024 /var/lib/amavis/tmp/amavis-20261122T115758-00406-sCNgqvNd: <a@b> -> <c@d> SIZE=400",
        r"\([\w-]+\) (?P<text>(?:ESMTP|LMTP|SMTP|FWD|extra modules loaded|Open relay\?|Checking:|spam-tag|SPAM-TAG|"
        r"\S+ FWD|\(!+\)|TIMING|INFO:|WARN:|Requesting|collect_|check_|policy|dkim:|SEND|mail_via|local delivery).*)",
    ),
    family(
        "notice",
        "starting. /usr/sbin/amavisd at mx1.ourdom.test amavis-2.13.0 (20230106), Unicode aware",
        r"(?P<text>[^(].*)",
    ),
)
