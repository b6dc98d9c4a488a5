"""A trial: what we say to type, typed into a running Postfix; wanted and unwanted clients before, after, and undone.

Runs inside the namespaces, as `tests.lab.run` does: `python -m tests.lab.trial FOLDER`.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from advisor import change, postconf
from advisor.recommendation import ENFORCE, Host, Recommendation, Tally
from advisor.restrictions import CATALOGUE
from tests.lab import maillog, named, namespace
from tests.lab.player import play
from tests.lab.postfix import Postfix
from tests.lab.session import Script, Session, Step
from tests.lab.signature import KEYS, Signer, certificate

ALLOWED = "203.0.113.20"
"""A wanted client without a PTR record, which the allowlist lets through."""
GOOD = ("203.0.113.10", "EHLO helo-ok.example", "news@sender-ok.example")
UNWANTED: dict[str, tuple[str, str | tuple[Step, ...], str]] = {
    "smtpd_helo_required": (GOOD[0], (), GOOD[2]),
    "reject_unknown_reverse_client_hostname": ("198.51.100.7", *GOOD[1:]),
    "reject_unknown_sender_domain": (*GOOD[:2], "x@nosuch.example"),
    "reject_invalid_helo_hostname": (GOOD[0], "EHLO bad!name.example", GOOD[2]),
    "reject_non_fqdn_helo_hostname": (GOOD[0], "EHLO localhost", GOOD[2]),
    "reject_unknown_helo_hostname": (GOOD[0], "EHLO gone.nosuch.example", GOOD[2]),
    "reject_unknown_client_hostname": ("203.0.113.28", *GOOD[1:]),
}
"""Each tip, and a client that it alone refuses: from where, with which HELO, from whom."""
SHORT = 3
"""As many of them are tried in the short run."""
RECIPIENT = "smtpd_recipient_restrictions"
_COMMENTED = f"""
# who may send where
{RECIPIENT} =
  permit_mynetworks,
  # on trial, before what keeps the relay closed
  warn_if_reject reject_unknown_reverse_client_hostname,
  reject_unauth_destination
"""


@dataclass(frozen=True)
class Base:
    """What stands in main.cf before: settings, lines as a hand wrote them, and whether all goes into one list."""

    main: dict[str, str]
    lines: str = ""
    into: str = ""


BASES = {
    "relay control of its own": Base({}),
    "relay control in the recipient list": Base({"smtpd_relay_restrictions": ""}, _COMMENTED, RECIPIENT),
}


def sessions(tips: Sequence[str]) -> dict[str, list[Session]]:
    """The clients: what they are, and what each does."""
    script = Script()
    script.mail()
    script.mail(ALLOWED)
    script.mail("192.0.2.70", "EHLO scanner", "scanner@nosuch.example")
    script.mail("192.0.2.70", "EHLO scanner", to=script.fresh(domain="elsewhere.example"))
    wanted = len(script.made)
    for tip in tips:
        script.mail(*UNWANTED[tip])
    unwanted = len(script.made)
    for client in (GOOD[0], ALLOWED, "198.51.100.7"):
        script.mail(client, to=script.fresh(domain="elsewhere.example"))
    made = script.made
    return {"wanted": made[:wanted], "unwanted": made[wanted:unwanted], "relaying": made[unwanted:]}


def recommended(name: str, into: str = "") -> Recommendation:
    """A recommendation to enforce, with nothing in it but what is typed."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    hosts = (Host(ALLOWED, "unknown", "unknown", None, True, "our users write to it", 9, 9, now, now),)
    found = CATALOGUE[name]
    parameter = into if into and found.parameter != name else found.parameter
    counts = dict.fromkeys((
        "stopped", "hurt", "undecided", "no_evidence", "marginal", "accepted", "wanted", "unwanted", "undecided_all",
        "refused", "wanted_judged", "unwanted_judged",
    ), Tally())  # fmt: skip
    texts: dict[str, tuple[str, ...]] = dict.fromkeys(
        ("reasons", "not_known", "lines_to_type", "try_first", "undo"), ()
    )
    return Recommendation(
        name=name,
        tip=found.tip,
        claim="",
        parameter=parameter,
        state="off",
        recommendation=ENFORCE,
        rank=1,
        harm_interval=None,
        basis={},
        hosts=hosts if "client_hostname" in name else (),
        hosts_more=0,
        **counts,  # type: ignore[arg-type] # a tally each
        **texts,  # type: ignore[arg-type] # lines each
    )


def typed(lines: Sequence[str], folder: Path, shell: Callable[[str], object]) -> None:
    """Do what the lines say: each head names a file or that commands follow; main.cf is left to the command."""
    target = ""
    for line in lines:
        if line.startswith(("# /etc/postfix/", "# then:", "# or,")):
            target = line
        elif target.startswith("# /etc/postfix/main.cf"):
            pass  # the same again as the command behind "or, instead of the editor"
        elif target.startswith("# /etc/postfix/"):
            path = folder / Path(target.removeprefix("# ").partition(",")[0]).name
            with path.open("a") as file:
                file.write(f"{line}\n")
        else:
            shell(line)


def entered(module: str, *arguments: str) -> dict[str, Any]:
    """Run one of these modules in new namespaces; what it wrote. The test is skipped where that cannot be done."""
    namespace.require("ip", "named", "postconf", "policyd-spf", "openssl")
    with TemporaryDirectory(prefix="lab-") as name:  # where Postfix's own user may look, which pytest's folders are not
        Path(name).chmod(0o755)
        ran = namespace.enter(Path(name), arguments, 300, f"tests.lab.{module}")
        assert ran.returncode == 0, ran.stdout
        found: dict[str, Any] = json.loads((Path(name) / f"{module}.json").read_text())
    return found


def main(arguments: list[str]) -> None:
    """Try all tips in all bases, or with `short` a few in the last; write trial.json into the folder."""
    work = Path(arguments[0]) / "work-trial"
    work.mkdir()
    work.chmod(0o755)
    namespace.furnish(work)
    signer = Signer(work / "keys")
    found = {}
    with namespace.mounted({work / "keys": KEYS}), named.running(work / "named"):
        short = "short" in arguments
        tips = list(UNWANTED)[: SHORT if short else None]
        for number, (name, base) in enumerate(list(BASES.items())[-1 if short else 0 :]):
            folder = work / str(number)
            folder.mkdir()
            certificate(folder)
            with namespace.mounted({folder: "/mnt"}):
                found[name] = _tried(base, tips, Path("/mnt"), signer)
    (work.parent / "trial.json").write_text(json.dumps(found, indent=1))


def _tried(base: Base, tips: Sequence[str], folder: Path, signer: Signer) -> dict[str, object]:
    postfix = Postfix(folder, base.main)
    completed(postfix.config, base.lines)
    said: list[str] = []
    with maillog.written(folder / "log"), postfix.running():
        settings, replies = [_settings()], [_played(tips, signer)]
        config = postconf.running()
        course = change.plan_of([recommended(name, base.into) for name in tips], config)
        for step in course.steps:
            typed(step.lines, Path("/etc/postfix"), lambda line: said.append(shell(line)))
        replies.append(_played(tips, signer))
        settings.append(_settings())
        said += [shell(line) for line in course.undo]
        replies.append(_played(tips, signer))
        settings.append(_settings())
    return {"said": [each for each in said if each], "settings": settings, "replies": replies, "diff": course.diff}


def completed(folder: Path, lines: str = "") -> None:
    """What `postfix check` wants beside what the lab writes, and no setting that it would warn of."""
    for path in Path("/etc/postfix").iterdir():
        if path.is_dir():
            shutil.copytree(path, folder / path.name)
        elif path.name not in ("main.cf", "master.cf"):
            shutil.copy(path, folder / path.name)
    file = folder / "main.cf"
    file.write_text(file.read_text().replace("policy_time_limit", "policyd-spf_time_limit") + lines)


def _played(tips: Sequence[str], signer: Signer) -> dict[str, dict[str, str]]:
    return {
        kind: {f"{fate.session} {fate.recipient}": fate.reply for fate in asyncio.run(play(some, signer, 1))}
        for kind, some in sessions(tips).items()
    }


def _settings() -> str:
    return shell("postconf -n")


def shell(line: str) -> str:
    """Type a line; what it says. After a reload the old smtpd are gone."""
    old = set(_servers()) if "reload" in line else set()
    ran = subprocess.run(["sh", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{line}: {ran.stdout}")
    deadline = time.monotonic() + 20
    while old & set(_servers()):
        if time.monotonic() > deadline:
            raise RuntimeError("smtpd does not heed the reload")
        time.sleep(0.02)
    return "" if line in ("postfix reload", change.RELOAD) and ran.stdout.count("\n") <= 1 else ran.stdout


def _servers() -> Iterator[int]:
    """The processes of smtpd that run; of this namespace, so ours. What has ended has no command line."""
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            runs = path.read_text() == "smtpd\n" and path.with_name("cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if runs:
            yield int(path.parent.name)


if __name__ == "__main__":
    main(sys.argv[1:])
