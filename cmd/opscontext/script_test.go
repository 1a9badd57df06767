package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/opscontext/opscontext/chain"
)

func TestMain(m *testing.M) {
	// With the race detector each program would wait a second at its end for reports still to come.
	if err := os.Setenv("GORACE", raceOptions); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"opscontext": func() {
		if text, set := os.LookupEnv(pieceEnv); set {
			size, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				panic(err)
			}
			importPiece = size
		}
		main()
	}})
}

// pieceEnv makes the program of the tests import in pieces of so many bytes.
const pieceEnv = "OPSCONTEXT_TEST_IMPORT_PIECE"

const raceOptions = "atexit_sleep_ms=10"

// TestScripts runs the program as people run it: testdata/script/README tells how.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", raceOptions)
			e.Setenv("CONTEXTENGINE_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      cmdExits,
			"mode":       cmdMode,
			"nodeappend": cmdNodeAppend,
			"events":     cmdEvents,
			"tamper":     cmdTamper,
			"forge":      cmdForge,
			"cutrecords": cmdCutRecords,
			"recompute":  cmdRecompute,
		},
	})
}

// exits CODE PROGRAM [ARG…] runs a program that must end with this exit code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// mode OCTAL PATH… checks permission bits.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mode OCTAL PATH…")
	}
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", name, got, args[0])
		}
	}
}

// nodeappend HOME N appends N records as an existing Node writer does: after the last line of
// audit.log, without a sync, the file made with the process's mode.
func cmdNodeAppend(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: nodeappend HOME N")
	}
	home := ts.MkAbs(args[0])
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.MkdirAll(home, 0o700))
	path := filepath.Join(home, "audit.log")
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		ts.Check(err)
	}
	head := chain.Genesis
	if lines := bytes.Split(bytes.TrimSpace(old), []byte("\n")); len(lines[len(lines)-1]) > 0 {
		head, err = chain.HeadOf(lines[len(lines)-1])
		ts.Check(err)
	}
	var text []byte
	for i := range n {
		r, err := chain.Seal(head, fmt.Sprintf("2026-01-02T03:04:%02d.000Z", i%60), "node.event", "system", fmt.Appendf(nil, `{"i":%d}`, i))
		ts.Check(err)
		text = chain.AppendLine(text, &r)
		head = r.Hash
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = f.Write(text)
	ts.Check(err)
	ts.Check(f.Close())
}

// events FILE N writes N lines of input for append.
func cmdEvents(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: events FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"event\":\"test.event\",\"payload\":{\"i\":%d}}\n", i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// tamper FILE OLD NEW puts NEW for the first OLD in FILE, which must be there. Both are Go string
// literals without their quotes.
func cmdTamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: tamper FILE OLD NEW")
	}
	old, err := strconv.Unquote("`" + args[1] + "`")
	ts.Check(err)
	replacement, err := strconv.Unquote(`"` + strings.ReplaceAll(args[2], `"`, `\"`) + `"`)
	ts.Check(err)
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	if !bytes.Contains(text, []byte(old)) {
		ts.Fatalf("%s does not hold %q", args[0], old)
	}
	ts.Check(os.Chmod(path, 0o600))
	ts.Check(os.WriteFile(path, bytes.Replace(text, []byte(old), []byte(replacement), 1), 0o600))
}

// forge HOME FILE KIND OLD NEW chains a record onto the live log of HOME whose kind and payload are
// those of the last such record in FILE, but for NEW instead of OLD; its hash is right.
func cmdForge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: forge HOME FILE KIND OLD NEW")
	}
	from, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	var payload []byte
	for line := range bytes.Lines(from) {
		if r := chain.ReadLine(bytes.TrimSuffix(line, []byte("\n"))).Record; r.Event == args[2] {
			payload = r.Payload
		}
	}
	if !bytes.Contains(payload, []byte(args[3])) {
		ts.Fatalf("no %s in %s holds %q: %s", args[2], args[1], args[3], payload)
	}
	live := filepath.Join(ts.MkAbs(args[0]), "audit.log")
	text, err := os.ReadFile(live)
	ts.Check(err)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	head, err := chain.HeadOf(lines[len(lines)-1])
	ts.Check(err)
	r, err := chain.Seal(head, "2026-07-01T00:00:00.000Z", args[2], "system", bytes.Replace(payload, []byte(args[3]), []byte(args[4]), 1))
	ts.Check(err)
	ts.Check(os.WriteFile(live, chain.AppendLine(text, &r), 0o600))
}

// cutrecords FILE N takes the last N lines off a file.
func cmdCutRecords(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cutrecords FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	if len(lines) <= n {
		ts.Fatalf("%s has %d lines", args[0], len(lines)-1)
	}
	ts.Check(os.WriteFile(path, bytes.Join(lines[:len(lines)-1-n], nil), 0o600))
}

// recompute FILE FROM TO gives the records on these lines, from 1, the hashes that their content has, each
// chained onto the one before it.
func cmdRecompute(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: recompute FILE FROM TO")
	}
	from, err := strconv.Atoi(args[1])
	ts.Check(err)
	to, err := strconv.Atoi(args[2])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	head, err := chain.HeadOf(bytes.TrimSpace(lines[from-2]))
	ts.Check(err)
	for i := from - 1; i < to; i++ {
		old := chain.ReadLine(bytes.TrimSpace(lines[i])).Record
		r, err := chain.Seal(head, old.TS, old.Event, old.Actor, old.Payload)
		ts.Check(err)
		lines[i], head = chain.AppendLine(nil, &r), r.Hash
	}
	ts.Check(os.WriteFile(path, bytes.Join(lines, nil), 0o600))
}
