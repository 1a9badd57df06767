package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// store is a way to append the same record over and over. append returns once it is on the medium, and
// is safe for concurrent use.
type store interface {
	append() error
	Close() error
}

// stores are ours and what it is held against here, by name. Peers have a program of their own.
var stores = map[string]func(dir string) (store, error){
	storeOurs:    openOurs,
	storeBare:    openBare,
	storeGrouped: openGrouped,
	storeLocked:  openLocked,
}

const (
	storeOurs    = "ours"
	storeBare    = "bare"
	storeGrouped = "grouped"
	storeLocked  = "locked"
)

// appended is the event whose record everybody appends.
var appended = segment.Event{Kind: "vscode.tool_call", Actor: "claude-code",
	Payload: fmt.Appendf(nil, `{"surface":"claude-code","tool":"Bash","args_preview":"%s","session":"13ad9eb9380abbe1"}`, strings.Repeat("x", 60))}

// appendedLine is a line as that event makes.
func appendedLine() []byte {
	line, _ := chain.AppendRecord(nil, chain.Genesis, chain.TimeLayout, appended.Kind, appended.Actor, appended.Payload)
	return line
}

// ours is the log, as any program uses it, with the lock of Node writers and the mark.
type ours struct{ log *segment.Log }

func openOurs(dir string) (store, error) {
	log, err := segment.Open(filepath.Join(dir, homeDir), segment.Options{State: filepath.Join(dir, stateDir)})
	if err != nil {
		return nil, err
	}
	return &ours{log}, nil
}

func (o *ours) append() error {
	_, err := o.log.Append(context.Background(), appended)
	return err
}

func (o *ours) Close() error { return o.log.Close() }

// bare is the least that a durable append can be: a write to the end of a file and a sync of it. Nothing
// is hashed, locked or remembered.
type bare struct {
	mu   sync.Mutex
	f    durable.File
	line []byte
}

func newBare(dir string) (*bare, error) {
	f, err := durable.OS().OpenFile(filepath.Join(dir, "bare"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &bare{f: f, line: appendedLine()}, nil
}

func openBare(dir string) (store, error) { return newBare(dir) }

func (b *bare) append() error { return b.write(b.line) }

func (b *bare) write(lines []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.f.Write(lines); err != nil {
		return err
	}
	return b.f.Sync()
}

func (b *bare) Close() error { return b.f.Close() }

// grouped is bare behind a queue: whoever comes while a sync is under way is written with all others who
// do, in one write, and synced at once.
type grouped struct {
	*bare
	mu      sync.Mutex
	waiting []chan error
	more    chan struct{} // has room for one: there is somebody in waiting
	over    sync.WaitGroup
}

func openGrouped(dir string) (store, error) {
	b, err := newBare(dir)
	if err != nil {
		return nil, err
	}
	g := &grouped{bare: b, more: make(chan struct{}, 1)}
	g.over.Go(g.serve)
	return g, nil
}

func (g *grouped) append() error {
	answer := make(chan error, 1)
	g.mu.Lock()
	g.waiting = append(g.waiting, answer)
	first := len(g.waiting) == 1
	g.mu.Unlock()
	if first {
		g.more <- struct{}{}
	}
	return <-answer
}

func (g *grouped) serve() {
	var lines []byte
	var batch []chan error
	for range g.more {
		g.mu.Lock()
		batch, g.waiting = g.waiting, batch[:0]
		g.mu.Unlock()
		lines = lines[:0]
		for range batch {
			lines = append(lines, g.line...)
		}
		err := g.write(lines)
		for _, answer := range batch {
			answer <- err
		}
	}
}

func (g *grouped) Close() error {
	close(g.more)
	g.over.Wait()
	return g.bare.Close()
}
