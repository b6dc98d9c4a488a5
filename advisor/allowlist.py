"""The allowlist: which hosts to let through before a restriction is switched on, as lines of a Postfix map.

Nothing that a client says of itself becomes a key: only its address does, which Postfix saw.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from advisor.recommendation import Host

FILE = "/etc/postfix/client_access"
"""Where the map stands, without its type."""


def _clean(text: str) -> str:
    """Text from the log for a comment: printable ASCII without quotes or backslashes, at most 60 characters.

    access(5): a comment line begins with '#', and a line that begins with a blank continues the one before; so a line
    break in it would end the comment and begin an entry.
    """
    return "".join(letter for letter in text if letter.isascii() and letter.isprintable() and letter not in "\"'`\\")[
        :60
    ]


def lines(hosts: Sequence[Host]) -> tuple[str, ...]:
    """One entry for each wanted host, the reason and the last time it was seen as a comment above it."""
    found = []
    for host in wanted(hosts):
        senders = ", ".join(_clean(sender) for sender in host.senders)
        found.append(
            f"# {_clean(host.evidence)}; {host.attempts} accepted, last on {host.last_seen:%Y-%m-%d}"
            + (f"; {senders}" if senders else "")
        )
        found.append(f"{ip_address(host.client_address)} OK")
    return tuple(found)


def wanted(hosts: Iterable[Host]) -> list[Host]:
    """The hosts that evidence calls wanted, each address once, in order of address."""
    by_address = {host.client_address: host for host in hosts if host.wanted and "%" not in host.client_address}
    return sorted(
        by_address.values(), key=lambda host: (ip_address(host.client_address).version, ip_address(host.client_address))
    )
