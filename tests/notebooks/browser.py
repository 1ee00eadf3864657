"""A headless Chromium, driven through its DevTools protocol; it keeps a list of everything that a page asks for."""

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--remote-debugging-port=0", "--remote-allow-origins=*",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")    # what is asked for elsewhere does not leave
PATIENCE = 60                                          # seconds
OWN = ("file://", "data:", "blob:", "about:", "http://127.0.0.1", "ws://127.0.0.1")

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")


def wait_for(what, condition, patience: float = PATIENCE):
    """The first value of `condition()` that is not empty; AssertionError with `what` if there is none in time."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen in {patience} seconds")


class Window:
    """A window of the browser, by the address of its DevTools; it notes what is asked for and what goes wrong."""

    def __init__(self, address: str):
        from websocket import create_connection  # it comes with jupyter

        self.socket = create_connection(address, timeout=PATIENCE)
        self.numbers, self.requests, self.errors = itertools.count(1), [], []
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method: str, **parameters) -> dict:
        """The answer to a command of the protocol; events that come before it are noted."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(message["params"]["exceptionDetails"]["text"])

    def evaluate(self, expression: str):
        """The value of a JavaScript expression in the page; promises are waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def open(self, url: str, width: int = 1200, height: int = 800) -> None:
        """Load a page, in a window of this many pixels, and wait until all its pictures are there."""
        self.requests.clear()
        self.errors.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=url)
        wait_for(f"the page {url}", lambda: self.evaluate(
            f"location.href.startsWith({json.dumps(url.partition('#')[0])}) && document.readyState === 'complete'"))

    def press(self, key: str) -> None:
        """A key goes down and up."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def print_pages(self) -> int:
        """How many pages the document has on paper."""
        content = base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])
        return content.count(b"/Type /Page\n") + content.count(b"/Type /Page ")

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Write a PNG of the window, or of the whole page."""
        content = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(content))

    def strangers(self) -> list[str]:
        """What the page asked for that is neither in it, nor a file, nor on this machine."""
        return [url for url in self.requests if not url.startswith(OWN)]


class Browser(Window):
    """Its first window; a context manager, which ends the browser and removes its profile."""

    def __init__(self):
        self.others: list[Window] = []

    def __enter__(self) -> "Browser":
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        self.process = subprocess.Popen([CHROMIUM, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port_file = Path(self.profile, "DevToolsActivePort")
        port = wait_for("the start of Chromium", lambda: port_file.exists() and port_file.read_text().split())[0]
        self.list_of_windows = f"http://127.0.0.1:{port}/json/list"
        super().__init__(wait_for("the first window", lambda: self.address_of("")))
        return self

    def address_of(self, ending: str) -> str | None:
        """Where the DevTools of a window are whose page's address ends so; None if there is no such window."""
        with urlopen(self.list_of_windows) as answer:
            return next((target["webSocketDebuggerUrl"] for target in json.load(answer)
                         if target["type"] == "page" and target["url"].endswith(ending)), None)

    def other_window(self, ending: str) -> Window:
        """A window that the page has opened."""
        self.others.append(Window(wait_for(f"a window with {ending}", lambda: self.address_of(ending))))
        return self.others[-1]

    def __exit__(self, *problem) -> None:
        for window in (self, *self.others):
            window.socket.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
