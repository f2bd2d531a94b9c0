# SPDX-License-Identifier: GPL-2.0-only
"""tidy.py BUILD…: runs clang-tidy on every file of compilation databases, each file once.

A file is not checked again while everything its last clean check depended on is the same: the
project's files that it includes, the flags, the checks, and the packages of the build tree.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

# Older ones check the system's headers too, and take ten times as long.
CLANG_TIDY = "clang-tidy-22"
ARGUMENTS = [
    "--quiet",
    # The commands are g++'s.
    "--extra-arg=-Wno-unknown-warning-option",
    # What g++ does not ask for either: libbpf's LIBBPF_OPTS names some of the fields.
    "--extra-arg=-Wno-missing-designated-field-initializers",
    # spdlog's use of fmt is not to this clang's mind. The compiler checks the format strings.
    "--extra-arg=-DFMT_CONSTEVAL=",
]
CHECKS = [pathlib.Path("/src", path) for path in (".clang-tidy", "tests/.clang-tidy")]
PACKAGES = pathlib.Path("/var/lib/dpkg/status")
CLEAN = pathlib.Path("clang-tidy-clean")


def digest(*parts):
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def digest_of_files(paths):
    """None when one of the files is gone."""
    try:
        return digest(*(pathlib.Path(path).read_bytes() for path in paths))
    except FileNotFoundError:
        return None


def record_of(entry, surroundings):
    """Where the last clean check of this file, with these flags and surroundings, is noted."""
    return CLEAN / digest(surroundings, entry["command"].encode(), entry["file"].encode())


def is_clean(record):
    if not record.exists():
        return False
    noted = json.loads(record.read_text())
    return digest_of_files(noted["files"]) == noted["digest"]


def project_files(entry):
    """The file itself and what it includes, system headers apart."""
    command = shlex.split(entry["command"])
    output = command.index("-o")
    run = subprocess.run(
        [*command[:output], *command[output + 2 :], "-MM", "-MT", "x", "-o", "-"],
        cwd=entry["directory"],
        check=True,
        capture_output=True,
        text=True,
    )
    return run.stdout.replace("\\\n", " ").removeprefix("x:").split()


def check(build, entry, surroundings):
    """Returns the findings in one file, an empty string when there are none."""
    record = record_of(entry, surroundings)
    if is_clean(record):
        return ""
    files = project_files(entry)
    noted = {"files": files, "digest": digest_of_files(files)}
    run = subprocess.run(
        [CLANG_TIDY, *ARGUMENTS, "-p", build, entry["file"]], capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        return run.stdout + run.stderr
    record.write_text(json.dumps(noted))
    return ""


def sources(builds):
    """(build, entry) of every C++ file of the project, from the first database that has it."""
    found = {}
    for build in builds:
        for entry in json.loads(pathlib.Path(build, "compile_commands.json").read_text()):
            if entry["file"].startswith("/src/") and entry["file"].endswith(".cpp"):
                found.setdefault(entry["file"], (build, entry))
    return found.values()


def main():
    jobs = sources(sys.argv[1:])
    CLEAN.mkdir(exist_ok=True)
    surroundings = digest_of_files([*CHECKS, PACKAGES]).encode() + " ".join(ARGUMENTS).encode()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for findings in pool.map(lambda job: check(*job, surroundings), jobs):
            if findings:
                failed += 1
                print(findings, flush=True)
    print(f"clang-tidy: {len(jobs)} files, {failed} with findings")
    return 1 if failed else 0


sys.exit(main())
