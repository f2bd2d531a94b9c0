// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"strconv"
)

// Annotations of a pod; with ".container.NAME" behind them they are of one of its containers alone.
const (
	classAnnotation     = "fief.io/class"
	schedulerAnnotation = "fief.io/scheduler"
	weightAnnotation    = "fief.io/weight"
	ofContainer         = ".container."
)

// Range of the key "weight" in fief-policy(5).
const (
	minWeight = 1
	maxWeight = 10000
)

// wish is what annotations ask for. What is empty, or 0, is not asked for.
type wish struct {
	class     string
	scheduler string
	weight    int
}

func (w wish) isEmpty() bool { return w == wish{} }

// limits are what pods may ask for: whoever may create pods may annotate them.
type limits struct {
	classes    names
	schedulers names
	maxWeight  int // 0: none
}

// wishOf reads what a pod's annotations ask for one of its containers. A container's own go before the pod's; an
// empty one asks for nothing.
func wishOf(annotations map[string]string, container string) (wish, error) {
	value := func(key string) string {
		if own, is := annotations[key+ofContainer+container]; is {
			return own
		}
		return annotations[key]
	}
	made := wish{class: value(classAnnotation), scheduler: value(schedulerAnnotation)}
	if text := value(weightAnnotation); text != "" {
		weight, err := strconv.Atoi(text)
		if err != nil || weight < minWeight || weight > maxWeight {
			return wish{}, fmt.Errorf("weight %q is not a whole number from %d to %d", text, minWeight, maxWeight)
		}
		made.weight = weight
	}
	return made, nil
}

// check says why pods may not have what is asked for, in the words of "fiefctl pods".
func (l limits) check(w wish) error {
	if w.class != "" && !l.classes.has(w.class) {
		return fmt.Errorf("class %q is not one of --class", w.class)
	}
	if w.scheduler != "" && !l.schedulers.has(w.scheduler) {
		return fmt.Errorf("scheduler %q is not one of --scheduler", w.scheduler)
	}
	if w.weight > l.maxWeight {
		return fmt.Errorf("weight %d is above --max-weight", w.weight)
	}
	return nil
}

// properties are the keys of fief-policy(5) that SetProperties takes.
func (w wish) properties() map[string]any {
	keys := map[string]any{}
	if w.class != "" {
		keys["class"] = w.class
	}
	if w.weight != 0 {
		keys["weight"] = w.weight
	}
	return keys
}

// names is an option that may be given several times.
type names []string

func (n *names) String() string { return fmt.Sprint(*n) }

func (n *names) Set(name string) error {
	*n = append(*n, name)
	return nil
}

func (n names) has(name string) bool {
	for _, known := range n {
		if known == name {
			return true
		}
	}
	return false
}
