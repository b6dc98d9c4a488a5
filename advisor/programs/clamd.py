"""ClamAV, and what stands between it and Postfix: which message had a virus in it."""

from advisor.family import ANY, REST, family

PROGRAMS = ("clamd", "clamav-milter", "clamsmtpd")
POSTFIX = False


def _result(fields: dict[str, str]) -> None:
    fields["result"] = {"Clean": "clean", "CLEAN": "clean"}.get(fields.get("result", ""), "infected")


FAMILIES = (
    family(
        "scanned",
        "Message 4F1D61C0 from <a@b.example> to <p001@ourdom.test> with subject 'x' message-id '<s001.0@lab>' date 'y' "
        "infected by Eicar-Signature",
        rf"(?:(?P<result>Clean) m|M)essage (?:(?P<queue_id>\w+) )?from <(?P<sender>{ANY})> to <(?P<recipient>{ANY})>"
        r"(?: with subject '.*' message-id '<?(?P<message_id>[^<>']*)>?' date '[^']*')?"
        r"(?: infected by (?P<reason>\S+))?",
        _result,
    ),
    family(
        "scanned",
        "100002: from=a@b.example, to=p001@ourdom.test, status=VIRUS:Eicar-Signature",
        rf"[0-9A-F]{{6,16}}: from=(?P<sender>{ANY}), to=(?P<recipient>{ANY}), "
        r"status=(?:(?P<result>CLEAN)|VIRUS:(?P<reason>\S+))",
        _result,
    ),
    family(
        "scanned",
        "instream(local): Eicar-Signature FOUND",
        r"(?P<text>\S{1,512}): (?P<reason>\S+) FOUND",
        _result,
    ),
    REST,
)
