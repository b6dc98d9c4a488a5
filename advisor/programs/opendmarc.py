"""opendmarc: what DMARC said of a message. The domain's policy is not in the log, only the result."""

from advisor.family import QUEUE_ID, family

PROGRAMS = ("opendmarc",)
POSTFIX = False

FAMILIES = (
    family(
        "dmarc",
        "300E51BA: dmrej.example fail",
        rf"{QUEUE_ID}:? (?P<domain>\S+) (?P<result>pass|fail|none)",
    ),
    family(
        "dmarc_spf",
        "8E232A7: SPF(mailfrom): sender-ok.example none",
        rf"{QUEUE_ID}: SPF\((?P<reason>\w+)\): (?P<domain>\S+) (?P<result>\w+)",
    ),
    family(
        "dmarc_note",
        "2DE251CC: opendmarc_policy_query_dmarc(badrec.example) returned status 4",
        rf"{QUEUE_ID}:? (?P<text>opendmarc_policy_\w+\(.*\) returned status \d+|multi-valued From field detected|"
        r"RFC\d+ requirement error: .*|ignoring Authentication-Results at .*|unable to .*|quarantined.*|rejected.*|"
        r"can't .*|failed to .*)",
    ),
    family(
        "notice",
        "OpenDMARC Filter v1.4.2 starting (args: -f -c /etc/opendmarc.conf)",
        r"(?P<text>OpenDMARC Filter.*|(?:additional )?trusted authentication services: .*|"
        r"configuration reloaded.*|implicit authentication.*)",
    ),
)
