"""spamd and spampd: what SpamAssassin made of a message."""

from advisor.family import ANY, NUMBER, REST, SECONDS, family

PROGRAMS = ("spamd", "spampd")
POSTFIX = False

_WORDS = {"Y": "spam", ".": "clean", "identified spam": "spam", "clean message": "clean"}


def _result(fields: dict[str, str]) -> None:
    fields["result"] = _WORDS[fields["result"]]


FAMILIES = (
    family(
        # SpamAssassin 3 and later; the line before it says the same without the message.
        "scanned",
        "spamd: result: Y 9 - BAYES_99,HTML_MESSAGE scantime=0.8,size=2381,user=nobody,uid=65534,required_score=5.0,"
        "rhost=::1,raddr=::1,rport=46190,mid=<s001.0@lab>,bayes=0.999000,autolearn=no autolearn_force=no",
        rf"spamd: result: (?P<result>[Y.]) +-?\d+ - (?P<text>\S* scantime={SECONDS},size=(?P<size>{NUMBER}),.*?)"
        r",mid=(?:<(?P<message_id>[^<>]*)>|[^\s,]*),(?P<reason>.*)",
        _result,
    ),
    family(
        "scanned",
        "identified spam <s001.0@lab> (9.30/5.00) from <a@b.example> for <p001@ourdom.test> in 2.50s, 2381 bytes.",
        r"(?P<result>identified spam|clean message) (?:<(?P<message_id>[^<>]*)>|\S*) (?P<text>\([\d./-]+\)) "
        rf"from <(?P<sender>{ANY})> for (?P<recipient>{ANY}) in {SECONDS}s, (?P<size>{NUMBER}) bytes\.",
        _result,
    ),
    REST,
)
