#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""metrics_scrape.py FIEFCTL: what "fiefctl metrics --listen" answers over HTTP, a line for each request."""

import contextlib
import http.client
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
WAIT = 20  # seconds


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=WAIT)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT)
        self.sock.connect(self.path)


def answers(where):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(where) == 0


@contextlib.contextmanager
def served(fiefctl, where):
    server = subprocess.Popen([fiefctl, "metrics", "--listen", where])
    try:
        deadline = time.monotonic() + WAIT
        while not answers(where):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("it does not listen")
            time.sleep(0.02)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        print("end", server.wait(WAIT))


def ask(where, method, target, accept="*/*"):
    connection = UnixConnection(where)
    connection.request(method, target, headers={"Accept": accept})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def show(what, response, body):
    families = sum(line.startswith("# TYPE ") for line in body.splitlines())
    print(what, response.status, response.getheader("Content-Type"), "families" if families else body.strip(),
          "EOF" if body.endswith("# EOF\n") else "")


def main(fiefctl):
    with tempfile.TemporaryDirectory() as directory:
        where = str(pathlib.Path(directory) / "metrics")
        with served(fiefctl, where):
            show("open", *ask(where, "GET", "/metrics", OPENMETRICS))
            show("text", *ask(where, "GET", "/metrics?x=1"))
            head, nothing = ask(where, "HEAD", "/metrics")
            print("head", head.status, int(head.getheader("Content-Length")) > 1000, repr(nothing))
            show("other", *ask(where, "GET", "/"))
            show("post", *ask(where, "POST", "/metrics"))
            # Whoever says nothing, or too much, holds nobody up.
            silent = UnixConnection(where)
            silent.connect()
            loud = UnixConnection(where)
            loud.connect()
            loud.sock.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20000)
            show("beside", *ask(where, "GET", "/metrics"))
            with contextlib.suppress(ConnectionResetError):
                assert loud.sock.recv(1) == b"", "too much was taken in"
        # The socket that it left is in nobody's way.
        with served(fiefctl, where):
            show("again", *ask(where, "GET", "/metrics"))


main(sys.argv[1])
