"""sqlgrey: its answers to Postfix, in postgrey's words where they mean the same."""

from advisor.family import IP, Fields, family

PROGRAMS = ("sqlgrey",)
POSTFIX = False

_ANSWERS = {
    "new": ("greylist", "new"),
    "early reconnect": ("greylist", "early-retry"),
    "throttling": ("greylist", "throttling"),
    "reconnect ok": ("pass", "triplet found"),
    "domain awl match: updating": ("pass", "client AWL"),
    "from awl match: updating": ("pass", "client AWL"),
}


def _answer(fields: Fields) -> None:
    fields["action"], fields["reason"] = _ANSWERS[fields["reason"]]
    if "text" in fields:
        hours, minutes, seconds = fields["text"].split(":")
        fields["delay"] = int(hours) * 3600.0 + int(minutes) * 60 + int(seconds)
    _sender(fields)


def _sender(fields: Fields) -> None:
    # -undef-@-undef- is the null sender.
    if fields.get("sender", "").startswith("-undef-@"):
        fields["sender"] = ""


FAMILIES = (
    family(
        "greylist",
        "grey: new: 203.0.113(203.0.113.10), a@b.example -> p001@ourdom.test",
        rf"grey: (?P<reason>new|early reconnect|reconnect ok|throttling): [^\s()]+\((?P<client_address>{IP})\), "
        r"(?P<sender>.*) -> (?P<recipient>\S+)(?: \((?P<text>\d+:\d\d:\d\d)\))?",
        _answer,
    ),
    family(
        "greylist",
        "grey: from awl match: updating 203.0.113(203.0.113.10), a@b.example(a@b.example)",
        rf"grey: (?P<reason>(?:domain|from) awl match: updating) [^\s()]+\((?P<client_address>{IP})\), (?:\S+\()?"
        r"(?:(?P<sender>\S*@\S*)\)|\S+)",
        _answer,
    ),
    family(
        "greylist",
        "whitelist: a@b.example, 203.0.113.10(mail.b.example) -> p001@ourdom.test",
        rf"(?P<reason>whitelist): (?P<sender>.*), (?P<client_address>{IP})\((?P<client_name>[^\s()]*)\) -> "
        r"(?P<recipient>\S+)",
        lambda fields: fields.update(action="pass"),
    ),
    family(
        "notice",
        "perf: spent 0s cleaning: from_awl (0) domain_awl (0) connect (3)",
        r"(?P<text>(?:(?:grey|spam|perf|conf|dbaccess|martians|optin|whitelist|mail|system): |Process Backgrounded|"
        r"Binding to |Setting [ug]id |Resolved |\d{4}/\d\d/\d\d-\d\d:\d\d:\d\d |Server closing|Group Not Defined|"
        r"User Not Defined|Pid_file |warning: |fatal: |unrecognized request type: |ignoring garbage: ).*)",
    ),
)
