"""dnsblog(8): what DNS lists answered."""

from advisor.template import template

TEMPLATES = (
    template(
        "listed",
        "addr {client_address} listed by domain {list} as {result}",
        where={"list": ".+", "result": ".+"},
    ),
)
