# SPDX-License-Identifier: GPL-2.0-only
"""monitoring.py FIEFCTL PROMTOOL STATUS DIRECTORY: whether the dashboard and the rules in DIRECTORY speak of
what "fiefctl metrics" prints, of all of it and of nothing else. The metrics are those of STATUS, a document of
"fiefctl status --json", which a socket hands to FIEFCTL as fiefd would."""

import functools
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

import yaml
from prometheus_client.parser import text_string_to_metric_families

# What others export and the rules use, with its labels.
OTHERS = {"up": set(), "node_textfile_mtime_seconds": {"file"}}
# What Prometheus adds to every series.
ADDED = {"instance", "job"}
SEVERITIES = {"critical", "warning", "info"}
WORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan"}
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
TOKEN = re.compile(r"""(?P<text>"(?:\\.|[^"\\])*")|(?P<range>\[[^]]*\])|(?P<number>[0-9][0-9a-z.]*)"""
                   r"""|(?P<name>[A-Za-z_:$][\w:$]*)|(?P<sign>[=!]~|[=!<>]=|[^\s\w])""")


def fail(where, sentence):
    raise SystemExit(f"{where}: {sentence}")


def check(holds, where, sentence):
    if not holds:
        fail(where, sentence)


def printed_metrics(fiefctl, status):
    """The labels of each metric that fiefctl prints, and the values of each label."""
    reply = json.dumps({"parameters": {"json": status, "text": ""}}).encode() + b"\0"
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listening:
        path = str(pathlib.Path(directory, "socket"))
        listening.bind(path)
        listening.listen()

        def answer():
            connection = listening.accept()[0]
            with connection:
                while not connection.recv(65536).endswith(b"\0"):
                    pass
                connection.sendall(reply)

        threading.Thread(target=answer, daemon=True).start()
        text = subprocess.run([fiefctl, "--varlink", path, "metrics", "--prometheus"], check=True,
                              capture_output=True, text=True, timeout=60).stdout
    labels, values, families = {}, {}, {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
            families[sample.name] = family.name
            for label, value in sample.labels.items():
                values.setdefault(label, set()).add(value)
    return labels, values, families


class Expressions:
    """Reads expressions of PromQL: which metrics they use with which labels."""

    def __init__(self, labels, values):
        self.labels = {name: found | ADDED for name, found in {**labels, **OTHERS}.items()}
        self.values = values
        self.used = set()

    def record(self, name, labels):
        """From now on there is a metric of that name, as a rule makes it."""
        self.labels[name] = labels

    def read(self, where, expression):
        """Fails if it uses what there is not; the labels that its result may have."""
        tokens = [(match.lastgroup, match[0]) for match in TOKEN.finditer(expression)]
        metrics, grouped = [], []
        at = 0
        while at < len(tokens):
            kind, text = tokens[at]
            following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
            at += 1
            if kind != "name" or text in WORDS:
                continue
            if text in GROUPING:
                if following == "(":
                    end = tokens.index(("sign", ")"), at)
                    grouped += [name for what, name in tokens[at:end] if what == "name"]
                    at = end + 1
            elif following != "(" and following not in ("by", "without"):
                check(text in self.labels, where, f"there is no metric {text}")
                metrics.append(text)
                if following == "{":
                    end = tokens.index(("sign", "}"), at)
                    self.read_matchers(where, text, tokens[at + 1:end])
                    at = end + 1
        check(metrics, where, "it shows no metric")
        self.used.update(metrics)
        known = set().union(*(self.labels[name] for name in metrics))
        for label in grouped:
            check(label in known, where, f"no metric in it has the label {label}")
        return known

    def read_matchers(self, where, metric, tokens):
        for place, (kind, label) in enumerate(tokens):
            if kind != "name":
                continue
            check(label in self.labels[metric], where, f"{metric} has no label {label}")
            sign, value = tokens[place + 1][1], tokens[place + 2][1]
            if label == "state" and sign == "=":
                check(json.loads(value) in self.values[label], where, f"there is no {label} {value}")


def check_labels_of_text(where, text, known):
    """That templates, of Grafana or of Prometheus, use labels that there are."""
    for label in re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", text):
        check(label in known, where, f"there is no label {label}")


@functools.cache
def commands_of(fiefctl):
    text = subprocess.run([fiefctl, "--help"], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"^  ([a-z]+) ", text, re.MULTILINE))


def check_commands(fiefctl, where, text):
    """That the commands of fiefctl that a text names are there."""
    for command in re.findall(r"fiefctl ([a-z]+)", text):
        check(command in commands_of(fiefctl), where, f"there is no \"fiefctl {command}\"")


def without_variables(dashboard, expression):
    """An expression as Grafana sends it."""
    for name in [variable["name"] for variable in dashboard["templating"]["list"]]:
        expression = expression.replace(f"${name}", "x")
    return expression.replace("$__rate_interval", "1m")


def check_dashboard(fiefctl, promtool, file, expressions):
    dashboard = json.loads(file.read_text())
    check({"datasource", "instance", "cgroup"} <= {v["name"] for v in dashboard["templating"]["list"]}, file,
          "a variable is missing")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
            known = expressions.read(f"{file}, variable {variable['name']}", metric)
            check(label in known, file, f"there is no label {label}")
    ids = [panel["id"] for panel in dashboard["panels"]]
    check(len(set(ids)) == len(ids), file, "two panels have the same id")
    sent = []
    for panel in dashboard["panels"]:
        where = f"{file}, panel \"{panel.get('title')}\""
        check(panel.get("title"), where, "it has no title")
        if panel["type"] == "row":
            continue
        check(panel.get("description"), where, "it has no description")
        check(panel["fieldConfig"]["defaults"].get("unit"), where, "it has no unit")
        check(panel["datasource"]["uid"] == "${datasource}", where, "it has a data source of its own")
        check(panel.get("targets"), where, "it shows nothing")
        check_commands(fiefctl, where, panel["description"])
        for target in panel["targets"]:
            check(target.get("expr"), where, "a target has no expression")
            known = expressions.read(where, target["expr"])
            check_labels_of_text(where, target.get("legendFormat", ""), known)
            sent.append({"record": "x", "labels": {"number": str(len(sent))},
                         "expr": without_variables(dashboard, target["expr"])})
    # Prometheus itself takes them for expressions.
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as rules:
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": sent}]}, rules)
        rules.flush()
        subprocess.run([promtool, "check", "rules", rules.name], check=True, stdout=subprocess.DEVNULL)
    return len(sent)


def check_rules(fiefctl, file, expressions):
    """The names of the alerts."""
    alerts = []
    for group in yaml.safe_load(file.read_text())["groups"]:
        for rule in group["rules"]:
            where = f"{file}, {rule.get('alert') or rule['record']}"
            known = expressions.read(where, rule["expr"])
            if "record" in rule:
                expressions.record(rule["record"], known)
                continue
            alerts.append(rule["alert"])
            check(rule["labels"]["severity"] in SEVERITIES, where, "its severity is none of those that there are")
            texts = [rule["annotations"][name] for name in ("summary", "description")]
            check("fiefctl" in texts[1], where, "its description names no command of fiefctl")
            for text in texts:
                check_labels_of_text(where, text, known)
                check_commands(fiefctl, where, text)
    check(len(set(alerts)) == len(alerts), file, "two alerts have the same name")
    return alerts


def check_tests(file, alerts, expressions):
    outcomes = {alert: set() for alert in alerts}
    for test in yaml.safe_load(file.read_text())["tests"]:
        for series in test["input_series"]:
            expressions.read(f"{file}, {test['name']}", series["series"])
        for case in test["promql_expr_test"]:
            for alert in re.findall(r'alertname="(\w+)"', case["expr"]):
                check(alert in outcomes, file, f"there is no alert {alert}")
                outcomes[alert].add(bool(case["exp_samples"]))
    for alert, found in outcomes.items():
        check(found == {True, False}, file, f"{alert} is not tested both to fire and not to")


def main():
    fiefctl, promtool, status, directory = sys.argv[1:]
    labels, values, families = printed_metrics(fiefctl, json.loads(pathlib.Path(status).read_text()))
    directory = pathlib.Path(directory)
    expressions = Expressions(labels, values)
    shown = check_dashboard(fiefctl, promtool, directory / "grafana/fief.json", expressions)
    unseen = set(families.values()) - {families[name] for name in expressions.used}
    check(not unseen, directory / "grafana/fief.json", f"no panel shows {', '.join(sorted(unseen))}")
    alerts = check_rules(fiefctl, directory / "prometheus/fief.rules.yml", expressions)
    check_tests(directory / "prometheus/fief.rules.test.yml", alerts, expressions)
    print(f"{len(families)} metrics of {len(set(families.values()))} families, {shown} expressions of panels, "
          f"{len(alerts)} alerts")


main()
