"""Chromium, driven through its debugging pipe: what a page logs, asks for and pops up while it loads."""

import json
import os
import shutil
import subprocess
import sys
import time
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
    seconds: float = 0.0
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


class Tab:
    """A page that is open: it can be asked, and typed into."""

    def __init__(self, pipe: _Pipe, page: Path, width: int, scheme: str) -> None:
        pipe.events.clear()
        self._pipe = pipe
        self._target = pipe.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = pipe.ask("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")
        self._ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        started = time.perf_counter()
        self._ask("Page.navigate", url=page.as_uri())
        pipe.wait("Page.loadEventFired", self._session)
        self.seconds = time.perf_counter() - started

    def _ask(self, method: str, **values: Any) -> dict[str, Any]:
        return self._pipe.ask(method, self._session, **values)

    def ask(self, expression: str) -> Any:
        """What an expression comes to in the page; a promise is waited for."""
        asked = self._ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in asked, asked
        return asked["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key, as somebody without a mouse does: Tab, Enter or a blank."""
        code = {"Tab": 9, "Enter": 13, " ": 32}[key]
        text = {"Enter": "\r", " ": " "}.get(key)
        values: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self._ask("Input.dispatchKeyEvent", type="keyDown", **values, **({"text": text} if text else {}))
        self._ask("Input.dispatchKeyEvent", type="keyUp", **values)

    def media(self, name: str) -> None:
        """Look at it as another medium: print."""
        self._ask("Emulation.setEmulatedMedia", media=name)

    def close(self) -> Seen:
        """Close it, and tell what happened."""
        # The answer comes after whatever the page had to say before it.
        seen = Seen(width=self.ask("document.documentElement.scrollWidth"), seconds=self.seconds)
        for event in self._pipe.events:
            values = event.get("params", {})
            match event["method"]:
                case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                    seen.console.append(json.dumps(values))
                case "Page.javascriptDialogOpening":
                    seen.dialogs.append(values["message"])
                case "Network.requestWillBeSent":
                    seen.requests.append(values["request"]["url"][:80])
        self._pipe.ask("Target.closeTarget", targetId=self._target)
        return seen


class Browser:
    """A Chromium of one's own; the test fails where there is none."""

    def __init__(self, folder: Path) -> None:
        """Its profile lies in this folder."""
        self._folder = folder

    def __enter__(self) -> "Browser":
        program = shutil.which("chromium")
        if program is None:
            pytest.fail("chromium is not installed: the page cannot be looked at")
        hears, orders = os.pipe()
        answers, tells = os.pipe()
        switches = [*SWITCHES, f"--user-data-dir={self._folder}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, str(hears), str(tells), program, *switches],
            pass_fds=(hears, tells),
            stderr=subprocess.DEVNULL,
        )
        os.close(hears)
        os.close(tells)
        self._ends = (answers, orders)
        self._pipe = _Pipe(answers, orders)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for end in self._ends:
            os.close(end)

    def open(self, page: Path, width: int = 1180, scheme: str = "light") -> Tab:
        """Open a page from disk."""
        return Tab(self._pipe, page, width, scheme)

    def visit(self, page: Path, width: int = 1180) -> Seen:
        """Open a page from disk, and tell what happened."""
        return self.open(page, width).close()


def look(page: Path, folder: Path, width: int = 1180, expression: str = "") -> Seen:
    """Open a page from disk in a new browser, and ask it for the value of an expression."""
    with Browser(folder) as browser:
        tab = browser.open(page, width)
        value = tab.ask(expression) if expression else None
        seen = tab.close()
        seen.value = value
        return seen
