# SPDX-License-Identifier: GPL-2.0-only
"""A browser without a window, spoken to in its DevTools protocol over a pair of pipes."""

import json
import os
import select
import subprocess
import time

PATIENCE = 30
# Where the protocol has the browser read and write.
READS, WRITES = 3, 4


class Browser:
    def __init__(self, directory):
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        # The shell puts the pipes where they have to be. The browser's own sandbox wants another user than root;
        # this one sees fief's page alone, in a network of its own.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" {READS}<&{commands} {WRITES}>&{answers}', "bash", "chromium-headless-shell",
             "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             f"--user-data-dir={directory}", "about:blank"],
            pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self.number = 0
        self.unread = b""
        self.events = []

    def close(self):
        os.close(self.commands)
        os.close(self.answers)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def call(self, method, session=None, **parameters):
        """The result of a command; events that come meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.receive(deadline)
            if answer.get("id") != self.number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def receive(self, deadline):
        while b"\0" not in self.unread:
            if not select.select([self.answers], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.answers, 1 << 16)
            if part == b"":
                raise RuntimeError("the browser has gone")
            self.unread += part
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)


class Page:
    """What is shown in a tab, and what the browser complained of meanwhile."""

    def __init__(self, browser, url, width=1400, height=1400):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank", width=width,
                                   height=height)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def value(self, expression):
        """What an expression of JavaScript, or its promise, comes to."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, what, expression, wanted=True):
        """Until the expression has the value."""
        deadline = time.monotonic() + PATIENCE
        found = None
        while time.monotonic() < deadline:
            found = self.value(expression)
            if found == wanted:
                return
            time.sleep(0.05)
        raise AssertionError(f"waited for {what}: {wanted!r} is not {found!r}; "
                             f"the page shows {self.value('document.body.innerText')!r}; {self.complaints()}")

    def complaints(self):
        """Errors on the console, exceptions that nobody caught, and what the content security policy refused."""
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            details = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(details["exceptionDetails"])
            if event["method"] == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning", "assert"):
                found.append([argument.get("value") for argument in details["args"]])
            if event["method"] == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
                found.append(details["entry"])
        return found
