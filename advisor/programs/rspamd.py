"""rspamd: what it made of a message. Only its summary of each message is read."""

from advisor.family import ANY, IP, NUMBER, REST, family

PROGRAMS = ("rspamd",)
POSTFIX = False

FAMILIES = (
    family(
        # log_format in logging.inc, and before it the session, the worker and the function (logger_syslog.c).
        "scanned",
        "<7f1b2c>; proxy; rspamd_task_write_log: id: <s001.0@lab>, qid: <4F1D61C0>, ip: 203.0.113.10, "
        "from: <a@b.example>, (default: F (no action): [0.20/15.00] [ARC_NA(0.00){}]), len: 2381, time: 120.101ms, "
        "dns req: 12, digest: <abc>",
        r"(?:<\w*>; \w+; rspamd_task_write_log: |rspamd_task_write_log: )id: <(?:undef|(?P<message_id>[^<>]*))>,"
        rf"(?: qid: <(?P<queue_id>\w+)>,)?(?: ip: (?P<client_address>{IP}),)?(?: user: (?P<sasl_username>[^,]*),)?"
        rf"(?: from: <(?P<sender>{ANY})>,)? \(default: [A-Z] \((?P<result>[a-z ]+)\): (?P<text>\[-?[\d.]+/-?[\d.]+\]) "
        rf"(?P<reason>.*)\), len: (?P<size>{NUMBER}), time: .*",
    ),
    REST,
)
