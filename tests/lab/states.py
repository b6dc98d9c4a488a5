"""States: whether what main.cf says has the effect that the advisor says it has, asked of a running Postfix.

Runs inside the namespaces, as `tests.lab.run` does: `python -m tests.lab.states FOLDER [CASE]...`.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from advisor import postconf
from advisor.effect import state
from advisor.mapfile import tables_of
from tests.lab import maillog, named, namespace
from tests.lab.player import play
from tests.lab.postfix import Postfix
from tests.lab.session import Script
from tests.lab.signature import KEYS, Signer, certificate
from tests.lab.trial import GOOD, UNWANTED, completed, shell

_PTR, _SENDER = "reject_unknown_reverse_client_hostname", "reject_unknown_sender_domain"
_HELO, _REQUIRED = "reject_invalid_helo_hostname", "smtpd_helo_required"
_CLIENT, _FILE = "smtpd_client_restrictions", "/etc/postfix/client_access"
_SET = "postconf -e '{} = {}'"
_OVERRIDE = "postconf -P 'smtp/inet/{}={}'"
_ALLOW = f"check_client_access hash:{_FILE}"
_NO_PTR = UNWANTED[_PTR][0]


@dataclass(frozen=True)
class Case:
    """Commands, and the restriction whose state is asked; `word` is what it should be.

    `unwanted` and `good` are the first digits of the replies to a client that it is for and to one that it is not for.
    """

    commands: tuple[str, ...]
    name: str
    word: str
    unwanted: str
    good: str = "2"
    argument: str = ""


CASES = {
    "plain": Case((_SET.format(_CLIENT, _PTR),), _PTR, "enforced", "4"),
    "warns": Case((_SET.format(_CLIENT, f"warn_if_reject {_PTR}"),), _PTR, "warn", "2"),
    "permit": Case((_SET.format(_CLIENT, f"permit, {_PTR}"),), _PTR, "no effect", "2"),
    "static": Case((_SET.format(_CLIENT, f"check_client_access static:OK, {_PTR}"),), _PTR, "no effect", "2"),
    "world": Case(
        (_SET.format(_CLIENT, f"permit_mynetworks, {_PTR}"), _SET.format("mynetworks", "0.0.0.0/0")),
        _PTR, "no effect", "2",
    ),
    "elsewhere": Case(
        (_SET.format(_CLIENT, f"permit, {_PTR}"), _SET.format("smtpd_sender_restrictions", _PTR)), _PTR, "enforced", "4"
    ),
    "early sender": Case(
        (_SET.format(_CLIENT, _SENDER), _SET.format("smtpd_delay_reject", "no")), _SENDER, "no effect", "2"
    ),
    "early hello": Case(
        (_SET.format(_CLIENT, _HELO), _SET.format("smtpd_delay_reject", "no")), _HELO, "no effect", "2"
    ),
    "delayed sender": Case((_SET.format(_CLIENT, _SENDER),), _SENDER, "enforced", "4"),
    "emptied": Case((_SET.format(_CLIENT, _PTR), _OVERRIDE.format(_CLIENT, "")), _PTR, "no effect", "2"),
    "taken out": Case(
        (_SET.format(_CLIENT, _PTR), _OVERRIDE.format(_CLIENT, ""), f"postconf -PX smtp/inet/{_CLIENT}"),
        _PTR, "enforced", "4",
    ),
    # postconf -P takes no blanks in a value; master.cf does, in braces.
    "braces": Case(
        (f"sed -i 's/^smtp inet .*/& -o {{ {_CLIENT} = permit_mynetworks, {_PTR} }}/' /etc/postfix/master.cf",),
        _PTR, "enforced", "4",
    ),
    "no hello": Case((_SET.format(_REQUIRED, "yes"), _OVERRIDE.format(_REQUIRED, "no")), _REQUIRED, "no effect", "2"),
    "hello": Case((_OVERRIDE.format(_REQUIRED, "yes"),), _REQUIRED, "enforced", "5"),
    "no names": Case(
        (_SET.format(_CLIENT, _PTR), _SET.format("smtpd_peername_lookup", "no")), _PTR, "risky", "4", good="4"
    ),
    "no table": Case((_SET.format(_CLIENT, _ALLOW),), "check_client_access", "no effect", "4", good="4"),
    "too late": Case(
        (f"echo {_NO_PTR} OK >{_FILE}", f"postmap hash:{_FILE}", _SET.format(_CLIENT, f"{_PTR}, {_ALLOW}")),
        "check_client_access", "no effect", "4",
    ),
    "in time": Case(
        (f"echo {_NO_PTR} OK >{_FILE}", f"postmap hash:{_FILE}", _SET.format(_CLIENT, f"{_ALLOW}, {_PTR}")),
        "check_client_access", "enforced", "2",
    ),
    "stale": Case(
        (
            f"echo 192.0.2.99 OK >{_FILE}", f"postmap hash:{_FILE}", f"echo {_NO_PTR} OK >>{_FILE}",
            f"touch -d tomorrow {_FILE}", _SET.format(_CLIENT, f"{_ALLOW}, {_PTR}"),
        ),
        "check_client_access", "no effect", "4",
    ),
    "no service": Case(
        (_SET.format(_CLIENT, "check_policy_service unix:private/nosuch"),),
        "check_policy_service", "risky", "4", good="4",
    ),
    "no argument": Case((_SET.format(_CLIENT, f"{_PTR}, check_helo_access"),), _PTR, "no effect", "4", good="4"),
}  # fmt: skip
SHORT = ("plain", "permit", "emptied", "early sender", "no table")


def main(arguments: list[str]) -> None:
    """Try the cases that are named; write states.json into the folder."""
    work = Path(arguments[0]) / "work-states"
    work.mkdir()
    work.chmod(0o755)
    namespace.furnish(work)
    signer = Signer(work / "keys")
    folder = work / "postfix"
    folder.mkdir()
    certificate(folder)
    with (
        namespace.mounted({work / "keys": KEYS}),
        named.running(work / "named"),
        namespace.mounted({folder: "/mnt"}),
    ):
        found = _tried(arguments[1:], Path("/mnt"), signer)
    (work.parent / "states.json").write_text(json.dumps(found, indent=1))


def _tried(names: list[str], folder: Path, signer: Signer) -> dict[str, dict[str, str]]:
    # A policy service that is not there is asked twice, a second apart.
    postfix = Postfix(folder, {"smtpd_policy_service_try_limit": "1"})
    completed(postfix.config)
    place = Path("/etc/postfix")
    found = {}
    with maillog.written(folder / "log"), postfix.running():
        files = [place / "main.cf", place / "master.cf"]
        before = [path.read_bytes() for path in files]
        for name in names:
            for path, data in zip(files, before, strict=True):
                path.write_bytes(data)
            for path in place.glob("client_access*"):
                path.unlink()
            for line in (*CASES[name].commands, "postfix reload"):
                shell(line)
            found[name] = {**_state(CASES[name], place), **_replies(CASES[name], signer)}
    return found


def _state(case: Case, place: Path) -> dict[str, str]:
    config = postconf.running()
    if config is None:
        raise RuntimeError("there is no Postfix")
    found = state(config, case.name, case.argument, tables_of(config, place))
    return {"word": found.word, "says": " ".join(found.says)}


def _replies(case: Case, signer: Signer) -> dict[str, str]:
    script = Script()
    script.mail(*GOOD)
    script.mail(*UNWANTED.get(case.name, UNWANTED[_PTR]))
    good, unwanted = asyncio.run(play(script.made, signer, 1))
    return {"good": good.reply, "unwanted": unwanted.reply}


if __name__ == "__main__":
    main(sys.argv[1:])
