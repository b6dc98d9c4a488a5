"""An admission: which keys a map gets: for each wanted client the narrowest safe one.

A client that has no verified name, as those that tips 1 and 3 turn away, is known by its address alone.

An entry lets in what comes later, so it takes more than to be wanted so far (advisor.exemption.lasting). And an address
whose verified name changed may have changed hands: then what is against its mail is not forgiven for what it sent
before.
"""

from collections.abc import Iterable, Sequence

from advisor.exemption import Exemption, exemption, lasting
from advisor.footprint import Footprint, Footprints
from advisor.key import address_key, helo_key, mail_key, name_key, recipient_key
from advisor.pool import pools

_BY_ADDRESS = frozenset({"reject_unknown_reverse_client_hostname", "reject_unknown_client_hostname"})
SPOKEN = "anybody may say this name, and is then let through; a client's address or verified name cannot be forged"
FORGED = "anybody may write this sender, and is then let through; a client's address cannot be forged"
FOR_ALL = "whoever writes to this recipient is let through"


def clients(history: Footprints, *, names: bool, networks: bool) -> list[Exemption]:
    """An entry for each wanted client: its verified name, the network of its pool, or its address.

    `names` and `networks` say whether the map knows such keys.
    """
    wanted = _wanted(history.clients.values())
    pooled = pools(wanted, history) if networks else {}
    held = {found.value for members in pooled.values() for found in members}
    groups: dict[str, list[Footprint]] = {cidr: list(members) for cidr, members in pooled.items()}
    for found in wanted:
        address = address_key(found.value)
        if found.value not in held and address is not None:
            name = name_key(found, history) if names and not found.restrictions & _BY_ADDRESS else None
            groups.setdefault(name or str(address), []).append(found)
    return [exemption(key, members) for key, members in groups.items()]


def helos(history: Footprints) -> list[Exemption]:
    """An entry for each HELO name that wanted clients of several networks show: no address would hold them."""
    chosen = ((helo_key(found, history), found) for found in _wanted(history.helos.values()))
    return [exemption(key, [found], SPOKEN) for key, found in chosen if key is not None]


def senders(history: Footprints) -> list[Exemption]:
    """An entry for each sender whose wanted mail comes from several networks: no address would hold them."""
    chosen = ((mail_key(found, history), found) for found in _wanted(history.senders.values()))
    return [exemption(key, [found], FORGED) for key, found in chosen if key is not None]


def recipients(history: Footprints) -> list[Exemption]:
    """An entry for each recipient whose wanted mail comes from several networks, and to whom nothing unwanted came."""
    chosen = ((recipient_key(found, history), found) for found in _wanted(history.recipients.values()))
    return [exemption(key, [found], FOR_ALL) for key, found in chosen if key is not None]


def left_over(history: Footprints, entries: Sequence[Exemption]) -> list[Footprint]:
    """The wanted clients that no entry holds."""
    held = {client for entry in entries for client in entry.clients}
    return [found for found in _wanted(history.clients.values()) if found.value not in held]


def _wanted(found: Iterable[Footprint]) -> list[Footprint]:
    """Those whose mail is wanted, and will be, IPv4 before IPv6 and in order of address or name."""
    return sorted((each for each in found if each.wanted and _lasts(each) and not _passed_on(each)), key=_order)


def _lasts(found: Footprint) -> bool:
    return lasting(found.evidence, found.first_seen, found.last_seen)


def _passed_on(found: Footprint) -> bool:
    """Whether it had two verified names, and not all of its mail was wanted. `unknown` may be a failed look-up."""
    return found.forgiven > 0 and len(found.names - {None, "unknown"}) > 1


def _order(found: Footprint) -> tuple[int, int, str]:
    key = address_key(found.value)
    return (key.version, int(key), "") if key is not None else (9, 0, found.value)
