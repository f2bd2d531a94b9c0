// SPDX-License-Identifier: GPL-2.0-only

package main

import "testing"

func TestWishOf(t *testing.T) {
	annotations := map[string]string{
		"fief.io/class":                 "serving",
		"fief.io/weight":                "200",
		"fief.io/scheduler.container.b": "batch",
		"fief.io/weight.container.b":    "50",
		"fief.io/class.container.c":     "",
		"fief.io/weight.container.c":    "",
		"fief.io/weight.container.d.e":  "10000",
		"app.kubernetes.io/name":        "web",
	}
	for container, wanted := range map[string]wish{
		"a":   {class: "serving", weight: 200},
		"b":   {class: "serving", scheduler: "batch", weight: 50},
		"c":   {},
		"d.e": {class: "serving", weight: 10000},
	} {
		if made, err := wishOf(annotations, container); err != nil || made != wanted {
			t.Errorf("%q wishes %+v (%v), not %+v", container, made, err, wanted)
		}
	}
	if made, err := wishOf(nil, "a"); err != nil || !made.isEmpty() {
		t.Errorf("without annotations: %+v (%v)", made, err)
	}
}

func TestWishOfWhatIsNoWeight(t *testing.T) {
	for _, text := range []string{"0", "10001", "-1", "1.5", "much", " 1"} {
		if made, err := wishOf(map[string]string{"fief.io/weight": text}, "a"); err == nil {
			t.Errorf("%q is %+v", text, made)
		}
	}
}

func TestCheck(t *testing.T) {
	some := limits{classes: names{"serving", "build"}, schedulers: names{"batch"}, maxWeight: 100}
	for _, allowed := range []wish{{}, {class: "build"}, {scheduler: "batch", weight: 100}} {
		if err := some.check(allowed); err != nil {
			t.Errorf("%+v: %v", allowed, err)
		}
	}
	for reason, refused := range map[string]wish{
		`class "root's" is not one of --class`:          {class: "root's"},
		`scheduler "latency" is not one of --scheduler`: {class: "serving", scheduler: "latency"},
		`weight 101 is above --max-weight`:              {weight: 101},
	} {
		if err := some.check(refused); err == nil || err.Error() != reason {
			t.Errorf("%+v: %v", refused, err)
		}
	}
	if err := (limits{}).check(wish{weight: 1}); err == nil {
		t.Error("weights are allowed unless asked for")
	}
}
