# SPDX-License-Identifier: GPL-2.0-only
"""Has steps measured: in a guest with a disk, in a guest with snapshots, or on this machine.

Each way yields results: the step, "result" with the values or "failed" with the reason why there are none,
and "foreign", the part of this machine that other programs used meanwhile, None where that cannot matter.
"""

import datetime
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import hostload
import plan
import snapshots

HERE = pathlib.Path(__file__).resolve().parent
# Other programs of the host that use more than this part of it make a time doubtful.
FOREIGN_LIMIT = 0.02


class Failure(Exception):
    """Something could not be measured."""


def printed_by(script):
    """The paths that one of the scripts here prints."""
    done = subprocess.run([HERE / script], check=True, stdout=subprocess.PIPE, text=True)
    return [pathlib.Path(line) for line in done.stdout.splitlines()]


def on_disk(steps):
    """Runs the steps in guests with a disk, one for each number of CPUs."""
    for cpus, group in itertools.groupby(sorted(steps, key=lambda step: step["cpus"]), lambda step: step["cpus"]):
        yield from in_one_guest(cpus, list(group))


def in_one_guest(cpus, steps):
    with tempfile.TemporaryDirectory() as directory:
        tools, = printed_by("tools")
        inside = pack(directory, [tools / "probe", tools / "scx_qmap"], steps)
        command = [HERE.parent / "vm" / "guest", "run", "--cpus", str(cpus), "--memory", "3072",
                   "--timeout", "3600", "--copy", str(inside), "--", "python3", "bench/disk.py"]
        foreign = hostload.ForeignUse()
        for result in results_of("the guest", command):
            yield {**result, "foreign": foreign.since_last()}


def pack(directory, programs, steps):
    """What runs measurements where there are no others, in one place."""
    inside = pathlib.Path(directory, "bench")
    inside.mkdir()
    for source in [*(HERE / "inside").glob("*.py"), HERE.parent / "vm" / "ordinary.py", *programs]:
        target = inside / source.name
        target.write_bytes(source.read_bytes())
        target.chmod(0o755)
    (inside / "steps.json").write_text(json.dumps(steps))
    return inside


def results_of(what, command):
    """The results that a command prints, as they come."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if line.startswith("{"):
                yield json.loads(line)
            else:
                print(line, end="", file=sys.stderr)
    if running.returncode != 0:
        raise Failure(f"{what} ended with {running.returncode}")


def here(probe, steps):
    """Runs the steps on this machine, which is a real one, without any guest."""
    with tempfile.TemporaryDirectory() as directory:
        inside = pack(directory, [probe], steps)
        for result in results_of("measuring", [sys.executable, "-B", inside / "disk.py"]):
            yield {**result, "foreign": None}


def from_snapshots(steps):
    """Runs the steps in a guest on virtual time: each peer starts anew, is saved, and every step starts
    from there."""
    if not steps:
        return
    try:
        with snapshots.SnapshotGuest(*printed_by("initramfs")) as guest:
            guest.save("booted")
            for _, group in itertools.groupby(by_world(steps), world_of):
                yield from in_world(guest, list(group))
    except snapshots.GuestError as error:
        raise Failure(f"the guest on virtual time: {error}") from error


def world_of(step):
    return step["peer"], step["weights"], step["repeat"]


def by_world(steps):
    """The same steps, those of one world side by side."""
    order = []
    for step in steps:
        if world_of(step) not in order:
            order.append(world_of(step))
    return sorted(steps, key=lambda step: order.index(world_of(step)))


def in_world(guest, steps):
    """Attaches once, and starts every step from there. A step that fails spoils no other."""
    peer, weights, _ = world_of(steps[0])
    guest.load("booted")
    try:
        guest.ask("attach", peer=peer, weights=weights)
    except snapshots.Refused as error:
        yield from ({**step, "foreign": None, "failed": f"it cannot be attached: {error}"} for step in steps)
        return
    guest.save("attached")
    for step in steps:
        guest.load("attached")
        try:
            with guest.short_turns():
                result = guest.ask("measure", measure=step["measure"], seconds=step["seconds"])
        except snapshots.Refused as error:
            yield {**step, "foreign": None, "failed": str(error)}
            continue
        yield {**step, "foreign": None, "result": result}
    guest.forget("attached")


def in_release_build(program, *arguments):
    """What a benchmark of the release build writes to the file /build/measured."""
    script = ('set -e; source "$0/../lib/build.sh"; need_root; program=$1; shift; build_preset release "$program"; '
              'in_build_root "./release/tests/bench/$program" "$@" >&2; cat "$FIEF_WORK/build/measured"')
    done = subprocess.run(["bash", "-c", script, HERE, program, *arguments], stdout=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        raise Failure(f"{program} ended with {done.returncode}")
    return json.loads(done.stdout)


def planning_times():
    """Milliseconds of CPU time that each of the planner's benchmarks takes."""
    names = "|".join(figure.measure for figure in plan.FIGURES if figure.measure.startswith("plan/"))
    report = in_release_build("plan_bench", f"--benchmark_filter=^({names})$", "--benchmark_color=false",
                              "--benchmark_out=/build/measured", "--benchmark_out_format=json")
    per_ms = {"ns": 1e6, "us": 1e3, "ms": 1}
    return {run["name"]: {"ms": run["cpu_time"] / per_ms[run["time_unit"]]} for run in report["benchmarks"]}


def turn_times():
    """Milliseconds of CPU time of a turn of the daemon."""
    return {"turn": in_release_build("turn_bench", "/build/measured")}


def undisturbed(run):
    """What run() returns, and other programs' part; a run beside other programs is repeated once."""
    for _ in range(2):
        foreign = hostload.ForeignUse()
        values, other = run(), foreign.since_last()
        if other <= FOREIGN_LIMIT:
            break
    return values, other


def on_this_machine(steps):
    """Times the planner and the daemon's turn, and compares the planner's plans."""
    for _, group in itertools.groupby(steps, lambda step: step["repeat"]):
        group = list(group)
        wanted = {step["measure"] for step in group}
        compared, took = {}, {}
        if "plan_compare" in wanted:
            compared = {row["planner"]: row for row in in_release_build("plan_compare", "/build/measured")}
        for program, measures in ((turn_times, wanted & {"turn"}), (planning_times, wanted - {"turn", "plan_compare"})):
            if measures:
                values, other = undisturbed(program)
                took |= {measure: (values[measure], other) for measure in measures}
        for step in group:
            if step["measure"] == "plan_compare":
                row = compared[step["peer"]]
                yield {**step, "foreign": None, "result": {
                    "error %": 100 * row["mean_worst_error"], "CPUs moved": row["moves"] / row["instances"]}}
            else:
                result, other = took[step["measure"]]
                yield {**step, "foreign": other, "result": result}


def versions():
    """What the figures were made with, for whoever compares them later."""
    script = ('set -e; cd "$0/../.."; source tests/lib/roots.sh; need_root_tree guest 40; need_root_tree machine 30; '
              'git describe --always --dirty 2>/dev/null || echo "without history"; '
              'cat "$(root_path guest)/image/version"; '
              'in_root machine -- qemu-system-x86_64 --version | sed "s/ emulator version\\( [0-9.]*\\).*/\\1/;q"')
    done = subprocess.run(["bash", "-c", script, HERE], stdout=subprocess.PIPE, text=True, check=False)
    fief, kernel, qemu = done.stdout.splitlines()
    return {"date": datetime.date.today().isoformat(), "fief": fief, "kernel": kernel, "qemu": qemu}


def versions_here():
    """The same on a machine of somebody's."""
    said = subprocess.run(["fiefd", "--version"], check=True, capture_output=True, text=True)
    return {"date": datetime.date.today().isoformat(), "fief": said.stdout.split()[-1], "kernel": os.uname().release,
            "qemu": "no guest", "machine": f"this machine with {os.cpu_count()} CPUs"}


RUN = {plan.DISK: on_disk, plan.SNAPSHOT: from_snapshots, plan.HOST: on_this_machine}
