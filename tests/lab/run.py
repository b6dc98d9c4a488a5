"""A run: one configuration, all sessions; its maillog, the fates of the recipients, and what the DNS says to it.

Runs inside the namespaces: `python -m tests.lab.run FOLDER NAME...`, started by `namespace.enter`.
"""

import asyncio
import json
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.lab import companion, maillog, named, namespace, record
from tests.lab.configuration import Configuration
from tests.lab.configurations import by_name
from tests.lab.player import Fate, play
from tests.lab.postfix import Postfix
from tests.lab.session import Content
from tests.lab.sessions import LOCAL_MAIL, sessions
from tests.lab.signature import KEYS, Signer, certificate

_AT_ONCE = 24
"""Sessions at a time; _PATIENT: before postscreen, where most of them only wait."""
_PATIENT = 90
_PLACE = "/mnt"
"""Where a run's folder is seen."""


def main(arguments: list[str]) -> None:
    """Play the configurations that are named; write NAME.maillog and NAME.json into the folder."""
    folder, names = Path(arguments[0]), arguments[1:]
    work = folder / f"work-{names[0]}"
    work.mkdir()
    work.chmod(0o755)
    namespace.furnish(work)
    signer = Signer(work / "keys")
    domains = {step.signed_by for session in sessions() for step in session.steps if isinstance(step, Content)} - {""}
    keys = {work / "keys": KEYS}
    with (
        namespace.mounted(keys),
        named.running(work / "named", tuple(signer.record(domain) for domain in sorted(domains))),
    ):
        for name in names:
            began = time.monotonic()
            configuration, log = by_name(name), folder / f"{name}.maillog"
            fates = run(configuration, work / name, log, signer)
            shutil.copy(work / name / "etc/main.cf", log.with_suffix(".main.cf"))
            if configuration.knob:
                record.record(log)
            (folder / f"{name}.json").write_text(json.dumps([asdict(fate) for fate in fates], indent=0))
            print(f"{name}: {len(fates)} recipients in {time.monotonic() - began:.1f} s", flush=True)  # noqa: T201 - its report


def run(configuration: Configuration, folder: Path, log: Path, signer: Signer) -> list[Fate]:
    """Play all sessions to one configuration; those that come again do so when all is over."""
    folder.mkdir()
    certificate(folder)
    with namespace.mounted({folder: _PLACE}):
        return _run(configuration, Path(_PLACE), log, signer)


def _run(configuration: Configuration, folder: Path, log: Path, signer: Signer) -> list[Fate]:
    postscreen = any(name.startswith("postscreen") for name in configuration.main)
    main = {**configuration.main, **companion.settings(configuration.companions)}
    postfix = Postfix(folder, main, postscreen=postscreen)
    with maillog.written(log), companion.running(configuration.companions, folder), postfix.running():
        for recipient in LOCAL_MAIL:
            postfix.send(recipient)
        fates = asyncio.run(play(sessions(), signer, _PATIENT if postscreen else _AT_ONCE))
        time.sleep(companion.GREYLIST_DELAY + 1)
        return fates + asyncio.run(play([session for session in sessions() if session.again], signer, _AT_ONCE))


if __name__ == "__main__":
    main(sys.argv[1:])
