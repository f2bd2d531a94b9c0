# SPDX-License-Identifier: GPL-2.0-only
"""A guest whose clock advances with the instructions it executes, and that can be saved and restored.

It lives in memory, one thread of the host runs all of its CPUs, and time stands still for it while the
host does something else: equal runs repeat within a few percent whatever else the host does.
"""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
# Of the host, which may have other things to do: the guest itself needs a tenth of that.
BOOT_SECONDS = 900
ANSWER_SECONDS = 1800
# All CPUs have their turn within this time of the guest's clock, while something is measured.
TURNS_US = 20


class GuestError(Exception):
    """The guest, or QEMU, did not do what it was asked for."""


class Refused(Exception):
    """The guest could not do what it was asked for, and is well."""


class Line:
    """A socket that carries a JSON document a line each way."""

    def __init__(self, path, seconds):
        deadline = time.monotonic() + seconds
        self.socket = socket.socket(socket.AF_UNIX)
        while self.socket.connect_ex(str(path)) != 0:
            if time.monotonic() > deadline:
                raise GuestError(f"nobody listens at {path.name}")
            time.sleep(0.05)
        self.file = self.socket.makefile("rwb")

    def read(self, seconds):
        self.socket.settimeout(seconds)
        try:
            text = self.file.readline()
        except TimeoutError as error:
            raise GuestError(f"no answer within {seconds} s") from error
        if not text:
            raise GuestError("the guest has ended")
        return json.loads(text)

    def write(self, document):
        self.file.write(json.dumps(document).encode() + b"\n")
        self.file.flush()


def qemu(root, kernel, initramfs, directory, cpus, memory):
    """The command that runs the guest; sockets, console and snapshots are in the directory."""
    return [
        HERE.parent / "lib" / "enter-root", root, f"{initramfs}:/image:ro", f"{directory}:/work:rw",
        f"{kernel.parent}:/tree:ro", "--", "qemu-system-x86_64",
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-machine", "q35",
        "-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off", "-rtc", "clock=vm",
        # One CPU executes until the next timer of any device is due, then the next one does; an interrupt
        # waits for its CPU's turn. Without a frequent timer that takes as long as a tick, 4 ms, whoever is
        # woken. This filter of a network that nobody is on has one, and the guest does not see it.
        "-netdev", "hubport,id=none,hubid=0",
        "-object", f"filter-buffer,id=turns,netdev=none,interval={TURNS_US},status=off",
        "-cpu", "max", "-smp", str(cpus), "-m", str(memory),
        "-kernel", f"/tree/{kernel.name}", "-initrd", "/image",
        "-append", "rdinit=/sbin/init console=ttyS0 loglevel=4 panic=-1 oops=panic mitigations=off audit=0 "
        "apparmor=0 systemd.show_status=no",
        "-serial", "file:/work/console",
        "-chardev", "socket,id=control,path=/work/control,server=on,wait=off", "-serial", "chardev:control",
        "-qmp", "unix:/work/qmp,server=on,wait=off",
    ]


class SnapshotGuest:
    """The guest, from boot to the end of a with block."""

    def __init__(self, root, kernel, initramfs, cpus=8, memory=2048):
        # In memory: a snapshot is a gigabyte, and disks are slow in moments that nobody chooses.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="fief-bench.", dir="/dev/shm"))
        with (self.directory / "errors").open("wb") as errors:
            self.process = subprocess.Popen(qemu(root, kernel, initramfs, self.directory, cpus, memory), stderr=errors)

    def __enter__(self):
        try:
            self.boot()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def boot(self):
        self.monitor = Line(self.directory / "qmp", BOOT_SECONDS)
        self.monitor.read(BOOT_SECONDS)
        self.qmp("qmp_capabilities")
        self.make_store()
        self.control = Line(self.directory / "control", BOOT_SECONDS)
        self.control.read(BOOT_SECONDS)

    def __exit__(self, kind, error, trace):
        self.process.kill()
        self.process.wait()
        if isinstance(error, GuestError):
            for name in ("errors", "console"):
                sys.stderr.write((self.directory / name).read_text(errors="replace")[-2000:])
        shutil.rmtree(self.directory)

    def qmp(self, command, **arguments):
        self.monitor.write({"execute": command, "arguments": arguments})
        while True:
            answer = self.monitor.read(BOOT_SECONDS)
            if "error" in answer:
                raise GuestError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def job(self, command, **arguments):
        """Runs a command that QEMU does in the background, to its end."""
        self.qmp(command, **{"job-id": "bench", **arguments})
        while (job := self.qmp("query-jobs")[0])["status"] != "concluded":
            time.sleep(0.02)
        self.qmp("job-dismiss", id="bench")
        if "error" in job:
            raise GuestError(f"{command}: {job['error']}")

    def make_store(self):
        """The file that snapshots go to."""
        self.job("blockdev-create", options={"driver": "file", "filename": "/work/snapshots", "size": 0})
        self.qmp("blockdev-add", **{"driver": "file", "filename": "/work/snapshots", "node-name": "file"})
        self.job("blockdev-create", options={"driver": "qcow2", "file": "file", "size": 1 << 20})
        self.qmp("blockdev-add", **{"driver": "qcow2", "file": "file", "node-name": "store"})

    def save(self, name):
        self.job("snapshot-save", tag=name, vmstate="store", devices=["store"])

    def load(self, name):
        self.job("snapshot-load", tag=name, vmstate="store", devices=["store"])
        self.qmp("cont")

    @contextlib.contextmanager
    def short_turns(self):
        """Within it, no interrupt waits long for its CPU. It takes several times as long."""
        self.qmp("qom-set", path="/objects/turns", property="status", value="on")
        try:
            yield
        finally:
            self.qmp("qom-set", path="/objects/turns", property="status", value="off")

    def forget(self, name):
        self.job("snapshot-delete", tag=name, devices=["store"])

    def ask(self, do, **arguments):
        """Has the guest do something; returns what it answers."""
        self.control.write({"do": do, "with": arguments})
        answer = self.control.read(ANSWER_SECONDS)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]
