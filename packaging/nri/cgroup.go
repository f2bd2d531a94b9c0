// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"path"
	"strings"
)

const (
	sliceEnding  = ".slice"
	rootSlice    = "-" + sliceEnding
	defaultSlice = "system" + sliceEnding
)

// cgroupOf turns linux.cgroupsPath of the OCI runtime specification into a path below the cgroup root. Runtimes with
// systemd's driver take "slice:prefix:name" for that, others a path.
func cgroupOf(cgroupsPath string) (string, error) {
	if cgroupsPath == "" {
		return "", fmt.Errorf("the runtime does not tell its cgroup")
	}
	parts := strings.Split(cgroupsPath, ":")
	if len(parts) != 3 || strings.Contains(cgroupsPath, "/") {
		return path.Clean("/" + cgroupsPath), nil
	}
	slice, err := pathOfSlice(parts[0])
	if err != nil {
		return "", err
	}
	return path.Join(slice, unitOf(parts[1], parts[2])), nil
}

func unitOf(prefix, name string) string {
	switch {
	case strings.HasSuffix(name, sliceEnding):
		return name
	case prefix == "":
		return name + ".scope"
	default:
		return prefix + "-" + name + ".scope"
	}
}

// pathOfSlice: "a-b.slice" is in "a.slice" (systemd.slice(5)).
func pathOfSlice(slice string) (string, error) {
	if slice == "" {
		slice = defaultSlice
	}
	if slice == rootSlice {
		return "/", nil
	}
	stem, is := strings.CutSuffix(slice, sliceEnding)
	made, above := "/", ""
	for _, part := range strings.Split(stem, "-") {
		if !is || part == "" {
			return "", fmt.Errorf("%q is no slice", slice)
		}
		above += part
		made = path.Join(made, above+sliceEnding)
		above += "-"
	}
	return made, nil
}
