// SPDX-License-Identifier: GPL-2.0-only

package main

import "testing"

func TestCgroupOf(t *testing.T) {
	for given, wanted := range map[string]string{
		"kubepods-burstable-pod0f3c_2a1e.slice:cri-containerd:4be1": "/kubepods.slice/kubepods-burstable.slice/" +
			"kubepods-burstable-pod0f3c_2a1e.slice/cri-containerd-4be1.scope",
		"kubepods.slice:crio:4be1":       "/kubepods.slice/crio-4be1.scope",
		":cri-containerd:4be1":           "/system.slice/cri-containerd-4be1.scope",
		"-.slice:cri-containerd:4be1":    "/cri-containerd-4be1.scope",
		"a.slice::4be1":                  "/a.slice/4be1.scope",
		"a.slice:x:a-b.slice":            "/a.slice/a-b.slice",
		"/kubepods/burstable/pod0f/4be1": "/kubepods/burstable/pod0f/4be1",
		"k8s.io/4be1":                    "/k8s.io/4be1",
		"/k8s.io/with:two:colons":        "/k8s.io/with:two:colons",
		"/a/../../b/":                    "/b",
	} {
		if made, err := cgroupOf(given); err != nil || made != wanted {
			t.Errorf("%q is %q (%v), not %q", given, made, err, wanted)
		}
	}
}

func TestCgroupOfWhatIsNone(t *testing.T) {
	for _, given := range []string{"", "kubepods:cri-containerd:4be1", "a--b.slice:x:y", ".slice:x:y", "-a.slice:x:y"} {
		if made, err := cgroupOf(given); err == nil {
			t.Errorf("%q is %q", given, made)
		}
	}
}
