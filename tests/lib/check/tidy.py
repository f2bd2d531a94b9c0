# SPDX-License-Identifier: GPL-2.0-only
"""tidy.py BUILD: runs clang-tidy on every file of a compilation database.

A file whose preprocessed text, flags and checks are those of a run without findings is not run again.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

CLANG_TIDY = "clang-tidy-19"
CHECKS = pathlib.Path("/src/.clang-tidy")


def key_of(entry):
    """What clang-tidy would see: the text after preprocessing, the flags, the checks."""
    command = shlex.split(entry["command"])
    output = command.index("-o")
    preprocess = [*command[:output], *command[output + 2 :], "-E", "-o", "-"]
    text = subprocess.run(preprocess, cwd=entry["directory"], check=True, capture_output=True).stdout
    return hashlib.sha256(text + entry["command"].encode() + CHECKS.read_bytes()).hexdigest()


def check(entry, build, clean):
    """Returns the findings in one file, an empty string when there are none."""
    mark = clean / key_of(entry)
    if mark.exists():
        mark.touch()
        return ""
    run = subprocess.run(
        [CLANG_TIDY, "--quiet", "-p", build, "--extra-arg=-Wno-unknown-warning-option", entry["file"]],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 0:
        mark.touch()
        return ""
    return run.stdout + run.stderr


def main():
    build = sys.argv[1]
    entries = [
        entry
        for entry in json.loads(pathlib.Path(build, "compile_commands.json").read_text())
        if entry["file"].startswith("/src/") and entry["file"].endswith(".cpp")
    ]
    clean = pathlib.Path("clang-tidy-clean")
    clean.mkdir(exist_ok=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for findings in pool.map(lambda entry: check(entry, build, clean), entries):
            if findings:
                failed += 1
                print(findings, flush=True)
    print(f"clang-tidy: {len(entries)} files, {failed} with findings")
    return 1 if failed else 0


sys.exit(main())
