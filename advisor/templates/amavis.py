"""amavis: what it made of a message, for up to three recipients, and where it got it from."""

from advisor.template import template

TEMPLATES = (
    *(
        template(
            "filtered",
            "({id}) {result: } {braces}, [{client_address}]:{client_port} [{again}] <{sender}> -> "
            f"{{text:{to}}}, Queue-ID: {{queue_id}}, Message-ID: <{{message_id}}>, {{reason:*}}, {{ms}} ms",
            where={
                "id": r"[\w-]+",
                "result": "(?:Passed|Blocked) [A-Z][A-Z0-9-]*",
                "braces": r"\{[^}]*\}",
                "text": "<[^<>]*>(?:,<[^<>]*>)*",
                "ms": r"\d+",
            },
            without={"message_id": ">"},
            follow={"action": ("braces", lambda braces: braces[1:-1])},
        )
        for to in ("<>", "<><>", "<><><>")
    ),
    template("filter_step", "({id}) {text:*}", where={"id": r"[\w-]+", "text": "ESMTP .*"}),
)
