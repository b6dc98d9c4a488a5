"""Chromium, driven through its debugging pipe: what a page logs, asks for and pops up while it loads."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from typing import Any

import pytest

SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
# The pipe is the file descriptors 3 and 4, whatever ours are called: copied out of the way first, then there.
START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
PATIENCE = 60


@dataclass
class Seen:
    """What happened while a page was open."""

    console: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    width: int = 0
    value: Any = None


class _Pipe:
    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._rest = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, session: str | None = None, **values: Any) -> dict[str, Any]:
        self._number += 1
        order = {"id": self._number, "method": method, "params": values}
        if session:
            order["sessionId"] = session
        os.write(self._write, json.dumps(order).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer, session)

    def wait(self, method: str, session: str) -> None:
        while not any(event["method"] == method for event in self.events):
            self._note(self._next(), session)

    def _note(self, event: dict[str, Any], session: str | None) -> None:
        if "method" in event:
            self.events.append(event)
        if event.get("method") == "Page.javascriptDialogOpening":
            # A dialog stops the page; nobody is there to close it.
            self._number += 1
            close = {"id": self._number, "method": "Page.handleJavaScriptDialog", "params": {"accept": False}}
            os.write(self._write, json.dumps(close | {"sessionId": session}).encode() + b"\0")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select([self._read], [], [], PATIENCE)[0], "Chromium says nothing"
            data = os.read(self._read, 1 << 16)
            assert data, "Chromium has gone"
            self._rest += data
        line, self._rest = self._rest.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer


def look(page: Path, folder: Path, width: int = 1180, expression: str = "") -> Seen:
    """Open a page from disk, and ask it for the value of an expression; the test fails where there is no Chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is not installed: the page cannot be looked at")
    hears, orders = os.pipe()
    answers, tells = os.pipe()
    switches = [*SWITCHES, f"--user-data-dir={folder}", f"--window-size={width},900"]
    with subprocess.Popen(
        [sys.executable, "-c", START, str(hears), str(tells), program, *switches],
        pass_fds=(hears, tells),
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(hears)
        os.close(tells)
        try:
            return _visit(_Pipe(answers, orders), page, width, expression)
        finally:
            process.kill()
            os.close(answers)
            os.close(orders)


def _visit(pipe: _Pipe, page: Path, width: int, expression: str) -> Seen:
    target = pipe.ask("Target.createTarget", url="about:blank")["targetId"]
    session = pipe.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        pipe.ask(f"{domain}.enable", session)
    pipe.ask("Emulation.setDeviceMetricsOverride", session, width=width, height=900, deviceScaleFactor=1, mobile=False)
    pipe.ask("Page.navigate", session, url=page.as_uri())
    pipe.wait("Page.loadEventFired", session)
    # The answer comes after whatever the page had to say before it.
    asked = pipe.ask("Runtime.evaluate", session, expression="document.documentElement.scrollWidth")
    seen = Seen(width=asked["result"]["value"])
    if expression:
        asked = pipe.ask("Runtime.evaluate", session, expression=expression, returnByValue=True)
        assert "exceptionDetails" not in asked, asked
        seen.value = asked["result"].get("value")
    for event in pipe.events:
        values = event.get("params", {})
        match event["method"]:
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                seen.console.append(json.dumps(values))
            case "Page.javascriptDialogOpening":
                seen.dialogs.append(values["message"])
            case "Network.requestWillBeSent":
                seen.requests.append(values["request"]["url"][:80])
    return seen
