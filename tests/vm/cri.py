# SPDX-License-Identifier: GPL-2.0-only
"""As much of the Kubernetes CRI (runtime.v1) as a kubelet needs to run a pod. A message is a dict by the numbers of
its fields, which are in the CRI's api.proto."""

import grpc

SOCKET = "unix:///run/containerd/containerd.sock"
PATIENCE = 60
NODE = 2  # NamespaceMode: the host's own network, for which nobody needs CNI


def varint(number):
    made = bytearray()
    while number > 0x7f:
        made.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes(made + bytes([number]))


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, list):
        return b"".join(field(number, item) for item in value)
    data = value.encode() if isinstance(value, str) else encode(value)
    return varint(number << 3 | 2) + varint(len(data)) + data


def encode(message):
    return b"".join(field(number, value) for number, value in message.items())


def first_text(answer):
    """Field 1 of an answer: an id, shorter than 128 bytes."""
    return answer[2:2 + answer[1]].decode() if answer[:1] == b"\x0a" else ""


def text_map(values):
    return [{1: key, 2: value} for key, value in values.items()]


class Runtime:
    def __init__(self):
        self.channel = grpc.insecure_channel(SOCKET)

    def call(self, method, message):
        return self.channel.unary_unary(f"/runtime.v1.RuntimeService/{method}", encode, first_text)(
            message, timeout=PATIENCE, wait_for_ready=True)

    def run_pod(self, name, uid, annotations, handler, cgroup_parent):
        return Pod(self, name, uid, annotations, handler, cgroup_parent)


class Pod:
    def __init__(self, runtime, name, uid, annotations, handler, cgroup_parent):
        self.runtime = runtime
        self.config = {1: {1: name, 2: uid, 3: "default"}, 4: {1: ["127.0.0.1"]}, 7: text_map(annotations),
                       8: {1: cgroup_parent, 2: {1: {1: NODE}}}}
        self.id = runtime.call("RunPodSandbox", {1: self.config, 2: handler})

    def start(self, name, image, *command):
        """A container's id, once it is started."""
        config = {1: {1: name}, 2: {1: image}, 3: list(command), 15: {2: {3: {1: NODE}}}}
        container = self.runtime.call("CreateContainer", {1: self.id, 2: config, 3: self.config})
        self.runtime.call("StartContainer", {1: container})
        return container

    def stop(self, container):
        self.runtime.call("StopContainer", {1: container})

    def remove(self):
        """With all that is in it."""
        self.runtime.call("StopPodSandbox", {1: self.id})
        self.runtime.call("RemovePodSandbox", {1: self.id})
