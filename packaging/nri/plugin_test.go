// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/nri/pkg/api"
)

const (
	cgroup = "/a.slice/x-1.scope"
	soon   = 10 * time.Second
)

// book stands for fiefd: it writes down what is asked for, and answers what it was told to, in order.
type book struct {
	mutex   sync.Mutex
	calls   []string
	answers map[string][]error
	held    chan struct{} // not nil: attaching takes until it is closed
}

func (b *book) call(ctx context.Context, method string, parameters map[string]any) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.calls = append(b.calls, fmt.Sprint(method, " ", parameters))
	if method == "Attach" && b.held != nil {
		select {
		case <-b.held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if len(b.answers[method]) == 0 {
		return nil
	}
	err := b.answers[method][0]
	b.answers[method] = b.answers[method][1:]
	return err
}

func (b *book) expect(t *testing.T, calls ...string) {
	t.Helper()
	deadline := time.Now().Add(soon)
	for {
		b.mutex.Lock()
		same := reflect.DeepEqual(b.calls, calls) || len(b.calls)+len(calls) == 0
		made := fmt.Sprintf("%q", b.calls)
		b.mutex.Unlock()
		if same {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("asked %s, not %q", made, calls)
		}
		time.Sleep(time.Millisecond)
	}
}

func caught(t *testing.T) *bytes.Buffer {
	var text bytes.Buffer
	log.SetOutput(&text)
	log.SetFlags(0)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	return &text
}

func newPlugin(fiefd *book) *plugin {
	return &plugin{fiefd: fiefd, limits: limits{classes: names{"serving"}, schedulers: names{"batch"}, maxWeight: 500},
		patience: soon, asked: map[string]*asking{}}
}

func newPod(annotations map[string]string) *api.PodSandbox {
	return &api.PodSandbox{Id: "p", Namespace: "shop", Name: "web", Annotations: annotations}
}

func newContainer() *api.Container {
	return &api.Container{Id: "1", PodSandboxId: "p", Name: "nginx", State: api.ContainerState_CONTAINER_RUNNING,
		Linux: &api.LinuxContainer{CgroupsPath: "a.slice:x:1"}}
}

func start(t *testing.T, made *plugin, annotations map[string]string) {
	t.Helper()
	if err := made.StartContainer(context.Background(), newPod(annotations), newContainer()); err != nil {
		t.Fatal(err)
	}
}

const (
	attached = "Attach map[delegation:" + cgroup + " flags:1]"
	reverted = "Revert map[delegation:" + cgroup + "]"
)

func TestAContainerHasItsClassUntilItEnds(t *testing.T) {
	fiefd := &book{}
	made := newPlugin(fiefd)
	start(t, made, map[string]string{"fief.io/class": "serving", "fief.io/weight": "300"})
	calls := []string{attached, "SetProperties map[delegation:" + cgroup + " flags:1 properties:map[class:serving weight:300]]"}
	fiefd.expect(t, calls...)
	for i := 0; i < 2; i++ {
		if _, err := made.StopContainer(context.Background(), nil, newContainer()); err != nil {
			t.Fatal(err)
		}
	}
	calls = append(calls, reverted)
	fiefd.expect(t, calls...)
	if err := made.RemoveContainer(context.Background(), nil, newContainer()); err != nil {
		t.Fatal(err)
	}
	fiefd.expect(t, calls...)
	if len(made.asked) != 0 {
		t.Error("something is kept of it")
	}
}

func TestASchedulerNeedsNoMore(t *testing.T) {
	fiefd := &book{}
	start(t, newPlugin(fiefd), map[string]string{"fief.io/scheduler.container.nginx": "batch"})
	fiefd.expect(t, "Attach map[delegation:"+cgroup+" flags:1 scheduler:batch]")
}

func TestOthersAreLeftAlone(t *testing.T) {
	said, fiefd := caught(t), &book{}
	made := newPlugin(fiefd)
	start(t, made, nil)
	start(t, made, map[string]string{"fief.io/class.container.other": "serving"})
	if said.Len() != 0 {
		t.Error(said)
	}
	start(t, made, map[string]string{"fief.io/class": "root's"})
	fiefd.expect(t)
	if said.String() != "shop/web/nginx is as others are: class \"root's\" is not one of --class\n" {
		t.Error(said)
	}
}

func TestANewCgroupIsWaitedFor(t *testing.T) {
	unknown := &refusal{"NoSuchScheduler", "there is no cgroup"}
	fiefd := &book{answers: map[string][]error{"Attach": {unknown, unknown}}}
	start(t, newPlugin(fiefd), map[string]string{"fief.io/scheduler": "batch"})
	again := "Attach map[delegation:" + cgroup + " flags:1 scheduler:batch]"
	fiefd.expect(t, again, again, again)
}

func TestARefusalIsToldOnceAndLeavesNothing(t *testing.T) {
	said := caught(t)
	fiefd := &book{answers: map[string][]error{"SetProperties": {&refusal{"InvalidPolicy", "there is no class"}}}}
	start(t, newPlugin(fiefd), map[string]string{"fief.io/class": "serving"})
	fiefd.expect(t, attached, "SetProperties map[delegation:"+cgroup+" flags:1 properties:map[class:serving]]", reverted)
	if said.String() != "shop/web/nginx is as others are: there is no class (InvalidPolicy)\n" {
		t.Error(said)
	}
}

func TestWithoutFiefdContainersStart(t *testing.T) {
	said := caught(t)
	made := newPlugin(nil)
	made.fiefd = manager(filepath.Join(t.TempDir(), "none"))
	start(t, made, map[string]string{"fief.io/class": "serving"})
	if text := said.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "fiefd does not answer") {
		t.Error(text)
	}
}

func TestPatienceEnds(t *testing.T) {
	said, fiefd := caught(t), &book{held: make(chan struct{})}
	made := newPlugin(fiefd)
	made.patience = time.Millisecond
	start(t, made, map[string]string{"fief.io/scheduler": "batch"})
	if !strings.Contains(said.String(), "shop/web/nginx: starts while fiefd is still at it") {
		t.Error(said)
	}
	made.forget("1")
	fiefd.expect(t, "Attach map[delegation:"+cgroup+" flags:1 scheduler:batch]", reverted)
}

func TestWhatRunsAlreadyIsAskedFor(t *testing.T) {
	fiefd := &book{}
	ended := newContainer()
	ended.State = api.ContainerState_CONTAINER_STOPPED
	_, err := newPlugin(fiefd).Synchronize(context.Background(),
		[]*api.PodSandbox{newPod(map[string]string{"fief.io/scheduler": "batch"})}, []*api.Container{ended, newContainer()})
	if err != nil {
		t.Fatal(err)
	}
	fiefd.expect(t, "Attach map[delegation:"+cgroup+" flags:1 scheduler:batch]")
}

// answerOnce listens, reads one call and answers it.
func answerOnce(t *testing.T, answer string) (manager, chan string) {
	socket := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		defer listener.Close()
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		request, _ := bufio.NewReader(connection).ReadString(0)
		got <- request
		connection.Write([]byte(answer))
	}()
	return manager(socket), got
}

func TestVarlink(t *testing.T) {
	fiefd, got := answerOnce(t, "{\"parameters\":{}}\x00")
	if err := fiefd.call(context.Background(), "Revert", map[string]any{"delegation": cgroup}); err != nil {
		t.Error(err)
	}
	if request := <-got; request != "{\"method\":\"io.fief.Manager.Revert\",\"parameters\":{\"delegation\":\""+cgroup+"\"}}\x00" {
		t.Error(request)
	}
}

func TestVarlinkErrors(t *testing.T) {
	fiefd, _ := answerOnce(t, "{\"error\":\"io.fief.Manager.Infeasible\",\"parameters\":{\"message\":\"too much\"}}\x00")
	err := fiefd.call(context.Background(), "Attach", nil)
	if !isRefusal(err, "Failed", "Infeasible") || err.Error() != "too much (Infeasible)" {
		t.Error(err)
	}
	for _, broken := range []string{"", "{}", "no\x00"} {
		fiefd, _ = answerOnce(t, broken)
		if err = fiefd.call(context.Background(), "Attach", nil); err == nil || isRefusal(err, "Infeasible") {
			t.Errorf("%q: %v", broken, err)
		}
	}
	fiefd, _ = answerOnce(t, "")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err = fiefd.call(ctx, "Attach", nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
