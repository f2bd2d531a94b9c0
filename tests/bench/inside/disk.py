# SPDX-License-Identifier: GPL-2.0-only
"""Runs the list of measurements beside it, in a guest with a disk or on a machine of somebody's; prints each
result as a line of JSON as soon as it is there. What cannot be measured is a line too, and the next
measurement starts clean."""

import json
import pathlib
import time
import traceback

import controller
import figures
import latency
import peers

MEASURE = {**figures.MEASURE, **controller.MEASURE}


def measured(step):
    peer = peers.PEERS[step["peer"]]()
    if step["measure"] in MEASURE:
        return MEASURE[step["measure"]](peer, step["seconds"], step["weights"])
    with figures.World(peer, step["weights"]) as world:
        time.sleep(figures.SETTLE_SECONDS)
        return latency.MEASURE[step["measure"]](world, step["seconds"])


def run(step):
    try:
        return {"result": measured(step)}
    except Exception:  # a peer's failure is that peer's row
        return {"failed": traceback.format_exc()}


def main():
    figures.prepare()
    try:
        for step in json.loads(pathlib.Path(__file__).with_name("steps.json").read_text(encoding="utf-8")):
            print(json.dumps({**step, **run(step)}), flush=True)
    finally:
        figures.clean_up()


main()
