"""postgrey: who was asked to come back, who did, and how long that took."""

from advisor.family import IP, SECONDS, Fields, family

PROGRAMS = ("postgrey",)
POSTFIX = False


def _complete(fields: Fields) -> None:
    # postgrey leaves sender= out for the null sender.
    fields.setdefault("sender", "")


FAMILIES = (
    family(
        "greylist",
        "B7D1C188: action=pass, reason=triplet found, delay=7, client_name=mail.good.example, "
        "client_address=203.0.113.10, sender=news@sender-ok.example, recipient=p001@ourdom.test",
        r"(?:(?P<queue_id>[0-9A-Za-z]{5,25}): )?action=(?P<action>greylist|pass), "
        r"reason=(?P<reason>[\w .-]+?)(?: \((?P<text>[^)]*)\))?, "
        # A name that it was not told is left out. Forks write the network behind the address.
        rf"(?:delay=(?P<delay>{SECONDS}), )?(?:client_name=(?P<client_name>[^,]*), )?"
        rf"client_address=(?P<client_address>{IP})(?:/\d+)?, "
        # Nothing is quoted here. The recipient is mostly one of ours, so `, recipient=` in an address is the sender's.
        r"(?:sender=(?P<sender>.*), )?recipient=(?P<recipient>.*)",
        _complete,
    ),
    family(
        "greylist_allowlisted",
        "whitelisted: mail.good.example[203.0.113.10]",
        rf"(?:tarpit )?whitelisted: (?:(?P<client_name>[^\s\[\]]+)\[)?(?P<client_address>{IP})\]?",
    ),
    family(
        "notice",
        "2026/11/22-12:00:06 postgrey (type Net::Server::Multiplex) starting! pid(252)",
        r"(?P<text>(?:\d{4}/\d\d/\d\d-\d\d:\d\d:\d\d |Process Backgrounded|Binding to |Setting [ug]id to |cleaning |"
        r"Resolved |Server closing|Sig|Group Not Defined|User Not Defined|Pid_file |Beginning prefork|"
        r"warning: |fatal: |WARNING: |FATAL: |Exiting!|HUP received: |correcting date for |rm |Couldn't unlink |"
        r"ignoring garbage: |unrecognized request type: |delayed \d+ seconds: ).*)",
    ),
)
