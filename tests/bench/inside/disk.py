# SPDX-License-Identifier: GPL-2.0-only
"""Runs the list of measurements beside it, in a guest with a disk; prints each result as a line of JSON as
soon as it is there. What cannot be measured is a line too, and the next measurement starts clean."""

import json
import pathlib
import traceback

import controller
import figures
import peers

MEASURE = {**figures.MEASURE, **controller.MEASURE}


def run(step):
    peer = peers.PEERS[step["peer"]]()
    try:
        return {"result": MEASURE[step["measure"]](peer, step["seconds"], step["weights"])}
    except Exception:  # a peer's failure is that peer's row
        return {"failed": traceback.format_exc()}


def main():
    figures.prepare()
    for step in json.loads(pathlib.Path(__file__).with_name("steps.json").read_text(encoding="utf-8")):
        print(json.dumps({**step, **run(step)}), flush=True)


main()
