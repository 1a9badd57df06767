package intake

import (
	"bytes"
	"errors"
	"iter"
	"os"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/internal/crash"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// lossSeeds is how many disks of each kind are drawn from each crash point, besides all and nothing.
const lossSeeds = 1

// scenario is an import that is stopped everywhere.
type scenario struct {
	name    string
	before  int // records of somebody else in the log
	events  int
	options Options
}

var scenarios = []scenario{
	{"new home", 0, 8, Options{Times: TimesOfSource, Piece: 400}},
	{"times of writing", 2, 6, Options{Piece: 300}},
	{"one piece behind later records", 3, 4, Options{Times: TimesOfSource, Order: BackDated, Piece: 4000}},
}

// TestCrash stops an import before each operation that changes the disk and within each write, draws
// several disks from each, and imports again, on some after somebody else has appended. Every record
// is then there once, in order, whatever was lost.
func TestCrash(t *testing.T) {
	t.Parallel()
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			count := crash.Count(t, "import")
			for at, disk := range crashes(t, sc, sc.prepared(t), count) {
				others := int(count.States())
				if err := sc.goOn(t, disk, others%2*(1+others%3), 0); err != nil {
					t.Fatalf("crash %s: %v", at, err)
				}
			}
			count.AtLeast(t, 100)
		})
	}
}

// TestCrashInResume stops the run that goes on, too, after somebody else has appended, and then has a
// third one go on.
func TestCrashInResume(t *testing.T) {
	t.Parallel()
	for _, sc := range scenarios[:2] {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			first, count := 0, crash.Count(t, "an import that goes on")
			for at, disk := range crashes(t, sc, sc.prepared(t), &crash.Counter{}) {
				if first++; first%401 != 0 { // a sample: each has a hundred more behind it
					continue
				}
				others := first % 2
				if others > 0 {
					appendOther(t, disk, others)
				}
				for again, disk := range crashes(t, sc, disk, count) {
					if err := sc.goOn(t, disk, int(count.States()%2), others); err != nil {
						t.Fatalf("crash %s, and then %s: %v", at, again, err)
					}
				}
			}
			count.AtLeast(t, 100)
		})
	}
}

func (sc scenario) prepared(t *testing.T) *durable.Mem {
	m := newDisk()
	if sc.before > 0 {
		appendOther(t, m, sc.before)
	}
	m.SyncAll()
	return m
}

// crashes yields disks as a crash of the import leaves them.
func crashes(t *testing.T, sc scenario, base *durable.Mem, count *crash.Counter) iter.Seq2[crash.State, *durable.Mem] {
	return count.Each(base, lossSeeds, func(m *durable.Mem) {
		o := sc.options
		o.Order = BackDated // of what is lost, nothing says that it was begun before others appended
		if _, err := importInto(m, source(sc.events), o); err != nil && !m.Crashed() && !sc.finished(m) {
			t.Fatalf("the import fails without a crash: %v", err)
		}
	})
}

// goOn appends records of somebody else and imports again.
func (sc scenario) goOn(t *testing.T, disk *durable.Mem, others, before int) error {
	if others > 0 {
		appendOther(t, disk, others)
	}
	o := sc.options
	o.Order = BackDated
	if _, err := importInto(disk, source(sc.events), o); err != nil && !sc.finished(disk) {
		return err
	}
	if n := sc.before + others + before; n > 0 {
		return whole(disk, bytesOf(t, source(sc.events)), sc.options, n)
	}
	all, err := history(disk)
	if err == nil {
		err = oneYearEach(all)
	}
	return errors.Join(err, whole(disk, bytesOf(t, source(sc.events)), sc.options, 0))
}

// finished reports whether the import was complete, so that the same source is refused.
func (sc scenario) finished(disk *durable.Mem) bool {
	marks, err := ReadBookmarks(disk, testHome)
	return err == nil && len(marks) == 1 && marks[0].Closed != nil
}

// TestPowerCutAfterKill stops the run that goes on after a kill by a power cut: what the killed run
// wrote was read by the second one, and is on no medium.
func TestPowerCutAfterKill(t *testing.T) {
	t.Parallel()
	sc := scenario{name: "killed", events: 14, options: Options{Times: TimesOfSource, Piece: 500}}
	o := options(nil)
	o.MaxBytes, o.Period = 1<<20, segment.PeriodNone
	run := func(m *durable.Mem) error {
		so := o
		so.FS, so.Now = m, ticking("2026-10-05T12:00:00.000Z")
		how := sc.options
		how.By = testBy
		_, err := File(t.Context(), testHome, so, source(sc.events), how)
		return err
	}
	full := newDisk()
	if err := run(full); err != nil {
		t.Fatal(err)
	}
	data, err := slurp(full, testHome+"/"+segment.LiveName)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	count := crash.Count(t, "a power cut behind a kill of an import")
	for kept := range 4 {
		disk := newDisk()
		disk.Inject(durable.Fault{Op: durable.OpWrite, Name: segment.LiveName, Err: syscall.EIO})
		if err := run(disk); !errors.Is(err, syscall.EIO) {
			t.Fatalf("the kill failed: %v", err)
		}
		there, err := slurp(disk, testHome+"/"+segment.LiveName)
		if err != nil {
			t.Fatal(err)
		}
		// The records of the second piece are these, whoever writes them.
		first := bytes.Count(there, []byte("\n"))
		f, err := disk.OpenFile(testHome+"/"+segment.LiveName, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(bytes.Join(lines[first:first+kept], nil)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		for at, disk := range count.Each(disk, 1, func(m *durable.Mem) {
			if err := run(m); err != nil && !m.Crashed() {
				t.Fatal(err)
			}
		}) {
			err := run(disk)
			if err != nil && sc.finished(disk) {
				err = nil
			}
			if err == nil {
				err = whole(disk, bytesOf(t, source(sc.events)), Options{Times: TimesOfSource}, 0)
			}
			if err != nil {
				t.Fatalf("%d records kept, power cut %v: %v", kept, at, err)
			}
		}
	}
}
