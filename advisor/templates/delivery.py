"""The delivery agents: what became of a message."""

from advisor.template import template

_STATUS = r"[\w-]+"

TEMPLATES = tuple(
    template(
        "delivery",
        f"{{queue_id}}: to=<{{recipient}}>,{aliased} relay={{relay{peer}}},{used} delay={{delay}}, delays={{delays}}, "
        "dsn={dsn}, status={status} ({text:*})",
        where={"relay": "[^,]+", "delays": r"[\d.e/-]+", "status": _STATUS, "used": r"\d+"},
    )
    for aliased in ("", " orig_to=<{orig_recipient}>,")
    for peer in ("", ":[]")
    for used in ("", " conn_use={used},")
)
