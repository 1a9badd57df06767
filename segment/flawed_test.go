package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/crash"
	"github.com/opscontext/opscontext/internal/durable"
)

// flawed is a file system that makes a program with a bug of this one: what it leaves out or does
// otherwise is what a mistake in this package would.
type flawed struct {
	durable.FS
	bug     string
	late    durable.File // whose sync was answered and not done yet
	arrives func()       // what another process does just before a segment gets its name
}

func (f *flawed) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	if f.bug != "mark before sync" || !strings.HasSuffix(name, markSuffix) {
		f.catchUp()
	}
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &flawedFile{File: file, on: f}, nil
}

// catchUp does the sync that was answered before.
func (f *flawed) catchUp() {
	if f.late != nil {
		_ = f.late.Sync() // nobody waits for it any more
		f.late = nil
	}
}

func (f *flawed) SyncDir(name string) error {
	if f.bug == "no directory fsync" {
		return nil
	}
	return f.FS.SyncDir(name)
}

func (f *flawed) Place(name string, data []byte, perm fs.FileMode) error {
	return errors.Join(f.steal(name), f.FS.Place(name, data, perm))
}

func (f *flawed) Link(was, name string) error {
	if filepath.Base(filepath.Dir(name)) == ArchiveDir {
		if f.arrives != nil {
			f.arrives()
		}
		if f.bug == "rename over an existing segment" {
			return errors.Join(f.makeRoom(name), f.FS.Link(was, name))
		}
	}
	return errors.Join(f.steal(name), f.FS.Link(was, name))
}

// steal takes the lock of another writer away, if that is the bug.
func (f *flawed) steal(name string) error {
	if f.bug != "lock stealing" || filepath.Base(name) != LockName {
		return nil
	}
	return f.makeRoom(name)
}

func (f *flawed) makeRoom(name string) error {
	if err := f.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

type flawedFile struct {
	durable.File
	on *flawed
}

func (f *flawedFile) Sync() error {
	if filepath.Base(f.Name()) != LiveName {
		return f.File.Sync()
	}
	switch f.on.bug {
	case "no fsync":
		return nil
	case "ack before sync", "mark before sync":
		f.on.late = f.File
		return nil
	}
	return f.File.Sync()
}

func (f *flawedFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	if err == nil && f.on.bug == "mark before sync" && strings.HasSuffix(f.Name(), markSuffix) {
		err = f.File.Sync()
	}
	return n, err
}

func (f *flawedFile) Close() error {
	if f.on.late == f.File {
		f.on.catchUp()
	}
	return f.File.Close()
}

// crashed is what TestF12Crash does with a scenario, on a file system with the bug up to the crash and on
// a sound one after it. claims says whether what was acknowledged must be there.
func crashed(name string, claims bool) func(*testing.T, string) error {
	return func(t *testing.T, bug string) error {
		for _, sc := range scenarios {
			if sc.name != name {
				continue
			}
			buggy := sc
			buggy.options = func(o *Options) {
				if sc.options != nil {
					sc.options(o)
				}
				o.FS = &flawed{FS: o.FS, bug: bug}
			}
			var found []error
			eachCrash(t, buggy, &crash.Counter{}, func(disk *durable.Mem, acked []chain.Record, at string) {
				if !claims {
					acked = nil
				}
				if err := recovered(t, sc, disk, acked, 1); err != nil {
					found = append(found, fmt.Errorf("%s: %w", at, err))
				}
			})
			return errors.Join(found...)
		}
		return fmt.Errorf("there is no scenario %q", name)
	}
}

// besideALock appends while another writer that lives holds audit.lock.
func besideALock(t *testing.T, bug string) error {
	m := durable.NewMem()
	prepared(1)(t, m)
	addTo(t, m, testHome+"/"+LockName, "4711\n"+time.Now().Format(time.RFC3339)+"\n")
	o := memOptions(m)
	o.FS, o.LockTimeout = &flawed{FS: m, bug: bug}, 20*time.Millisecond
	if _, err := openLog(t, o).Append(t.Context(), event(2)); !errors.Is(err, ErrBusy) {
		return errors.Join(errors.New("an append beside the holder of a lock is not refused"), err)
	}
	return nil
}

// besideASegment rotates while another process gives a segment the same name.
func besideASegment(t *testing.T, bug string) error {
	m := durable.NewMem()
	prepared(3)(t, m)
	const others = "a segment that another process sealed\n"
	name := filepath.Join(testHome, ArchiveDir, "audit-0001.jsonl")
	f := &flawed{FS: m, bug: bug}
	f.arrives = func() {
		f.arrives = nil
		addTo(t, m, name, others)
	}
	o := memOptions(m)
	o.FS = f
	_, err := openLog(t, o).Rotate(t.Context())
	if data, readErr := readAll(m, name); readErr != nil || string(data) != others {
		return errors.Join(errors.New("the segment of another was overwritten"), readErr, err)
	}
	return nil
}

// A check that a bug does not turn red checks nothing: each of these bugs is found by the check that is
// there for it, and the same check finds nothing in the program as it is.
func TestSeededBugsTurnTheirChecksRed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bug   string
		check string
		run   func(t *testing.T, bug string) error
		says  string
	}{
		{"no fsync", "TestF12Crash/first_appends", crashed("first appends", true), "is lost"},
		{"no directory fsync", "TestF12Crash/first_appends", crashed("first appends", true), "is lost"},
		{"no directory fsync", "TestF12Crash/rotation_by_hand", crashed("rotation by hand", true), ""},
		{"ack before sync", "TestF12Crash/first_appends", crashed("first appends", true), "is lost"},
		{"mark before sync", "TestF12Crash/rotation_by_hand", crashed("rotation by hand", false), "audit.break, want 0"},
		{"lock stealing", "TestF17FoundLocks", besideALock, "not refused"},
		{"rename over an existing segment", "TestF14RotationBesideASegment", besideASegment, "overwritten"},
	} {
		t.Run(c.bug+" turns "+c.check, func(t *testing.T) {
			t.Parallel()
			if err := c.run(t, ""); err != nil {
				t.Errorf("without the bug: %v", err)
			}
			err := c.run(t, c.bug)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("with the bug the check says %v, want %q", err, c.says)
			}
			first, _, _ := strings.Cut(fmt.Sprint(err), "\n")
			t.Logf("%s: red: %s", c.bug, first)
		})
	}
}

// A segment that another process gave the name meanwhile is not replaced.
func TestF14RotationBesideASegment(t *testing.T) {
	if err := besideASegment(t, ""); err != nil {
		t.Error(err)
	}
}
