// SPDX-License-Identifier: GPL-2.0-only

// fief-nri is a plugin of containerd and CRI-O: what the annotations of a pod ask for, its containers have from their
// first instruction on. It asks fiefd(8) over Varlink; no container fails for what fiefd does not do.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"sync"
	"time"

	"github.com/containerd/nri/pkg/api"
	"github.com/containerd/nri/pkg/stub"
)

const (
	// After what observes containers, before what might rely on where they run.
	defaultIndex = "50"
	// Below containerd's own plugin_request_timeout of 2 s, after which it drops a plugin.
	defaultPatience = 1500 * time.Millisecond
	// How long a wish is followed, in all: schedulers are verified one after the other.
	followTime = 2 * time.Minute
	// fiefd learns of new cgroups on its own.
	retryTime    = 50 * time.Millisecond
	untilRestart = 1
)

// asker is fiefd, or what stands for it.
type asker interface {
	call(ctx context.Context, method string, parameters map[string]any) error
}

type plugin struct {
	fiefd    asker
	limits   limits
	patience time.Duration

	mutex sync.Mutex
	asked map[string]*asking // by the container's id
}

// asking is of one container that has a wish.
type asking struct {
	cgroup string
	cancel context.CancelFunc
	done   chan struct{}
}

// Synchronize is told of the containers that ran before the plugin did; nobody waits for those.
func (p *plugin) Synchronize(_ context.Context, pods []*api.PodSandbox, containers []*api.Container) (
	[]*api.ContainerUpdate, error) {
	podOf := make(map[string]*api.PodSandbox, len(pods))
	for _, pod := range pods {
		podOf[pod.GetId()] = pod
	}
	for _, container := range containers {
		if container.GetState() == api.ContainerState_CONTAINER_RUNNING {
			p.ask(podOf[container.GetPodSandboxId()], container)
		}
	}
	return nil, nil
}

// StartContainer is called when the cgroup is there and nothing runs in it yet, but for the runtime's own process.
func (p *plugin) StartContainer(ctx context.Context, pod *api.PodSandbox, container *api.Container) error {
	made := p.ask(pod, container)
	if made == nil {
		return nil
	}
	select {
	case <-made.done:
	case <-ctx.Done():
	case <-time.After(p.patience):
		log.Printf("%s: starts while fiefd is still at it, after %s", nameOf(pod, container), p.patience)
	}
	return nil
}

// StopContainer is also told when a container ends by itself.
func (p *plugin) StopContainer(_ context.Context, _ *api.PodSandbox, container *api.Container) (
	[]*api.ContainerUpdate, error) {
	p.forget(container.GetId())
	return nil, nil
}

func (p *plugin) RemoveContainer(_ context.Context, _ *api.PodSandbox, container *api.Container) error {
	p.forget(container.GetId())
	return nil
}

// ask begins to ask fiefd for what a container is to have; nil: nothing.
func (p *plugin) ask(pod *api.PodSandbox, container *api.Container) *asking {
	name := nameOf(pod, container)
	wanted, err := wishOf(pod.GetAnnotations(), container.GetName())
	if err == nil && wanted.isEmpty() {
		return nil
	}
	if err == nil {
		err = p.limits.check(wanted)
	}
	cgroup := ""
	if err == nil {
		cgroup, err = cgroupOf(container.GetLinux().GetCgroupsPath())
	}
	if err != nil {
		log.Printf("%s is as others are: %v", name, err)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), followTime)
	made := &asking{cgroup, cancel, make(chan struct{})}
	p.mutex.Lock()
	p.asked[container.GetId()] = made
	p.mutex.Unlock()
	go func() {
		defer close(made.done)
		defer cancel()
		if err := grant(ctx, p.fiefd, cgroup, wanted); err != nil && ctx.Err() != context.Canceled {
			log.Printf("%s is as others are: %v", name, err)
		}
	}()
	return made
}

// grant has fiefd do all that is wished for, or nothing.
func grant(ctx context.Context, fiefd asker, cgroup string, wanted wish) error {
	if err := attach(ctx, fiefd, cgroup, wanted.scheduler); err != nil {
		return err
	}
	properties := wanted.properties()
	if len(properties) == 0 {
		return nil
	}
	err := fiefd.call(ctx, "SetProperties",
		map[string]any{"delegation": cgroup, "properties": properties, "flags": untilRestart})
	// What the kernel does not hold yet is accepted all the same.
	if err != nil && !isRefusal(err, "NotApplied", "KernelRefused") {
		revert(fiefd, cgroup)
	}
	return err
}

func attach(ctx context.Context, fiefd asker, cgroup, scheduler string) error {
	parameters := map[string]any{"delegation": cgroup, "flags": untilRestart}
	if scheduler != "" {
		parameters["scheduler"] = scheduler
	}
	for {
		err := fiefd.call(ctx, "Attach", parameters)
		if !isRefusal(err, "NoSuchScheduler") {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryTime):
		}
	}
}

// forget takes back what was asked for a container that has ended, so that fiefd keeps nothing of it.
func (p *plugin) forget(container string) {
	p.mutex.Lock()
	made := p.asked[container]
	delete(p.asked, container)
	p.mutex.Unlock()
	if made == nil {
		return
	}
	made.cancel()
	go func() {
		<-made.done
		revert(p.fiefd, made.cgroup)
	}()
}

// revert rather than detach, which would itself be a change to be kept. Where nothing was changed there is nothing to
// tell.
func revert(fiefd asker, cgroup string) {
	ctx, cancel := context.WithTimeout(context.Background(), followTime)
	defer cancel()
	_ = fiefd.call(ctx, "Revert", map[string]any{"delegation": cgroup})
}

func nameOf(pod *api.PodSandbox, container *api.Container) string {
	return pod.GetNamespace() + "/" + pod.GetName() + "/" + container.GetName()
}

func main() {
	log.SetFlags(0) // the journal has the time
	made := &plugin{asked: map[string]*asking{}}
	socket := flag.String("fiefd", "/run/fief/io.fief.Manager", "`socket` of fiefd")
	index := flag.String("index", defaultIndex, "two digits: which plugins come before")
	flag.Var(&made.limits.classes, "class", "a `class` that pods may ask for, may be repeated")
	flag.Var(&made.limits.schedulers, "scheduler", "a `scheduler` that pods may ask for, may be repeated")
	flag.IntVar(&made.limits.maxWeight, "max-weight", 0, "the largest `weight` that pods may ask for; 0: none")
	flag.DurationVar(&made.patience, "patience", defaultPatience,
		"how long a container's start waits for fiefd; below plugin_request_timeout of the runtime")
	flag.Parse()
	made.fiefd = manager(*socket)
	if err := serve(made, *index); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// serve returns when the runtime goes; whoever started the plugin starts it again.
func serve(made *plugin, index string) error {
	connection, err := stub.New(made, stub.WithPluginName("fief"), stub.WithPluginIdx(index))
	if err != nil {
		return err
	}
	return connection.Run(context.Background())
}
