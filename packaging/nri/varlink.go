// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
)

const interfaceName = "io.fief.Manager"

// refusal is an error that fiefd answers with: a name of io.fief.Manager(7), without the interface, and its reason.
type refusal struct {
	name    string
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s (%s)", r.message, r.name) }

// isRefusal says whether err is an answer of one of these names.
func isRefusal(err error, names ...string) bool {
	var answer *refusal
	if !errors.As(err, &answer) {
		return false
	}
	for _, name := range names {
		if answer.name == name {
			return true
		}
	}
	return false
}

// manager is where fiefd listens: the path of a socket.
type manager string

// call asks for one method and waits for its answer, as long as ctx lasts. A connection for each, so that one that
// takes its time is in nobody's way. Every change lasts until fiefd restarts.
func (m manager) call(ctx context.Context, method string, parameters map[string]any) error {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "unix", string(m))
	if err != nil {
		return fmt.Errorf("fiefd does not answer: %w", err)
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	request, err := json.Marshal(map[string]any{"method": interfaceName + "." + method, "parameters": parameters})
	if err != nil {
		return err
	}
	if _, err = connection.Write(append(request, 0)); err != nil {
		return fmt.Errorf("fiefd does not listen: %w", err)
	}
	answer, err := bufio.NewReader(connection).ReadBytes(0)
	if err != nil {
		return fmt.Errorf("fiefd does not answer: %w", err)
	}
	return read(answer[:len(answer)-1])
}

func read(answer []byte) error {
	var reply struct {
		Error      string `json:"error"`
		Parameters struct {
			Message string `json:"message"`
		} `json:"parameters"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return fmt.Errorf("fiefd answers what is no Varlink: %w", err)
	}
	if reply.Error == "" {
		return nil
	}
	return &refusal{strings.TrimPrefix(reply.Error, interfaceName+"."), reply.Parameters.Message}
}
