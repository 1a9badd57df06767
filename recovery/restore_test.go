package recovery

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// lines are the lines of a segment in the archive.
func lines(t testing.TB, m *durable.Mem, base string) [][]byte {
	t.Helper()
	return bytes.SplitAfter(bytes.TrimSuffix(read(t, m, inArchive(base)), []byte("\n")), []byte("\n"))
}

// offer writes lines to a file outside of the home.
func offer(t testing.TB, m *durable.Mem, all [][]byte) string {
	t.Helper()
	text := ""
	for _, l := range all {
		text += strings.TrimSuffix(string(l), "\n") + "\n"
	}
	put(t, m, "/offered.jsonl", text)
	return "/offered.jsonl"
}

func plan(m *durable.Mem, from string) (*Plan, error) {
	return PlanRestore(context.Background(), options(m, 2*time.Hour), Restoration{From: from, Reason: "test", Operator: "ops"})
}

// What is offered for a gap is taken only if it is exactly what is gone.
func TestRestoreRefusesWhatClosesNothing(t *testing.T) {
	base := newDisk(t, 3)
	gone := lines(t, base, "audit-0002.jsonl")
	first := lines(t, base, "audit-0001.jsonl")
	remove(t, base, inArchive("audit-0002.jsonl"))
	parent := chain.ReadLine(bytes.TrimSuffix(first[len(first)-1], []byte("\n"))).Record
	sibling, err := chain.Seal(parent.Hash, parent.TS, "forged", "mallory", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	side := chain.AppendLine(nil, &sibling)
	stranger, err := chain.Seal(chain.Genesis, parent.TS, "foreign", "x", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	swapped := slices.Clone(gone)
	swapped[1], swapped[2] = swapped[2], swapped[1]
	for _, c := range []struct {
		name, why string
		offered   [][]byte
	}{
		{"nothing of it", "no record that follows", first},
		{"without its end", "is the last that is gone", gone[:len(gone)-1]},
		{"without its beginning", "no record that follows", gone[1:]},
		{"without its middle", "line 3, is not the next record", append(slices.Clone(gone[:2]), gone[3:]...)},
		{"in another order", "line 2, is not the next record", swapped},
		{"altered", "its content is not what its hash says", [][]byte{bytes.Replace(gone[0], []byte("manual"), []byte("period"), 1)}},
		{"a side branch instead", "end with", [][]byte{side}},
		{"a side branch besides", "line 1, the record", append([][]byte{side}, gone...)},
		{"another log's besides", "line 6, the record", append(slices.Clone(gone), chain.AppendLine(nil, &stranger))},
		{"no record", "line 2 is no record", [][]byte{gone[0], []byte("hello\n")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := base.Crash(durable.Loss{Kept: durable.KeptCache})
			before := files(t, m, testHome)
			_, err := plan(m, offer(t, m, c.offered))
			if !errors.Is(err, segment.ErrRefused) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v, want a refusal that says %q", err, c.why)
			}
			after := files(t, m, testHome)
			if len(after) != len(before) {
				t.Errorf("files %v, there were %v", names(after), names(before))
			}
		})
	}
	t.Run("exactly", func(t *testing.T) {
		m := base.Crash(durable.Loss{Kept: durable.KeptCache})
		if err := putBack(m, offer(t, m, gone)); err != nil {
			t.Fatal(err)
		}
		if out := examine(t, m); out.Report.Exit != 0 {
			t.Error(out.Report.Verdict)
		}
	})
}

// Records that are in the log, only elsewhere, are not put there a second time: neither where the gap
// ends with one of them, nor where one of them lies within it.
func TestRestoreRefusesWhatIsThere(t *testing.T) {
	for why, part := range map[string]func(all [][]byte) [][]byte{
		"records are out of order": func(all [][]byte) [][]byte { return all },
		"is in the log already":    func(all [][]byte) [][]byte { return all[:2] },
	} {
		m := newDisk(t, 3)
		mirror(t, m, testHome, testBackup)
		all := lines(t, m, "audit-0002.jsonl")
		remove(t, m, inArchive("audit-0002.jsonl"))
		put(t, m, inArchive("audit-0009.jsonl"), string(bytes.Join(part(all), nil)))
		if _, err := plan(m, testBackup); !errors.Is(err, segment.ErrRefused) || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want a refusal that says %q", err, why)
		}
	}
}

// A plan is for the log that it was made for.
func TestRestoreRefusesAStalePlan(t *testing.T) {
	m := newDisk(t, 3)
	mirror(t, m, testHome, testBackup)
	remove(t, m, inArchive("audit-0002.jsonl"))
	p, err := plan(m, testBackup)
	if err != nil {
		t.Fatal(err)
	}
	if err := putBack(m, testBackup); err != nil {
		t.Fatal(err)
	}
	before := files(t, m, testHome+"/"+segment.ArchiveDir)
	if err := p.Apply(t.Context(), options(m, 3*time.Hour)); err == nil {
		t.Error("a plan was applied twice")
	}
	if after := files(t, m, testHome+"/"+segment.ArchiveDir); len(after) != len(before) {
		t.Errorf("files %v, there were %v", names(after), names(before))
	}
}

// Whatever sealed segments are gone or damaged in one way, a backup brings every record back, once and
// in order, and the verdict is clean.
func TestRestoreBringsEverythingBack(t *testing.T) {
	base := newDisk(t, 5)
	mirror(t, base, testHome, testBackup)
	whole := walked(t, base)
	rapid.Check(t, func(rt *rapid.T) {
		m := base.Crash(durable.Loss{Kept: durable.KeptCache})
		harmed := false
		for _, name := range []string{"audit-0001.jsonl", "audit-0002.jsonl", "audit-0003.jsonl", "audit-0004.jsonl", "audit-0005.jsonl"} {
			all := lines(t, m, name)
			at := rapid.IntRange(0, len(all)-1).Draw(rt, "line")
			switch rapid.SampledFrom([]string{"whole", "gone", "cut", "altered", "unreadable", "without"}).Draw(rt, name) {
			case "whole":
				continue
			case "gone":
				remove(t, m, inArchive(name))
			case "cut":
				put(t, m, inArchive(name), string(bytes.Join(all[:at], nil)))
			case "altered":
				all[at] = bytes.Replace(all[at], []byte(`"payload":{`), []byte(`"payload":{"x":1,`), 1)
				put(t, m, inArchive(name), string(bytes.Join(all, nil)))
			case "unreadable":
				all[at][0] = 'x'
				put(t, m, inArchive(name), string(bytes.Join(all, nil)))
			case "without":
				put(t, m, inArchive(name), string(bytes.Join(slices.Delete(all, at, at+1), nil)))
			}
			harmed = true
		}
		if !harmed {
			return
		}
		// What lies beside a damaged segment may be seen only once that is whole.
		for range 6 {
			if err := putBack(m, testBackup); err != nil {
				if examine(t, m).Report.Exit == 0 {
					break
				}
				rt.Fatalf("%v\n%v", err, names(files(t, m, testHome)))
			}
		}
		out := examine(t, m)
		if out.Report.Exit != 0 {
			rt.Fatalf("%s: %+v", out.Report.Verdict, out.Report.Findings)
		}
		if got := walked(t, m); !slices.Equal(got[:len(whole)], whole) {
			rt.Fatalf("the records are %d others", len(got))
		}
	})
}

// walked is the hashes of the log in reading order.
func walked(t testing.TB, m *durable.Mem) (hashes []chain.Hash) {
	t.Helper()
	o := options(m, 0)
	s, err := o.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it was read only
	err = eachLine(t.Context(), s.Sources, func(_ int, err error) { t.Fatal(err) }, func(l lineAt) error {
		hashes = append(hashes, chain.ReadLine(l.text).Record.Hash)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hashes
}

// FuzzKeptName: what is taken for a damaged file that was set aside has the name that it was given.
func FuzzKeptName(f *testing.F) {
	for _, s := range []string{keptName("audit-0001.jsonl", chain.Hash{1}), keptName("audit-0001-r2.jsonl.zst", chain.Hash{}), "audit-0001.jsonl", "a.0123456789abcdef.b", ".................."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		base, ok := parseKeptName(name)
		if !ok {
			return
		}
		stem, rest, _ := strings.Cut(base, ".")
		if len(name) != len(base)+17 || !strings.HasPrefix(name, stem+".") || !strings.HasSuffix(name, "."+rest) || strings.Contains(base, "/") {
			t.Errorf("%q is taken for %q", name, base)
		}
	})
}

// exchanging is a disk on which the directory of the segments becomes another one once a file is restored.
type exchanging struct {
	*durable.Mem
	since bool
}

func (e *exchanging) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	e.since = e.since || strings.HasSuffix(name, restoreTemp)
	return e.Mem.OpenFile(name, flag, perm)
}

func (e *exchanging) Stat(name string) (durable.Info, error) {
	info, err := e.Mem.Stat(name)
	if e.since && strings.HasSuffix(name, "/"+segment.ArchiveDir) {
		info.ID.Ino++
	}
	return info, err
}

// TestA14RestoreIntoAnotherDirectory: what is restored is not put into a directory that took the place of the
// one that was looked at, and the chain does not say that it was.
func TestA14RestoreIntoAnotherDirectory(t *testing.T) {
	m := newDisk(t, 3)
	mirror(t, m, testHome, testBackup)
	remove(t, m, inArchive("audit-0002.jsonl"))
	o := options(m, 2*time.Hour)
	o.Log.FS = &exchanging{Mem: m}
	p, err := PlanRestore(t.Context(), o, Restoration{From: testBackup, Reason: "test", Operator: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), o); !errors.Is(err, segment.ErrRefused) || !strings.Contains(err.Error(), "was replaced meanwhile") {
		t.Errorf("got %v", err)
	}
	if there := files(t, m, inArchive("")); len(there) != 2 {
		t.Errorf("in its place: %v", names(there))
	}
	if live := read(t, m, testHome+"/"+segment.LiveName); bytes.Contains(live, []byte(chain.KindRestore)) {
		t.Errorf("the chain says %s", live)
	}
}
