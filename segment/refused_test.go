package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

func TestF7RefusedAppendsAreCounted(t *testing.T) {
	m := memHome(t, 1)
	l := openLog(t, memOptions(m))
	m.Inject(durable.Fault{Op: durable.OpWrite, Name: LiveName, Err: syscall.ENOSPC})
	if _, err := l.AppendBatch(t.Context(), []Event{event(0), event(1), {Kind: "other", Payload: []byte(`1`)}}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v", err)
	}
	mustAppend(t, l, 2)
	h := mustWalk(t, m)
	if h.kinds() != "event audit.append_failed event" {
		t.Fatalf("got %s", h.kinds())
	}
	want := fmt.Sprintf(`"events":{"test.event":2,"other":1},"errors":{"write /h/audit.log: no space left on device":3},"pids":[%d]}`, os.Getpid())
	if p := string(h.records[1].Payload); !strings.Contains(p, `{"count":3,"first":"2026-10-05T12:34:56.`) || !strings.HasSuffix(p, want) {
		t.Errorf("payload %s, want %s", p, want)
	}
}

func TestRefusalsAreTakenOnce(t *testing.T) {
	const line = `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}` + "\n"
	for _, tt := range []struct {
		about string
		files map[string]string
		want  string
	}{
		{"pending", map[string]string{RefusedName: line}, "event audit.append_failed event"},
		{"taken by a killed writer", map[string]string{RefusedName + ".41.taking": line}, "event audit.append_failed event"},
		{"both", map[string]string{RefusedName + ".41.taking": line, RefusedName: line + line}, "event audit.append_failed audit.append_failed event"},
		{"taken under our own number", map[string]string{takenName(os.Getpid()): line, RefusedName: line + line}, "event audit.append_failed audit.append_failed event"},
		{"nothing that can be read", map[string]string{RefusedName: "cut\n{}x\n[]\n" + strings.Repeat("y", 1<<20)}, "event event"},
		{"empty", map[string]string{RefusedName: ""}, "event event"},
		{"with an endless line", map[string]string{RefusedName: line + `{"ts":"` + strings.Repeat("y", 1<<20) + `"}` + "\n" + line}, "event audit.append_failed event"},
	} {
		m := memHome(t, 1)
		for name, data := range tt.files {
			addTo(t, m, testHome+"/"+name, data)
		}
		h, _ := resettle(t, m)
		if h.kinds() != tt.want {
			t.Errorf("%s: %s, want %s", tt.about, h.kinds(), tt.want)
		}
		for _, name := range listDir(t, m, testHome) {
			if strings.HasPrefix(name, RefusedName) {
				t.Errorf("%s: %s is left", tt.about, name)
			}
		}
	}
}

// Chained and then killed before the file went: the record is not made twice.
func TestRefusalsChainedButNotRemoved(t *testing.T) {
	m := memHome(t, 1)
	addTo(t, m, testHome+"/"+RefusedName, `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}`+"\n")
	o := memOptions(m)
	m.Inject(durable.Fault{Op: durable.OpRemove, Name: "*.taking", Err: syscall.EIO})
	l := openLog(t, o)
	if _, err := l.Append(t.Context(), event(1)); err == nil {
		t.Fatal("the fault did not show")
	}
	h, _ := resettle(t, m)
	if n := h.count(chain.KindAppendFailed); n != 2 { // one of 41, one of the append that failed here
		t.Errorf("got %s", h.kinds())
	}
	if got := strings.Count(h.kinds(), "audit.append_failed event"); got != 1 {
		t.Errorf("got %s", h.kinds())
	}
}

// Refusals that cannot be read are kept for later: those that come after them do not take their place.
func TestRefusalsUnreadable(t *testing.T) {
	const line = `{"ts":"2026-10-05T10:00:00.000Z","pid":%d,"event":"a.b","error":"busy"}` + "\n"
	m := memHome(t, 1)
	addTo(t, m, testHome+"/"+RefusedName, fmt.Sprintf(line, 41))
	m.Inject(durable.Fault{Op: durable.OpRead, Name: "*.taking", For: durable.Always, Err: syscall.EIO})
	var warnings []Warning
	o := memOptions(m)
	o.Warn = func(w Warning) { warnings = append(warnings, w) }
	l := openLog(t, o)
	mustAppend(t, l, 1)
	addTo(t, m, testHome+"/"+RefusedName, fmt.Sprintf(line, 42))
	mustAppend(t, l, 2)
	if len(warnings) != 2 || warnings[0].Kind != WarnRefusals || warnings[1].Kind != WarnRefusals {
		t.Errorf("warnings %v", warnings)
	}
	m.ClearFaults()
	mustAppend(t, l, 3)
	h := mustWalk(t, m)
	if h.kinds() != "event event event audit.append_failed audit.append_failed event" {
		t.Fatalf("got %s", h.kinds())
	}
	for i, pid := range []string{`"pids":[41]`, `"pids":[42]`} {
		if p := string(h.records[3+i].Payload); !strings.Contains(p, pid) {
			t.Errorf("payload %s lacks %s", p, pid)
		}
	}
}

// A settling that fails half-way and is begun again looks for taken refusals twice, and finds them once.
func TestRefusalsListedTwice(t *testing.T) {
	m := memHome(t, 1)
	addTo(t, m, testHome+"/"+takenName(41), `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}`+"\n")
	m.Inject(durable.Fault{Op: durable.OpReadDir, Name: ArchiveDir, Err: syscall.EIO})
	var said []string
	o := memOptions(m)
	o.Warn = func(w Warning) { said = append(said, w.Text) }
	l := openLog(t, o)
	if _, err := l.Append(t.Context(), event(1)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	mustAppend(t, l, 2)
	const once = "1 earlier appends had been refused; the log now says so"
	if !slices.Equal(said, []string{once, once}) { // that of 41, and the one that failed here
		t.Errorf("said %q", said)
	}
}

// dawdler is a disk on which a writer that had the refusals open adds to them when they have been read.
type dawdler struct {
	*durable.Mem
	add func(path string)
}

func (d *dawdler) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := d.Mem.OpenFile(name, flag, perm)
	if err == nil && strings.HasSuffix(name, takenSuffix) && flag == os.O_RDONLY {
		f = dawdling{f, d}
	}
	return f, err
}

type dawdling struct {
	durable.File
	d *dawdler
}

func (f dawdling) Close() error {
	add := f.d.add
	f.d.add = func(string) {}
	add(f.Name())
	return f.File.Close()
}

func TestRefusalsThatComeLate(t *testing.T) {
	const line = `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}` + "\n"
	for _, before := range []string{"", line} {
		m := memHome(t, 1)
		addTo(t, m, testHome+"/"+RefusedName, before)
		o := memOptions(m)
		o.FS = &dawdler{Mem: m, add: func(path string) { addTo(t, m, path, line+line) }}
		mustAppend(t, openLog(t, o), 1)
		h := mustWalk(t, m)
		if n := h.count(chain.KindAppendFailed); n == 0 || !strings.Contains(string(h.records[n].Payload), `"count":2`) {
			t.Errorf("after %q: %s", before, h.kinds())
		}
	}
}

func TestRefusalsOfManyKinds(t *testing.T) {
	m := memHome(t, 1)
	var b strings.Builder
	for n := range 500 {
		fmt.Fprintf(&b, `{"ts":"2026-10-05T10:00:00.%03dZ","pid":%d,"event":"kind.%d","error":"error %d %s"}`+"\n", n, n, n, n, strings.Repeat("é", 300))
	}
	addTo(t, m, testHome+"/"+RefusedName, b.String())
	h, _ := resettle(t, m)
	if h.kinds() != "event audit.append_failed event" {
		t.Fatalf("got %s", h.kinds())
	}
	p := string(h.records[1].Payload)
	for _, want := range []string{`{"count":500,"first":"2026-10-05T10:00:00.000Z","last":"2026-10-05T10:00:00.499Z"`, `"kind.99":1,"(other)":400}`, `,98,99]}`} {
		if !strings.Contains(p, want) {
			t.Errorf("the payload lacks %s", want)
		}
	}
	if len(p) > 100<<10 {
		t.Errorf("the payload has %d bytes", len(p))
	}
}

// FuzzRefusals: whatever is in the file of refusals, what is chained of it is a record, of bounded size,
// that counts no more than there are lines, and a file that is read in two parts is counted the same.
func FuzzRefusals(f *testing.F) {
	const line = `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}` + "\n"
	f.Add([]byte(line+line+line[:30]), 1)
	f.Add([]byte("cut\n{}\n[]\n"+`{"pid":1e300,"event":7,"error":null,"ts":""}`+"\n\n\xff\n"), 2)
	f.Add([]byte(`{"pid":-9007199254740993,"event":"`+strings.Repeat("é", 500)+`","error":"(other)","ts":"9"}`), 0)
	f.Fuzz(func(t *testing.T, file []byte, cut int) {
		m := durable.NewMem()
		if err := m.Mkdir(testHome, 0o700); err != nil {
			t.Fatal(err)
		}
		path, earlier := testHome+"/"+RefusedName, testHome+"/"+takenName(1)
		addTo(t, m, path, string(file))
		w := &writer{fs: m}
		sum, size, err := w.sumRefusals(path, 0)
		if err != nil || size != int64(len(file)) {
			t.Fatalf("%d of %d bytes: %v", size, len(file), err)
		}
		if lines := int64(bytes.Count(file, []byte("\n")) + 1); sum.Count > lines || inAll(sum.Events) > sum.Count || inAll(sum.Errors) > sum.Count || len(sum.PIDs) > maxKinds {
			t.Errorf("%d lines are %+v", lines, sum)
		}
		payload := sum.Payload()
		if v, _, err := ecmajson.Parse(payload, chain.MaxDepth); err != nil || v.Kind != ecmajson.Object || len(payload) > 1<<20 {
			t.Errorf("%d bytes of payload: %v", len(payload), err)
		}
		// A writer that had the file open may add lines after it was read.
		starts := []int64{0}
		for i, b := range file {
			if b == '\n' {
				starts = append(starts, int64(i)+1)
			}
		}
		from := starts[int(uint(cut)%uint(len(starts)))]
		rest, _, err := w.sumRefusals(path, from)
		if err != nil {
			t.Fatal(err)
		}
		addTo(t, m, earlier, string(file[:from]))
		head, _, err := w.sumRefusals(earlier, 0)
		if err != nil || head.Count+rest.Count != sum.Count {
			t.Errorf("%d and %d refusals, %d in all: %v", head.Count, rest.Count, sum.Count, err)
		}
	})
}

func inAll(counts []chain.Count) (n int64) {
	for _, c := range counts {
		n += c.Count
	}
	return n
}
