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
        rf"{QUEUE_ID}: SPF\((?P<reason>\w+)\): (?P<domain>\S+)? (?P<result>\w+)",
    ),
    family(
        "dmarc_note",
        "2DE251CC: opendmarc_policy_query_dmarc(badrec.example) returned status 4",
        rf"{QUEUE_ID}:? (?P<text>(?:opendmarc_policy_\w+\(.*\) returned status |multi-valued From field detected|"
        r"RFC\d+ requirement error: |ignoring |unable to |quarantined|rejected|can't |failed to |ARC pass, policy |"
        r"DMARC context initialization failed|smfi_|\S+ header add failed|p(?:open|close)\(\)|"
        r"\S+: (?:fopen|flock|lockf|fwrite)\().*)",
    ),
    family(
        "notice",
        "OpenDMARC Filter v1.4.2 starting (args: -f -c /etc/opendmarc.conf)",
        r"(?P<text>(?:OpenDMARC Filter|(?:additional )?trusted authentication services: |configuration reloaded|"
        r"implicit authentication|ignoring connection from |ignoring reload signal|mlfi_negotiate\(\)|smfi_|"
        r"no such (?:user|group) |terminated with signal |exited with status |maximum restart |WARNING: |"
        r"\[(?:parent|child)\] |opendmarc_policy_library_init|can't |"
        r"/\S+: (?:configuration error|required parameter)).*)",
    ),
)
