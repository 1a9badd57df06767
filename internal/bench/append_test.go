package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

// Every way to append leaves one line a record behind, and those that chain leave a chain.
func TestStores(t *testing.T) {
	for name, file := range map[string]string{storeOurs: filepath.Join(homeDir, segment.LiveName), storeBare: "bare", storeGrouped: "bare", storeLocked: "locked"} {
		dir := t.TempDir()
		const together, each = 8, 5
		// Two of a kind, as in two processes, where that is what they are for.
		var all []store
		for range map[string]int{storeOurs: 2, storeLocked: 2, storeBare: 1, storeGrouped: 1}[name] {
			s, err := stores[name](dir)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		var next atomic.Int64
		l, err := produce(together, time.Hour, func() error {
			n := next.Add(1)
			if n > together*each {
				return errEnough
			}
			return all[n%int64(len(all))].append()
		})
		for _, s := range all {
			err = errors.Join(err, s.Close())
		}
		if !errors.Is(err, errEnough) || l.Records != together*each {
			t.Fatalf("%s: %+v, %v", name, l, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\n'})
		if len(lines) != together*each {
			t.Errorf("%s: %d lines for %d records", name, len(lines), together*each)
		}
		if name == storeBare || name == storeGrouped {
			continue
		}
		prev := chain.Genesis
		for i, line := range lines {
			r := chain.ReadLine(line).Record
			if r.Prev != prev || r.Event != appended.Kind {
				t.Fatalf("%s: line %d does not follow the one before: %s", name, i+1, line)
			}
			prev = r.Hash
		}
	}
}

var errEnough = errors.New("enough")

func TestProduce(t *testing.T) {
	l, err := produce(3, 30*time.Millisecond, func() error { time.Sleep(time.Millisecond); return nil })
	if err != nil || l.Records < 3 || l.Seconds < 0.03 || l.CPU < 0 {
		t.Errorf("%+v, %v", l, err)
	}
}

// peersModule is a stand-in for the module of peers, of which one does not work.
const peersModule = `package main

import ("fmt"; "io"; "os"; "strings")

func main() {
	if os.Args[1] == "list" {
		fmt.Println(` + "`" + `[{"name":"fast","module":"a.b/c","version":"v1"},{"name":"lame","module":"a.b/d","version":"v2"}]` + "`" + `)
		return
	}
	if os.Args[2] == "lame" {
		fmt.Fprintln(os.Stderr, "no leg to stand on")
		os.Exit(1)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	fmt.Println(` + "`" + `{"records":10,"seconds":0.5,"cpu":0.1}` + "`" + `, strings.Repeat(" ", len(os.Args)))
}
`

func TestPeers(t *testing.T) {
	dir := t.TempDir()
	module := filepath.Join(dir, "module")
	if err := os.Mkdir(module, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module peers\n\ngo 1.26.0\n", "main.go": peersModule} {
		if err := os.WriteFile(filepath.Join(module, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var shown strings.Builder
	out := &report{out: terminal.NewStream(&shown, terminal.ColourNever, os.LookupEnv)}
	if err := measureAppends(t.Context(), out, dir, module, 10*time.Millisecond, 2); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fast: a.b/c v1\n", "SKIPPED: lame failed: ", "no leg to stand on", "20 [20-20]  10000 [10000-10000]\n", "\n64 goroutines, of fast "} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("%q is not in\n%s", want, &shown)
		}
	}
	if strings.Contains(shown.String(), "of lame") || strings.Contains(shown.String(), "\nlame") || len(out.skipped) != 1 {
		t.Errorf("a peer that failed is compared, %d skipped:\n%s", len(out.skipped), &shown)
	}
	for _, c := range out.compared {
		if len(c.ratio) != 2 {
			t.Errorf("%s: %d rounds", c.what, len(c.ratio))
		}
	}
}

// What cannot be built is skipped, and said to be; the rest is measured.
func TestPeersThatCannotBeBuilt(t *testing.T) {
	var shown strings.Builder
	out := &report{out: terminal.NewStream(&shown, terminal.ColourNever, os.LookupEnv)}
	if err := measureAppends(t.Context(), out, t.TempDir(), filepath.Join(t.TempDir(), "none"), 5*time.Millisecond, 1); err != nil {
		t.Fatal(err)
	}
	if len(out.skipped) != 1 || !strings.Contains(shown.String(), "SKIPPED: the peers in ") || !strings.Contains(shown.String(), "512 goroutines, of 1 ") {
		t.Errorf("%v\n%s", out.skipped, &shown)
	}
}

func TestProcessesThatAppendFail(t *testing.T) {
	for name, command := range map[string][]string{
		"says something else": {"sh", "-c", "echo steady; cat"},
		"ends":                {"sh", "-c", "echo no room >&2; exit 3"},
		"prints nothing":      {"sh", "-c", "echo ready; cat; echo no result >&2"},
		"fails in the end":    {"sh", "-c", `echo ready; cat; echo '{}'; exit 4`},
		"is not there":        {filepath.Join(t.TempDir(), "none")},
	} {
		if l, err := runTogether(t.Context(), [][]string{command}); err == nil {
			t.Errorf("%s: %+v and no error", name, l)
		}
	}
	_, err := runTogether(t.Context(), [][]string{{"sh", "-c", "echo no room >&2; exit 3"}})
	if err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("what the process said is not in %v", err)
	}
}

// The lengths that are hashed are those of the records, or hashing them would be no yardstick.
func TestBulkEvents(t *testing.T) {
	b := &bulk{dir: t.TempDir(), count: 20}
	if err := b.makeEvents(); err != nil {
		t.Fatal(err)
	}
	lengths, err := os.ReadFile(b.lengths)
	if err != nil || len(lengths) != 4*b.count {
		t.Fatalf("%d bytes of lengths, %v", len(lengths), err)
	}
	events, err := readEvents(b.events)
	if err != nil || len(events) != b.count {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		line, _ := chain.AppendRecord(nil, chain.Genesis, e.TS, e.Kind, e.Actor, e.Payload)
		hashed := len(`{"prev_hash":"",`) + chain.HashLen + bytes.LastIndex(line, []byte(`,"prev_hash":"`)) - 1 + len(`}`)
		if got := binary.LittleEndian.Uint32(lengths[4*i:]); int(got) != hashed {
			t.Errorf("event %d: %d bytes are hashed, want %d", i, got, hashed)
		}
	}
	if l, err := appendBatches(b.events, b.dir); err != nil || l.Records != int64(b.count) {
		t.Errorf("%+v, %v", l, err)
	}
}
