"""A problem of a restriction list as it stands, each told in a sentence that names the parameter.

Looked for is what the well-known article gets wrong: own users without a proper name refused, an open relay, names
that Postfix does not know.
"""

from collections.abc import Callable, Iterator, Sequence

from advisor.entry import KNOWN, OWN, Entry, before_guard, end_of, may_permit, suggest

RELAY, RECIPIENT = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
_CLIENT_NAME_REJECTS = ("reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname")


def unknown_names(
    parameter: str, entries: Sequence[Entry], classes: Sequence[str], is_set: Callable[[str], bool]
) -> Iterator[str]:
    """Name what a list holds and Postfix does not know; `classes` are smtpd_restriction_classes."""
    for name in dict.fromkeys(entry.name for entry in entries if entry.name not in KNOWN):
        if name == "check_access":
            yield f"{parameter} has a table without a check_..._access before it."
        elif name in classes:
            yield f"{parameter} has {name}, which smtpd_restriction_classes names but nothing defines."
        elif is_set(name):
            yield f"{parameter} has {name}, which is defined but not named in smtpd_restriction_classes."
        else:
            near = suggest(name, {*KNOWN, *classes})
            hint = f"; did you mean {near}?" if near else "."
            yield f"{parameter} has {name}, which Postfix does not know{hint}"


def relay_opened(recipient: Sequence[Entry], why: str) -> Iterator[str]:
    """Name the entry whose OK opens a relay, where smtpd_relay_restrictions does not keep it closed.

    `why` says what is wrong with that list: "is empty".
    """
    risky = next((entry for entry in before_guard(recipient) if may_permit(entry)), None)
    if risky is not None:
        yield (
            f"{RECIPIENT} has {risky} with no reject_unauth_destination before it, and {RELAY} {why}: an OK"
            f" from it opens a relay; set {RELAY} = {', '.join(OWN)}, defer_unauth_destination."
        )


def own_users_refused(parameter: str, entries: Sequence[Entry]) -> Iterator[str]:
    """Name the first restriction that own users on lines without a proper name fail."""
    for at, entry in enumerate(entries[: end_of(entries)]):
        if entry.name in _CLIENT_NAME_REJECTS and not entry.warn:
            before = {earlier.name for earlier in entries[:at]}
            if missing := [name for name in OWN if name not in before]:
                yield (
                    f"{parameter} has {entry.name} without {' and '.join(missing)} before it:"
                    " your own users on lines without a proper name are refused."
                )
            return
