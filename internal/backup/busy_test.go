package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// While others append, rotate and archive, every backup is intact, and its head is a record that was
// acknowledged or was being written: one of the log, not before the one of the backup before.
func TestBackupBesideWriters(t *testing.T) {
	root := t.TempDir()
	home := filepath.Join(root, "home")
	o := segment.Options{MaxBytes: 4096, LockTimeout: 20 * time.Second, OpenArchived: archive.Opener(durable.OS())}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	var mu sync.Mutex
	at := map[string]int{} // position of each record's hash, in the order of one writer
	log, err := segment.Open(home, o)
	check(t, err)
	add := func(n int) error {
		r, err := log.Append(context.Background(), segment.Event{Kind: "test.event", Payload: fmt.Appendf(nil, `{"n":%d}`, n)})
		mu.Lock()
		defer mu.Unlock()
		at[r.Hash.String()] = n
		return err
	}
	for n := range 40 {
		check(t, add(n))
	}
	group.Go(func() {
		for n := 40; ctx.Err() == nil; n++ {
			if err := add(n); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	group.Go(func() {
		for ctx.Err() == nil {
			_, err := archive.Run(context.Background(), home, o, archive.Options{Workers: 1})
			if err != nil && !errors.Is(err, segment.ErrBusy) {
				t.Error(err)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	last, taken := -1, 0
	for until := time.Now().Add(1500 * time.Millisecond); time.Now().Before(until) || taken < 4; {
		dir := filepath.Join(root, "same")
		if taken%3 == 2 {
			dir = filepath.Join(root, fmt.Sprint("new", taken))
		}
		res, err := Run(t.Context(), home, dir, o, Options{Workers: 1})
		if errors.Is(err, segment.ErrBusy) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		taken++
		if res.Report.Exit != 0 || res.Unlocked != nil || len(res.Extra) != 0 {
			t.Fatalf("backup %d: %s, extra %v, unlocked %v: %+v", taken, res.Manifest.Verdict, res.Extra, res.Unlocked, res.Report.Findings)
		}
		mu.Lock()
		n, ok := at[res.Manifest.Head.Hash]
		mu.Unlock()
		if ok && n < last {
			t.Errorf("backup %d ends with record %d, an earlier one with %d", taken, n, last)
		}
		if ok {
			last = n
		}
		wantPrefix(t, home, dir, res)
	}
	stop()
	group.Wait()
	check(t, log.Close())
	t.Logf("%d backups, %d records", taken, len(at))
}

// wantPrefix fails unless the backup's live log is still the beginning of the live log or of a sealed
// segment of the home.
func wantPrefix(t *testing.T, home, dir string, res *Result) {
	t.Helper()
	r := &run{ctx: t.Context(), fs: durable.OS(), res: res, home: home, dir: dir, now: &moment{}, have: map[string]durable.Info{}}
	var err error
	r.now.log, err = openLog(r.fs, home)
	check(t, err)
	defer func() { check(t, r.now.close()) }()
	info, err := r.fs.Stat(r.path(segment.LiveName))
	check(t, err)
	r.have[segment.LiveName] = info
	if err := r.holdsLive(segment.LiveName); err != nil {
		t.Error(err)
	}
}

// An interrupted backup says so, and is gone on with.
func TestInterruptedBackup(t *testing.T) {
	root := t.TempDir()
	home, dir := filepath.Join(root, "home"), filepath.Join(root, "backup")
	log, err := segment.Open(home, segment.Options{MaxBytes: segment.MinMaxBytes})
	check(t, err)
	for n := range 60 {
		_, err := log.Append(t.Context(), segment.Event{Kind: "test.event", Payload: fmt.Appendf(nil, `{"n":%d}`, n)})
		check(t, err)
	}
	check(t, log.Close())
	for stop := 1; ; stop++ {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		res, err := Run(ctx, home, dir, segment.Options{}, Options{Workers: 1, Progress: func(Stage, int64, int64) {
			if calls++; calls == 5*stop {
				cancel()
			}
		}})
		done := ctx.Err() == nil
		cancel()
		if err == nil {
			if len(res.Extra)+len(res.Rewritten) > 0 || stop < 3 {
				t.Errorf("after %d interruptions: %+v", stop-1, res)
			}
			return
		}
		if !errors.Is(err, context.Canceled) || done {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, ManifestName)); err == nil {
			t.Fatal("an interrupted backup has its manifest")
		}
	}
}
