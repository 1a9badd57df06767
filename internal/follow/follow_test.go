package follow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/segment"
)

const home = "/h"

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reader keeps what is shown and told.
type reader struct {
	*follower
	lines []string
	told  []string
}

func newReader(fsys durable.FS, home string, last int64, q search.Query) *reader {
	r := &reader{}
	r.follower = newFollower(Options{Home: home, Last: last, Query: q,
		Snapshot: segment.SnapshotOptions{FS: fsys, OpenArchived: archive.Opener(fsys)},
		Show: func(h search.Hit) error {
			r.lines = append(r.lines, string(h.Line))
			return nil
		},
		Problem: func(text string) { r.told = append(r.told, text) },
	})
	return r
}

// desk is a log in memory, whose writers and readers take turns.
type desk struct {
	t    rapid.TB
	disk *durable.Mem
	log  *segment.Log
	n    int
	rest []byte // of a line that was begun
}

func newDesk(t rapid.TB) *desk {
	d := &desk{t: t, disk: durable.NewMem()}
	now := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	d.disk.SetClock(func() time.Time {
		now = now.Add(time.Second)
		return now
	})
	var err error
	d.log, err = segment.Open(home, d.options())
	must(t, err)
	return d
}

func (d *desk) options() segment.Options {
	return segment.Options{FS: d.disk, Period: segment.PeriodNone, LockTimeout: time.Second, OpenArchived: archive.Opener(d.disk)}
}

func (d *desk) event() segment.Event {
	d.n++
	return segment.Event{Kind: "k" + strconv.Itoa(d.n%3), Payload: fmt.Appendf(nil, `{"n":%d,"pad":%q}`, d.n, strings.Repeat("x", d.n%50))}
}

func (d *desk) append(n int) {
	d.rest = nil
	for range n {
		_, err := d.log.Append(context.Background(), d.event())
		must(d.t, err)
	}
}

func (d *desk) rotate() {
	d.rest = nil
	if _, err := d.log.Rotate(context.Background()); !errors.Is(err, segment.ErrRefused) { // as an empty segment is
		must(d.t, err)
	}
}

func (d *desk) archive() {
	d.rest = nil
	results, err := archive.Run(context.Background(), home, d.options(), archive.Options{})
	must(d.t, err)
	for _, r := range results {
		must(d.t, r.Err)
	}
}

func (d *desk) path(name string) string { return filepath.Join(home, filepath.FromSlash(name)) }

func (d *desk) read(name string) []byte {
	f, err := d.disk.OpenFile(d.path(name), os.O_RDONLY, 0)
	must(d.t, err)
	info, err := f.Stat()
	must(d.t, err)
	text := make([]byte, info.Size)
	_, err = f.ReadAt(text, 0)
	must(d.t, err)
	must(d.t, f.Close())
	return text
}

// write adds to a file, or makes it.
func (d *desk) write(name string, text []byte) {
	f, err := d.disk.OpenFile(d.path(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	must(d.t, err)
	_, err = f.Write(text)
	must(d.t, err)
	must(d.t, f.Close())
}

// begun writes a part of a record's line, as a writer does that is slow, or is killed.
func (d *desk) begun(part int) {
	if d.rest == nil {
		text := d.read(segment.LiveName)
		if !bytes.HasSuffix(text, []byte("\n")) {
			return // something else was begun there
		}
		lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		head, err := chain.HeadOf(lines[len(lines)-1])
		must(d.t, err)
		d.n++
		r, err := chain.Seal(head, "2026-10-05T12:00:00.000Z", "slow", "a", fmt.Appendf(nil, `{"n":%d}`, d.n))
		must(d.t, err)
		d.rest = chain.AppendLine(nil, &r)
	}
	part = min(part, len(d.rest))
	d.write(segment.LiveName, d.rest[:part])
	if d.rest = d.rest[part:]; len(d.rest) == 0 {
		d.rest = nil
	}
}

func (d *desk) nextSegment() string {
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{FS: d.disk, OpenArchived: archive.Opener(d.disk)})
	must(d.t, err)
	name := segment.Name{Number: snap.Next}
	must(d.t, snap.Close())
	return segment.ArchiveDir + "/" + name.File(segment.FormPlain)
}

// moved rotates as existing writers do: the first lines go into a segment, the others into a new live
// log; between the two, the first lines are in both. A line that was begun is theirs to settle.
func (d *desk) moved(keep int, between func()) {
	lines := bytes.SplitAfter(d.read(segment.LiveName), []byte("\n"))
	lines, rest := lines[:len(lines)-1], lines[len(lines)-1]
	if len(rest) > 0 || len(lines) < 2 {
		return
	}
	keep = min(keep, len(lines)-1)
	if err := d.disk.Mkdir(d.path(segment.ArchiveDir), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		d.t.Fatal(err)
	}
	d.write(d.nextSegment(), bytes.Join(lines[:len(lines)-keep], nil))
	between()
	d.write(".audit.log.tmp", bytes.Join(lines[len(lines)-keep:], nil))
	must(d.t, d.disk.Rename(d.path(".audit.log.tmp"), d.path(segment.LiveName)))
}

// all is what the log holds, in reading order.
func (d *desk) all() []string {
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{FS: d.disk, OpenArchived: archive.Opener(d.disk)})
	must(d.t, err)
	var all []string
	_, err = search.Run(context.Background(), snap, search.Options{
		Append:  func(dst []byte, h search.Hit) []byte { return append(append(dst, h.Line...), '\n') },
		Write:   func(text []byte) error { all = append(all, strings.SplitAfter(string(text), "\n")...); return nil },
		Problem: func(text string) { d.t.Fatal(text) },
	})
	must(d.t, err)
	must(d.t, snap.Close())
	all = slices.DeleteFunc(all, func(line string) bool { return line == "" })
	for i := range all {
		all[i] = strings.TrimSuffix(all[i], "\n")
	}
	return all
}

// Whatever writers do between two looks, each record is shown once, in reading order.
func TestEachRecordOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDesk(t)
		var r *reader
		before := 0
		if rapid.Bool().Draw(t, "there already") {
			d.append(rapid.IntRange(1, 30).Draw(t, "at first"))
			before = len(d.all())
		}
		last := rapid.Int64Range(0, 20).Draw(t, "last")
		r = newReader(d.disk, home, last, search.Query{})
		must(t, r.start(t.Context()))
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) { d.append(rapid.IntRange(1, 5).Draw(t, "n")) },
			"rotate": func(t *rapid.T) {
				if d.n > 0 {
					d.rotate()
				}
			},
			"archive": func(t *rapid.T) {
				if d.n > 0 {
					d.archive()
				}
			},
			"begun": func(t *rapid.T) {
				if d.n > 0 {
					d.begun(rapid.IntRange(1, 400).Draw(t, "part"))
				}
			},
			"moved": func(t *rapid.T) {
				if d.n > 0 {
					d.moved(rapid.IntRange(0, 5).Draw(t, "keep"), func() {
						if rapid.Bool().Draw(t, "look between") {
							must(t, r.look(t.Context()))
						}
					})
				}
			},
			"away": func(t *rapid.T) {
				if d.n == 0 {
					return
				}
				must(t, d.disk.Rename(d.path(segment.LiveName), d.path("elsewhere")))
				must(t, r.look(t.Context()))
				must(t, d.disk.Rename(d.path("elsewhere"), d.path(segment.LiveName)))
				must(t, r.look(t.Context()))
			},
			"look": func(t *rapid.T) { must(t, r.look(t.Context())) },
		})
		d.append(1)
		must(t, r.look(t.Context()))
		want := d.all()
		want = want[max(0, before-int(last)):]
		if !slices.Equal(r.lines, want) || len(r.told) > 0 {
			i := 0
			for i < min(len(r.lines), len(want)) && r.lines[i] == want[i] {
				i++
			}
			t.Fatalf("%d shown of %d, of which %d as they should be; told %q", len(r.lines), len(want), i, r.told)
		}
	})
}

// A reader that begins while records are both in a segment and in the live log sees them once.
func TestBeginAmongCopies(t *testing.T) {
	for last := range int64(12) {
		d := newDesk(t)
		d.append(8)
		var r *reader
		d.moved(3, func() {
			r = newReader(d.disk, home, last, search.Query{})
			must(t, r.start(t.Context()))
		})
		must(t, r.look(t.Context()))
		d.append(2)
		must(t, r.look(t.Context()))
		want := d.all()
		want = want[max(0, 8-int(last)):]
		if !slices.Equal(r.lines, want) || len(r.told) > 0 {
			t.Errorf("-n %d: %d shown, want %d; told %q", last, len(r.lines), len(want), r.told)
		}
	}
}

// What happened to the log is told: records that are gone, another log, what cannot be read.
func TestTold(t *testing.T) {
	for _, c := range []struct {
		name, want string
		happens    func(*desk)
		shown      int // of the lines after it
	}{
		{"cut", "does not have the last 3 of the records passed", func(d *desk) {
			lines := bytes.SplitAfter(d.read(segment.LiveName), []byte("\n"))
			d.replace(bytes.Join(lines[:5], nil))
		}, 0},
		{"cut and gone on", "does not have the last 3 of the records passed", func(d *desk) {
			lines := bytes.SplitAfter(d.read(segment.LiveName), []byte("\n"))
			d.replace(append(bytes.Join(lines[:5], nil), d.another(2)...))
		}, 2},
		{"another log", "does not have the records shown last", func(d *desk) { d.replace(d.another(6)) }, 4},
		{"another log of the same lengths", "does not have the records shown last", func(d *desk) {
			d.replace([]byte(strings.NewReplacer("1", "2", "2", "1").Replace(string(d.read(segment.LiveName)))))
		}, 4},
		{"emptied", "does not have the records shown last", func(d *desk) { d.replace(nil) }, 0},
		{"no record", "not a record, and not shown", func(d *desk) { d.write(segment.LiveName, []byte("garbage\n")) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.append(8)
			r := newReader(d.disk, home, 4, search.Query{})
			must(t, r.start(t.Context()))
			c.happens(d)
			for range 3 {
				must(t, r.look(t.Context()))
			}
			if len(r.lines) != 4+c.shown || len(r.told) != 1 || !strings.Contains(r.told[0], c.want) {
				t.Errorf("%d shown, told %q", len(r.lines), r.told)
			}
		})
	}
}

// replace puts another live log in the place of the one there is.
func (d *desk) replace(text []byte) {
	d.write("another", text)
	must(d.t, d.disk.Rename(d.path("another"), d.path(segment.LiveName)))
}

// another is the text of a log of n records.
func (d *desk) another(n int) (text []byte) {
	head := chain.Genesis
	for i := range n {
		r, err := chain.Seal(head, "2026-10-05T12:00:00.000Z", "another", "a", fmt.Appendf(nil, `{"n":%d}`, i))
		must(d.t, err)
		head, text = r.Hash, chain.AppendLine(text, &r)
	}
	return text
}

// A log that is not there yet is waited for; one that goes away is told of, once.
func TestAbsence(t *testing.T) {
	d := newDesk(t)
	r := newReader(d.disk, home, 10, search.Query{})
	must(t, r.start(t.Context()))
	for range 2 * patience {
		must(t, r.look(t.Context()))
	}
	d.append(3)
	must(t, r.look(t.Context()))
	if len(r.lines) != 3 || len(r.told) > 0 {
		t.Fatalf("%d shown, told %q", len(r.lines), r.told)
	}
	must(t, d.disk.Rename(d.path(segment.LiveName), d.path("elsewhere")))
	for range 3 * patience {
		must(t, r.look(t.Context()))
	}
	must(t, d.disk.Rename(d.path("elsewhere"), d.path(segment.LiveName)))
	d.append(1)
	must(t, r.look(t.Context()))
	if len(r.lines) != 4 || len(r.told) != 1 || !strings.Contains(r.told[0], "is not there") {
		t.Errorf("%d shown, told %q", len(r.lines), r.told)
	}
}

var number = regexp.MustCompile(`"payload":\{"n":(\d+),`)

// A reader beside a writer that rotates all the time and an archive that runs all the time sees each
// record once, in order.
func TestF29FollowBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	where := filepath.Join(dir, "home")
	so := segment.Options{State: filepath.Join(dir, "state"), MaxBytes: 4 * segment.MinMaxBytes, OpenArchived: archive.Opener(durable.OS())}
	log, err := segment.Open(where, so)
	must(t, err)
	const total = 250
	writing, wrote := make(chan error, 1), atomic.Bool{}
	go func() {
		var err error
		for i := 0; i < total && err == nil; i++ {
			_, err = log.Append(context.Background(), segment.Event{Kind: "w", Payload: fmt.Appendf(nil, `{"n":%d,"fill":%q}`, i, strings.Repeat("ü", i%90))})
		}
		wrote.Store(true)
		writing <- err
	}()
	archiving, archived := make(chan error, 1), atomic.Int64{}
	go func() {
		var err error
		for !wrote.Load() && err == nil {
			var results []archive.Result
			results, err = archive.Run(context.Background(), where, so, archive.Options{})
			archived.Add(int64(len(results)))
			time.Sleep(time.Millisecond)
		}
		archiving <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	next := 0
	err = Follow(ctx, Options{Home: where, Last: total, Every: 3 * time.Millisecond,
		Snapshot: segment.SnapshotOptions{OpenArchived: archive.Opener(durable.OS())},
		Query:    search.Query{Kinds: []string{"w"}},
		Show: func(h search.Hit) error {
			if n := number.FindSubmatch(h.Line); n == nil || string(n[1]) != strconv.Itoa(next) {
				return fmt.Errorf("record %d is %s", next, h.Line)
			}
			if next++; next == total {
				cancel()
			}
			return nil
		},
		Problem: func(text string) { t.Error(text) },
	})
	if next < total {
		t.Errorf("%d of %d records, %v", next, total, err)
	}
	must(t, <-writing)
	must(t, <-archiving)
	must(t, log.Close())
	if archived.Load() == 0 {
		t.Error("nothing was archived meanwhile")
	}
}
