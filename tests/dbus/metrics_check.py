#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads metrics from standard input with Prometheus's own parsers, which refuse what is not clean.

metrics_check.py openmetrics|prometheus: prints a line "FAMILY TYPE SAMPLES" for each family, and the
labels of the first sample of fief_scheduler_weight that is not the root's, each as JSON.
"""
import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

PARSERS = {"openmetrics": parse_openmetrics, "prometheus": parse_prometheus}


def main():
    families = list(PARSERS[sys.argv[1]](sys.stdin.read()))
    names = [family.name for family in families]
    assert len(set(names)) == len(names), "a family is there twice"
    for family in families:
        assert family.documentation, f"{family.name} has no HELP"
        assert family.samples, f"{family.name} has no sample"
        assert family.type in ("gauge", "counter", "histogram"), f"{family.name} is {family.type}"
        print(family.name, family.type, len(family.samples))
        if family.name == "fief_scheduler_weight":
            print(json.dumps(next(s.labels for s in family.samples if s.labels["cgroup"] != "/")))


main()
