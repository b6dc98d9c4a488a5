"""amavis: what the content filter made of a message. Its lines at start-up are free text, and kept as notices."""

from advisor.family import ADDRESS, MAILBOX, family

PROGRAMS = ("amavis", "amavisd")
POSTFIX = False

# [203.0.113.150]:53391   [IPv6:2001:db8::1] before version 2.7
_ADDRESS = ADDRESS.replace(r"\[", r"\[(?:IPv6:)?", 1)

FAMILIES = (
    family(
        "filtered",
        "(00406-02-33) Passed SPAM {RelayedTaggedInbound}, [203.0.113.150]:53391 [203.0.113.150] "
        "<news@sender-ok.example> -> <p100@ourdom.test>, Queue-ID: 5533627C, Message-ID: <s100.0@lab>, "
        "mail_id: zcwxG8USURe7, Hits: 1003.302, size: 480, queued_as: BF91D2C4, 306 ms",
        # Of what was banned the part's name is shown, brackets and all; before the client, the policy banks; behind it,
        # with $log_verbose_templ, both protocols.
        r"\([\w-]+\) (?P<result>(?:Passed|Blocked) [A-Z][A-Z0-9-]*)(?: \(.{0,512}?\)(?=,| \{))?"
        r"(?: \{(?P<action>[^}]*)\})?, "
        rf"(?:[^\s<\[]+ ){{0,2}}(?:{_ADDRESS} )?(?:\[[^\]]*\] )?(?:\w*/\w* )?"
        rf"<(?P<sender>{MAILBOX})> -> (?P<text><{MAILBOX}>(?:,<{MAILBOX}>)*+)"
        r"(?:, tls: [^,]+)?(?:, quarantine: [^,]+)?(?:, Queue-ID: (?P<queue_id>\w+))?"
        r"(?:,? Message-ID: <(?P<message_id>[^>]*)>(?: \([^)]*\))?)?(?:, (?P<reason>.*))?, \d+ ms",
    ),
    family(
        "filter_step",
        "(00406-01) ESMTP :10024 /var/lib/amavis/tmp/amavis-20261122T115758-00406-sCNgqvNd: <a@b> -> <c@d> SIZE=400",
        r"\([\w-]+\) (?P<text>(?!Passed |Blocked ).*)",
    ),
    family(
        "notice",
        "starting. /usr/sbin/amavisd at mx1.ourdom.test amavis-2.13.0 (20230106), Unicode aware",
        r"(?P<text>[^(].*)",
    ),
)
