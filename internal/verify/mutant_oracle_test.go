package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
)

// textFile is a file of a log as the oracle has it.
type textFile struct {
	name string
	text []byte
}

// lines are the files of the log in reading order, some of them changed.
func (g *original) lines(t *testing.T, changed map[string][]byte) []textFile {
	files := []textFile{{"audit-0001.jsonl", g.archived}, {"audit-0002.jsonl", g.file(t, sealFile)}, {"audit.log", g.file(t, liveFile)}}
	for i, name := range []string{zstFile, sealFile, liveFile} {
		if b, ok := changed[name]; ok {
			files[i].text = b
		}
	}
	return files
}

// members are a line as encoding/json reads it.
type members map[string]any

func (m members) text(name string) string {
	s, _ := m[name].(string)
	return s
}

// A memory of every record of the log, by its hash and by its line.
type records struct {
	byHash   map[string]members
	byLine   map[string]members
	attested bool // a segment is archived, and a record says so
}

// read gives the members of a line, and whether they are those of a record of the log.
func (rs *records) read(line []byte) (m members, ok, right bool) {
	if m, right = rs.byLine[string(line)]; right {
		return m, true, true
	}
	m, ok = values(line)
	return m, ok, ok && reflect.DeepEqual(m, rs.byHash[m.text("hash")])
}

func values(line []byte) (members, bool) {
	var v members
	return v, json.Unmarshal(line, &v) == nil && v != nil
}

// end is where the log ended when this machine last saw it.
type end struct {
	hash   string
	offset int // in the live log
}

// stands reports whether the hash is where it was, at the end of a line that can be read but, maybe, for
// its prev_hash, which one who looks for a head does not need.
func (e end) stands(live []byte) bool {
	if e.offset > len(live) || live[e.offset-1] != '\n' {
		return false
	}
	line := live[bytes.LastIndexByte(live[:e.offset-1], '\n')+1 : e.offset-1]
	ending := `","hash":"` + e.hash + `"}`
	rest, ok := bytes.CutSuffix(line, []byte(ending))
	if !ok || len(rest) < 64 {
		return false
	}
	_, ok = values(slices.Concat(rest[:len(rest)-64], bytes.Repeat([]byte("0"), 64), []byte(ending)))
	return ok
}

// foreseen is what must be said of a log, by another way than the program's: encoding/json reads the
// lines, a line is right if its members are those of a record that was appended, and a plain walk with
// a set of all hashes follows the links.
func (rs *records) foreseen(files []textFile, remembered end) []string {
	var all []string
	say := func(class string, f textFile, line int) {
		all = append(all, fmt.Sprintf("%s %s %d", class, f.name, line))
	}
	attested := !rs.attested
	gap, order := false, []string(nil)
	known := map[string]bool{strings.Repeat("0", 64): true}
	head := strings.Repeat("0", 64)
	for _, f := range files {
		lines := bytes.SplitAfter(f.text, []byte("\n"))
		for n, line := range lines {
			body, ended := bytes.CutSuffix(line, []byte("\n"))
			if len(body) == 0 {
				continue
			}
			v, ok, right := rs.read(body)
			hash, prev := v.text("hash"), v.text("prev_hash")
			if torn := !ended && f.name == "audit.log"; torn && !right {
				say("torn-tail", f, n+1)
				continue
			}
			switch {
			case !ok:
				say("unreadable", f, n+1)
				continue
			case !right:
				say("altered", f, n+1)
			case rs.byLine[string(body)] == nil:
				say("re-encoded", f, n+1)
			}
			attested = attested || right && v.text("event") == "audit.archive"
			gap = gap || !known[hash] && prev != head && !known[prev]
			if right && v.text("event") == "audit.rotate" && !gap && !sealed(order, v["payload"]) {
				say("rotate-mismatch", f, n+1)
			}
			order = append(order, hash)
			switch {
			case known[hash]:
				say("duplicate", f, n+1)
				continue
			case prev != head && known[prev]:
				say("branch", f, n+1)
			case prev != head:
				say("missing", f, n+1)
			}
			known[hash], head = true, hash
		}
	}
	switch live := files[len(files)-1]; {
	case live.name != "audit.log" || len(live.text) == 0:
		all = append(all, "live-missing  0")
	case !known[remembered.hash] && !remembered.stands(live.text):
		all = append(all, "forgotten - 0")
	}
	if !attested {
		all = append(all, "unattested-archive audit-0001.jsonl 0")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sealed reports whether the run of records that a rotation names was read before it, as one run.
func sealed(order []string, payload any) bool {
	p, _ := payload.(map[string]any)
	first, _ := p["first_hash"].(string)
	last, _ := p["last_hash"].(string)
	count, _ := p["archived_records"].(float64)
	for i, hash := range order {
		if end := i + int(count) - 1; hash == first && end < len(order) && order[end] == last {
			return true
		}
	}
	return false
}

// exits are the exit codes that go with what must be said. A branch may be plausible or not.
func exits(want []string) []int {
	any := func(classes ...string) bool {
		return slices.ContainsFunc(want, func(s string) bool { return slices.Contains(classes, strings.Fields(s)[0]) })
	}
	switch {
	case any("altered", "missing", "forgotten", "live-missing", "rotate-mismatch", "manifest-mismatch"):
		return []int{3}
	case any("branch"):
		return []int{0, 3, 5}
	case any("unreadable", "torn-tail", "unknown-version"):
		return []int{5}
	}
	return []int{0}
}

// said is what a report says, in the words of the oracle.
func said(r *report.Report) []string {
	var all []string
	for _, f := range r.Findings {
		class, name := string(f.Class), f.Segment
		switch f.Class {
		case chain.TimeRegression:
			continue
		case chain.Fork, chain.ImplausibleFork, chain.SecondGenesis:
			class = "branch"
		case chain.RolledBack, chain.Diverged:
			class, name = "forgotten", "-"
		}
		for i := range max(f.Records, 1) {
			line := f.Line
			if line > 0 {
				line += i
			}
			all = append(all, fmt.Sprintf("%s %s %d", class, name, line))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// manifestTells is what must be said of a manifest that is not the one the chain vouches for.
func manifestTells(changed []byte) []string {
	var m struct {
		Format string `json:"format"`
	}
	if json.Unmarshal(changed, &m) == nil && m.Format != "opscontext.manifest/1" && strings.HasPrefix(m.Format, "opscontext.manifest/") {
		return []string{"unknown-version audit-0001.jsonl 0"}
	}
	return []string{"manifest-mismatch audit-0001.jsonl 0"}
}

// compressedTells says how a report fails to tell that a compressed segment was changed.
func compressedTells(r *report.Report) string {
	got := said(r)
	told := false
	for _, s := range got {
		switch {
		case strings.HasPrefix(s, "manifest-mismatch audit-0001.jsonl "), strings.HasPrefix(s, "unreadable audit-0001.jsonl "):
			told = true
		case s == "missing audit-0002.jsonl 1":
		default:
			return "said " + strings.Join(got, ", ")
		}
	}
	if !told || r.Exit != 3 && r.Exit != 5 {
		return "said " + strings.Join(got, ", ")
	}
	return ""
}

// markedEnd is where this machine saw the log end: behind its last record.
func markedEnd(t *testing.T, live []byte) end {
	lines := bytes.Split(bytes.TrimSpace(live), []byte("\n"))
	v, ok := values(lines[len(lines)-1])
	if !ok {
		t.Fatal("the last line is no record")
	}
	return end{v.text("hash"), len(live)}
}
