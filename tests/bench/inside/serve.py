# SPDX-License-Identifier: GPL-2.0-only
"""serve.py LINE: does what the host asks for, a line of JSON each way, over a serial line.

The host saves and restores the whole guest between two requests, so what one request sets up is there
for every measurement that starts from the same snapshot.
"""

import json
import pathlib
import random
import sys
import termios
import time
import traceback
import tty

import figures
import latency
import peers


class Bench:
    """What the host can ask for."""

    def __init__(self):
        self.world = None

    def attach(self, peer, weights):
        """Puts groups with these weights under a peer's care."""
        # No snapshot stands at the same moment between two ticks.
        time.sleep(figures.SETTLE_SECONDS + random.uniform(0, 1))
        self.world = figures.World(peers.PEERS[peer](), weights)
        self.world.__enter__()
        time.sleep(figures.SETTLE_SECONDS)

    def measure(self, measure, seconds):
        """One figure in the world that is attached."""
        return latency.MEASURE[measure](self.world, seconds)


def answer(bench, line):
    try:
        request = json.loads(line)
        return {"result": getattr(bench, request["do"])(**request["with"])}
    except Exception:  # the host decides what a failure means
        return {"error": traceback.format_exc()}


def main():
    figures.prepare()
    with pathlib.Path(sys.argv[1]).open("r+b", buffering=0) as line:
        tty.setraw(line, termios.TCSANOW)
        bench = Bench()
        reader = open(line.fileno(), "rb", closefd=False)
        line.write(b'{"result": "ready"}\n')
        for text in reader:
            line.write(json.dumps(answer(bench, text)).encode() + b"\n")


main()
