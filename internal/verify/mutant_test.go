package verify_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

var (
	mutants    = flag.Int("mutants", 1500, "how many mutated bytes to judge; 0: every one")
	mutantSeed = flag.Uint64("mutants.seed", 0, "which bytes are drawn; 0: by the time")
	mutantOnly = flag.Int("mutants.only", -1, "the number of the one mutant to judge")
)

// ways are the changes that befall a byte.
var ways = []struct {
	name   string
	change func(b []byte, at int) []byte
}{
	{"a bit flipped", func(b []byte, at int) []byte { b[at] ^= 1 << (at % 8); return b }},
	{"made 00", func(b []byte, at int) []byte { b[at] = 0; return b }},
	{"made FF", func(b []byte, at int) []byte { b[at] = 0xff; return b }},
	{"taken out", func(b []byte, at int) []byte { return slices.Delete(b, at, at+1) }},
	{"one put before it", func(b []byte, at int) []byte { return slices.Insert(b, at, inserted[at%len(inserted)]) }},
}

// inserted are bytes that mean something to a reader of JSON lines, and one that does not.
const inserted = "x \n\"0\x00}\\"

// original is the log that is mutated, on a disk in memory.
type original struct {
	disk     *durable.Mem
	archived []byte // the plain bytes of the archived segment
	records  records
	end      end // that this machine remembers
}

const (
	mutHome  = "/log/home"
	mutState = "/log/state"
	zstFile  = "audit-archive/audit-0001.jsonl.zst"
	saysFile = "audit-archive/audit-0001.manifest.json"
	openFile = "audit-archive/audit-0001.jsonl"
	sealFile = "audit-archive/audit-0002.jsonl"
	liveFile = "audit.log"
)

// form says whether the first segment of an original is archived.
type form int

const (
	plain form = iota
	packed
)

// newOriginal makes a log of about 200 records in three segments: an archived or sealed one, a sealed
// one and a live one, with a mark that agrees.
func newOriginal(t *testing.T, form form) *original {
	t.Helper()
	g := &original{disk: durable.NewMem()}
	must(t, g.disk.Mkdir("/log", 0o700))
	now := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	o := segment.Options{FS: g.disk, State: mutState, Period: segment.PeriodNone, OpenArchived: archive.Opener(g.disk), Tool: "test 1",
		Now: func() time.Time { return now }}
	g.disk.SetClock(o.Now)
	l, err := segment.Open(mutHome, o)
	must(t, err)
	n := 0
	for _, records := range []int{68, 66, 63} {
		if n > 0 {
			_, err := l.Rotate(context.Background())
			must(t, err)
		}
		for range records {
			n++
			_, err := l.Append(context.Background(), segment.Event{Kind: "x.y", Actor: "ä\u2028", Payload: fmt.Appendf(nil, `{"n":%d,"s":["a\u001fé","\\\"",-1.5e-7,null,true,{}]}`, n)})
			must(t, err)
		}
	}
	must(t, l.Close())
	g.archived = g.file(t, openFile)
	if form == packed {
		results, err := archive.Run(context.Background(), mutHome, o, archive.Options{Workers: 1})
		must(t, err)
		for _, r := range results {
			must(t, r.Err)
		}
	}
	g.disk.SyncAll()
	g.records = records{map[string]members{}, map[string]members{}, form == packed}
	for _, f := range g.lines(t, nil) {
		for line := range bytes.Lines(f.text) {
			v, ok := values(line)
			if !ok {
				t.Fatalf("%s: %s", f.name, line)
			}
			g.records.byHash[v.text("hash")], g.records.byLine[string(bytes.TrimSuffix(line, []byte("\n")))] = v, v
		}
	}
	g.end = markedEnd(t, g.file(t, liveFile))
	r, err := g.judge(nil)
	must(t, err)
	if r.Exit != 0 || len(r.Findings) != 0 || r.Records.Checked != 199+int64(form) || r.Segments.Checked != 3 {
		t.Fatalf("the log as it was: %d records, exit %d, %s", r.Records.Checked, r.Exit, r.Verdict)
	}
	return g
}

// contents reads a file of the home.
func contents(m *durable.Mem, name string) ([]byte, error) {
	f, err := m.OpenFile(path.Join(mutHome, name), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// file reads a file of the home.
func (g *original) file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := contents(g.disk, name)
	must(t, err)
	return b
}

// changed is the disk with other bytes in some files; nil: without the file.
func (g *original) changed(files map[string][]byte) (*durable.Mem, error) {
	m := g.disk.Crash(durable.Loss{Kept: durable.KeptCache})
	for name, b := range files {
		name = path.Join(mutHome, name)
		if err := m.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if b == nil {
			continue
		}
		f, err := m.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o400)
		if err != nil {
			return nil, err
		}
		_, err = f.Write(b)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// judge checks the log with other bytes in some files.
func (g *original) judge(files map[string][]byte) (*report.Report, error) {
	m, err := g.changed(files)
	if err != nil {
		return nil, err
	}
	return verify.Run(context.Background(), verify.Options{FS: m, Home: mutHome, State: mutState, Workers: 1})
}

// TestF24MutantsOfBytes changes single bytes of a log, wherever they are kept, and holds the class and
// the place of every finding against what an independent reader expects of them. Without -mutants=0 it
// draws some; the seed that it prints draws them again.
func TestF24MutantsOfBytes(t *testing.T) {
	g := newOriginal(t, packed)
	files := []string{liveFile, sealFile, zstFile, saysFile}
	var whole [][]byte
	total := 0
	for _, name := range files {
		b := g.file(t, name)
		whole = append(whole, b)
		total += len(b) * len(ways)
	}
	numbers := drawn(t, total)
	var seen atomic.Int64
	inTurns(len(numbers), func(i int) {
		n := numbers[i]
		at, file := n/len(ways), 0
		for at >= len(whole[file]) {
			at -= len(whole[file])
			file++
		}
		way := ways[n%len(ways)]
		b := way.change(slices.Clone(whole[file]), at)
		if string(b) == string(whole[file]) {
			return
		}
		seen.Add(1)
		r, err := g.judge(map[string][]byte{files[file]: b})
		if err != nil {
			t.Errorf("%s, byte %d %s: %v", files[file], at, way.name, err)
		} else if why := g.misjudged(t, r, files[file], b); why != "" {
			t.Errorf("%s, byte %d of %d %s (-mutants.only=%d): %s: exit %d, %s", files[file], at, len(whole[file]), way.name, n, why, r.Exit, r.Verdict)
		}
	})
	t.Logf("%d mutants of %d judged", seen.Load(), total)
}

// drawn are the numbers of the mutants to judge.
func drawn(t *testing.T, total int) []int {
	t.Helper()
	switch {
	case *mutantOnly >= 0:
		return []int{*mutantOnly}
	case *mutants <= 0:
		all := make([]int, total)
		for i := range all {
			all[i] = i
		}
		return all
	}
	seed := *mutantSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("drawn with -mutants.seed=%d", seed)
	count := min(*mutants, total)
	if raced {
		count = min(count, 300) // the other run takes more
	}
	return rand.New(rand.NewPCG(seed, 0)).Perm(total)[:count]
}

// inTurns runs do for 0 to n-1 on all processors.
func inTurns(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// misjudged says how a report fails to tell of a mutant, "" if it does not fail.
func (g *original) misjudged(t *testing.T, r *report.Report, name string, changed []byte) string {
	switch name {
	case saysFile:
		return differs(r, manifestTells(changed))
	case zstFile:
		return compressedTells(r)
	}
	return differs(r, g.records.foreseen(g.lines(t, map[string][]byte{name: changed}), g.end))
}

// differs says where a report and what must be said part, "" if they do not.
func differs(r *report.Report, want []string) string {
	if got := said(r); !slices.Equal(got, want) {
		return fmt.Sprintf("said %s; want %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
	if !slices.Contains(exits(want), r.Exit) {
		return "the exit code"
	}
	return ""
}
