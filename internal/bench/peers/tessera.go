package main

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

// tiles is a Merkle tree in tiles, which gathers entries for a while before it writes them. An entry is
// there once its number is: it is integrated on disk. Checkpoints are signed in the background.
type tiles struct {
	log    *tessera.Appender
	stop   func(context.Context) error
	cancel func()
}

// With its own 250 ms of gathering, 64 callers would measure nothing but the wait.
const (
	gatherEntries = 256
	gatherFor     = 10 * time.Millisecond
)

func openTessera(dir string) (store, error) {
	private, _, err := note.GenerateKey(nil, "bench")
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		cancel()
		return nil, err
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(gatherEntries, gatherFor).WithCheckpointInterval(time.Second)
	log, stop, _, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		cancel()
		return nil, err
	}
	return &tiles{log, stop, cancel}, nil
}

func (t *tiles) Append(record []byte) error {
	_, err := t.log.Add(context.Background(), tessera.NewEntry(bytes.Clone(record)))()
	return err
}

// Close waits for the checkpoint that covers what was appended, as long as that takes no more than a few
// seconds: the entries are there without it.
func (t *tiles) Close() error {
	defer t.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := t.stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
