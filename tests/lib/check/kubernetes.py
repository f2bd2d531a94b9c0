# SPDX-License-Identifier: GPL-2.0-only
"""kubernetes.py FIEFCTL FILE PACKAGE: whether the example fits together: every name that one object uses is the
name of another, every program is one that the package installs, and fief accepts the policy."""

import pathlib
import subprocess
import sys
import tempfile

import yaml


def check(holds, sentence):
    if not holds:
        raise SystemExit(f"{sys.argv[2]}: {sentence}")


def check_daemon_set(daemon_set, config_maps):
    template = daemon_set["spec"]["template"]
    wanted = daemon_set["spec"]["selector"]["matchLabels"]
    check(wanted.items() <= template["metadata"]["labels"].items(), "the selector does not select the pods")
    pod = template["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    check(len(volumes) == len(pod["volumes"]), "two volumes have the same name")
    mounted = [mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]]
    check(set(mounted) == set(volumes), f"volumes {sorted(volumes)}, but mounted are {sorted(mounted)}")
    for volume in volumes.values():
        if "configMap" in volume:
            check(volume["configMap"]["name"] in config_maps, f"there is no ConfigMap for {volume['name']}")


def check_programs(daemon_set, package):
    listed = subprocess.run(["dpkg-deb", "--contents", package], check=True, capture_output=True, text=True).stdout
    installed = {line.split()[-1].removeprefix(".") for line in listed.splitlines()}
    for container in daemon_set["spec"]["template"]["spec"]["containers"]:
        program = container["command"][0]
        check(program in installed, f"{program} is not in the package")


def check_policy(fiefctl, text):
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory, "policy.json")
        file.write_text(text)
        subprocess.run([fiefctl, "check", str(file)], check=True)


def main():
    fiefctl, file, package = sys.argv[1:]
    documents = list(yaml.safe_load_all(pathlib.Path(file).read_text()))
    for document in documents:
        check({"apiVersion", "kind", "metadata"} <= document.keys(), "a document is no object of Kubernetes")
    by_kind = {kind: {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}
               for kind in {d["kind"] for d in documents}}
    namespaces = by_kind["Namespace"]
    for document in documents:
        namespace = document["metadata"].get("namespace")
        check(namespace is None or namespace in namespaces, f"there is no namespace {namespace}")
    for daemon_set in by_kind["DaemonSet"].values():
        check_daemon_set(daemon_set, by_kind["ConfigMap"])
        check_programs(daemon_set, package)
    for config_map in by_kind["ConfigMap"].values():
        check_policy(fiefctl, config_map["data"]["policy.json"])


main()
