package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/segment"
)

// place is a record of a log: the file, from 0, and the line in it.
type place struct{ file, line int }

// layout is a log as lines, with their LF, in files in reading order.
type layout [][][]byte

func (l layout) clone() layout {
	c := make(layout, len(l))
	for i := range l {
		c[i] = slices.Clone(l[i])
	}
	return c
}

func (l layout) at(p place) []byte { return l[p.file][p.line] }

func (l layout) drop(p place) { l[p.file] = slices.Delete(l[p.file], p.line, p.line+1) }

func (l layout) put(p place, line []byte) { l[p.file] = slices.Insert(l[p.file], p.line, line) }

// next is the place behind p; ok is false at the end of the log.
func (l layout) next(p place) (place, bool) {
	if p.line+1 < len(l[p.file]) {
		return place{p.file, p.line + 1}, true
	}
	return place{p.file + 1, 0}, p.file+1 < len(l)
}

// changes are what befalls a record. rng draws a place where one is wanted.
var changes = []struct {
	name string
	do   func(l layout, p place, rng *rand.Rand)
}{
	{"deleted", func(l layout, p place, _ *rand.Rand) { l.drop(p) }},
	{"duplicated in place", func(l layout, p place, _ *rand.Rand) { l.put(p, l.at(p)) }},
	{"duplicated at the end", func(l layout, p place, _ *rand.Rand) {
		l.put(place{len(l) - 1, len(l[len(l)-1])}, l.at(p))
	}},
	{"exchanged with the next", func(l layout, p place, _ *rand.Rand) {
		if q, ok := l.next(p); ok {
			l[p.file][p.line], l[q.file][q.line] = l.at(q), l.at(p)
		}
	}},
	{"moved to the front", func(l layout, p place, _ *rand.Rand) {
		line := l.at(p)
		l.drop(p)
		l.put(place{}, line)
	}},
	{"moved to the end", func(l layout, p place, _ *rand.Rand) {
		line := l.at(p)
		l.drop(p)
		l.put(place{len(l) - 1, len(l[len(l)-1])}, line)
	}},
	{"moved elsewhere", func(l layout, p place, rng *rand.Rand) {
		line, file := l.at(p), rng.IntN(len(l))
		l.drop(p)
		l.put(place{file, rng.IntN(len(l[file]) + 1)}, line)
	}},
	{"and all behind it in its file cut off", func(l layout, p place, _ *rand.Rand) { l[p.file] = l[p.file][:p.line] }},
	{"and all before it in its file cut off", func(l layout, p place, _ *rand.Rand) { l[p.file] = l[p.file][p.line:] }},
	{"cut in two", func(l layout, p place, _ *rand.Rand) {
		line := l.at(p)
		l[p.file][p.line] = slices.Concat(line[:len(line)/2], []byte("\n"), line[len(line)/2:])
	}},
	{"glued to the next", func(l layout, p place, _ *rand.Rand) { l[p.file][p.line] = bytes.TrimSuffix(l.at(p), []byte("\n")) }},
	{"preceded by a line that is no record", func(l layout, p place, _ *rand.Rand) { l.put(p, []byte("garbage\n")) }},
	{"preceded by a blank line", func(l layout, p place, _ *rand.Rand) { l.put(p, []byte("\n")) }},
}

// segmentChanges are what befalls a file of the log.
var segmentChanges = []struct {
	name string
	do   func(l layout, file int) layout
}{
	{"deleted", func(l layout, f int) layout { l[f] = nil; return l }},
	{"exchanged with the next", func(l layout, f int) layout {
		g := (f + 1) % len(l)
		l[f], l[g] = l[g], l[f]
		return l
	}},
	{"there twice", func(l layout, f int) layout { return slices.Insert(l, len(l)-1, slices.Clone(l[f])) }},
	{"moved before the live log", func(l layout, f int) layout {
		moved := l[f]
		l[f] = nil
		return slices.Insert(l, len(l)-1, moved)
	}},
	{"the first half gone", func(l layout, f int) layout { l[f] = l[f][len(l[f])/2:]; return l }},
	{"the second half gone", func(l layout, f int) layout { l[f] = l[f][:len(l[f])/2]; return l }},
	{"its lines the other way round", func(l layout, f int) layout { slices.Reverse(l[f]); return l }},
	{"its halves exchanged", func(l layout, f int) layout {
		half := len(l[f]) / 2
		l[f] = slices.Concat(l[f][half:], l[f][:half])
		return l
	}},
}

// files are the files of a layout by the names of their segments, in reading order; a nil one is not there.
func (l layout) files() (files []textFile, home map[string][]byte) {
	home = map[string][]byte{}
	for i, lines := range l {
		name, path := fmt.Sprintf("audit-%04d.jsonl", i+1), fmt.Sprintf("audit-archive/audit-%04d.jsonl", i+1)
		if i == len(l)-1 {
			name, path = "audit.log", liveFile
		}
		home[path] = bytes.Join(lines, nil)
		if lines == nil {
			home[path] = nil
			continue
		}
		files = append(files, textFile{name, home[path]})
	}
	return files, home
}

// TestA5MutantsOfStructure removes, repeats, exchanges, moves and cuts every record and every segment of
// a log, and holds every finding against what an independent reader expects.
func TestA5MutantsOfStructure(t *testing.T) {
	g := newOriginal(t, plain)
	var whole layout
	var places []place
	for i, f := range g.lines(t, nil) {
		whole = append(whole, slices.Collect(bytes.Lines(f.text)))
		for n := range whole[i] {
			places = append(places, place{i, n})
		}
	}
	type mutant struct {
		about string
		log   func() layout
	}
	var all []mutant
	for i, p := range places {
		for _, c := range changes {
			all = append(all, mutant{fmt.Sprintf("file %d, line %d %s", p.file+1, p.line+1, c.name), func() layout {
				l := whole.clone()
				c.do(l, p, rand.New(rand.NewPCG(uint64(i), 1)))
				return l
			}})
		}
	}
	for f := range whole {
		for _, c := range segmentChanges {
			all = append(all, mutant{fmt.Sprintf("file %d %s", f+1, c.name), func() layout { return c.do(whole.clone(), f) }})
		}
	}
	if raced { // the other run takes all of them
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:200]
	}
	inTurns(len(all), func(i int) {
		files, home := all[i].log().files()
		r, err := g.judge(home)
		if err != nil {
			t.Errorf("%s: %v", all[i].about, err)
			return
		}
		if why := differs(r, g.records.foreseen(files, g.end)); why != "" {
			t.Errorf("%s: %s: exit %d, %s", all[i].about, why, r.Exit, r.Verdict)
		}
	})
	t.Logf("%d mutants judged", len(all))
}

// TestA5MutantsOfArchives changes records of an archived segment and compresses it anew, with a manifest
// that is true of what it then holds. The chain vouches for the files as they were.
func TestA5MutantsOfArchives(t *testing.T) {
	g, open := newOriginal(t, packed), newOriginal(t, plain)
	whole := slices.Collect(bytes.Lines(g.archived))
	if string(g.archived) != string(open.archived) {
		t.Fatal("the same log twice is not the same bytes")
	}
	type mutant struct{ line, change int }
	var all []mutant
	for line := range whole {
		for change := range changes {
			if (line+change)%8 == 0 && (!raced || line%3 == 0) {
				all = append(all, mutant{line, change})
			}
		}
	}
	inTurns(len(all), func(i int) {
		m := all[i]
		about := fmt.Sprintf("line %d %s", m.line+1, changes[m.change].name)
		l := layout{slices.Clone(whole)}
		changes[m.change].do(l, place{0, m.line}, rand.New(rand.NewPCG(uint64(i), 2)))
		text := bytes.Join(l[0], nil)
		if bytes.Equal(text, g.archived) {
			return
		}
		files, err := open.repacked(text)
		if err != nil {
			t.Errorf("%s: %v", about, err)
			return
		}
		r, err := g.judge(files)
		if err != nil {
			t.Errorf("%s: %v", about, err)
			return
		}
		want := append(g.records.foreseen(g.lines(t, map[string][]byte{zstFile: text}), g.end), "manifest-mismatch audit-0001.jsonl 0")
		slices.Sort(want)
		if why := differs(r, slices.Compact(want)); why != "" {
			t.Errorf("%s: %s: exit %d, %s", about, why, r.Exit, r.Verdict)
		}
	})
	t.Logf("%d mutants judged", len(all))
}

// repacked is a segment as it is archived, with its manifest.
func (g *original) repacked(text []byte) (map[string][]byte, error) {
	m, err := g.changed(map[string][]byte{openFile: text})
	if err != nil {
		return nil, err
	}
	o := segment.Options{FS: m, OpenArchived: archive.Opener(m), Now: func() time.Time { return time.Date(2026, 10, 6, 0, 0, 0, 0, time.UTC) }}
	results, err := archive.Run(context.Background(), mutHome, o, archive.Options{Workers: 1})
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, r := range results {
		if r.Err != nil {
			return nil, r.Err
		}
	}
	for _, name := range []string{zstFile, saysFile} {
		if files[name], err = contents(m, name); err != nil {
			return nil, err
		}
	}
	return files, nil
}
