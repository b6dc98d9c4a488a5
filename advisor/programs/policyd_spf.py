"""policyd-spf (Python): what SPF said of a client.

Where the client sent no HELO it prints the sender's domain as `helo=`, so that field alone proves nothing.
"""

from advisor.family import ANY, IP, Fields, family

PROGRAMS = ("policyd-spf", "pyspf-milter", "policy-spf")
POSTFIX = False


def _lower(fields: Fields) -> None:
    fields["result"] = fields["result"].lower()
    if fields.get("sender") == "<>":
        fields["sender"] = ""


_QUEUE_ID = r"(?:(?P<queue_id>[0-9A-Za-z]{5,25})?: )?"
_WHO = (
    # No HELO holds a semicolon (see advisor.verdict); a sender may.
    rf"client-ip=(?P<client_address>{IP}); helo=(?P<helo_name>[^;]*); envelope-from=(?P<sender>{ANY}); "
    r"receiver=(?P<domain>[^\s;]*?)"
)

FAMILIES = (
    family(
        "spf",
        ": prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=203.0.113.180; helo=spf.senders.example; "
        "envelope-from=x@spfpass.example; receiver=ourdom.test ",
        # Not prepended with Header_Type = None. `identity=no SPF record` is a fault of version 1.
        rf"{_QUEUE_ID}(?:prepend|Header field not prepended:) Received-SPF: (?P<result>\w+) "
        rf"\((?P<text>.{{0,500}}?)\) identity=(?P<reason>\w+(?: [\w ]+)?); {_WHO}\s*",
        _lower,
    ),
    family(
        "spf",
        "Fail; identity=mailfrom; client-ip=203.0.113.10; helo=mail.good.example; envelope-from=x@txtonly.example; "
        "receiver=ourdom.test ",
        rf"{_QUEUE_ID}(?P<result>Pass|Fail|Softfail|Neutral|None|Permerror|Temperror); identity=(?P<reason>\w+); "
        rf"{_WHO}\s*",
        _lower,
    ),
    family(
        "spf",
        ": prepend Authentication-Results: mx1.ourdom.test; spf=fail (SPF fail - not authorized) smtp.helo=ourdom.test "
        "(client-ip=203.0.113.125; helo=ourdom.test; envelope-from=news@sender-ok.example; receiver=ourdom.test)",
        rf"{_QUEUE_ID}prepend Authentication-Results: \S+ spf=(?P<result>\w+) \((?P<text>.{{0,500}}?)\) "
        rf"smtp\.(?P<reason>\w+)=\S* \({_WHO}\)\s*",
        _lower,
    ),
    family(
        "spf_refusal",
        ": 550 5.7.23 Message rejected due to: SPF fail - not authorized. Please see http://www.openspf.net/Why?s=mfrom",
        rf"{_QUEUE_ID}(?:(?P<reply>[45]\d\d)|(?P<action>defer_if_permit)) (?P<dsn>[45]\.\d{{1,3}}\.\d{{1,3}}) "
        r"(?P<text>Message (?:rejected|deferred) due to: .*)",
    ),
    family(
        "notice",
        "prepend X-Comment: SPF check N/A for local connections - client-ip=192.0.2.9; helo=[192.0.2.9]; "
        "envelope-from=alice@ourdom.test; receiver=ourdom.test ",
        rf"{_QUEUE_ID}(?P<text>(?:(?:prepend|Header field not prepended:) X-Comment: |result_only ).*)",
    ),
    family(
        # From debugLevel 2 up, some of them.
        "notice",
        "spfcheck: pyspf result: \"['None', '', 'helo']\"",
        r"(?P<text>(?:spfcheck: |Action: |Starting|Normal exit|Skipped|SPF check N/A|skipped|Traceback|Config: |ERROR|"
        r"WARNING|Configuration |Read line: |Found the end of entry|Cached data for |X-Comment: |Ouch, caught exc: |"
        r"Authserv_Id |(?:Domain |HELO Domain |PTR Domain )?Whitelist |skip_addresses |Per[- ]user |User data: |"
        r"readConfigFile: |readUserConfigFile: |Reading per user data |Could not make HostDataset |drop_privileges: |"
        r"pyspf-milter started:|connect from |mail from: |Header text ).*)",
    ),
)
