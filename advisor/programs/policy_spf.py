"""policy-spf (postfix-policyd-spf-perl): what SPF said of a client. Its tag is `postfix/policy-spf`."""

from advisor.family import ANY, IP, Fields, family

PROGRAMS = ("policy-spf",)
POSTFIX = True


def _complete(fields: Fields) -> None:
    fields["result"] = fields["result"].lower()
    if fields["reason"] == "mfrom":
        fields["reason"] = "mailfrom"
    if "helo_name" in fields:
        fields["helo_name"] = fields["helo_name"].strip('"')


def _lower(fields: Fields) -> None:
    if "action" in fields:
        fields["action"] = fields["action"].lower()


FAMILIES = (
    family(
        "spf",
        "Policy action=PREPEND Received-SPF: pass (b.example: 203.0.113.180 is authorized to use 'a@b.example' in "
        "'mfrom' identity (mechanism 'ip4:203.0.113.180' matched)) receiver=mx1.ourdom.test; identity=mailfrom; "
        'envelope-from="a@b.example"; helo=mail.b.example; client-ip=203.0.113.180',
        r"Policy action=PREPEND Received-SPF: (?P<result>\w+) \((?P<text>.{0,500}?)\) receiver=(?P<domain>[^\s;]*);? "
        rf"identity=(?P<reason>\w+); (?:envelope-from=\"?(?P<sender>{ANY})\"?; )?helo=(?P<helo_name>[^;]*); "
        rf"client-ip=(?P<client_address>{IP})",
        _complete,
    ),
    family(
        "spf_refusal",
        "Policy action=550 Please see http://www.openspf.net/Why?s=mfrom;id=x%40b.example;ip=203.0.113.10;r=ourdom.test",
        r"Policy action=(?:(?P<reply>[45]\d\d)|(?P<action>DEFER_IF_PERMIT)) (?P<text>Please see .*|SPF-Result=.*)",
        _lower,
    ),
    family(
        # Before version 2: `: SPF pass: smtp_comment=...`; the others with $VERBOSE.
        "notice",
        "Policy action=PREPEND X-Comment: SPF not applicable to localhost connection - skipped check",
        r"(?P<text>(?:Policy action=(?:DUNNO|PREPEND X-Comment: )|handler |Attribute: |decided action=|fatal_exit: |"
        r"testing: |(?:[0-9A-Za-z]{5,25}: |: )?(?:: )?SPF \w+|SPF not applicable |"
        r"(?:HELO|Mail From \(sender\)) check failed).*)",
    ),
)
