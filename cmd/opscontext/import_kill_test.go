package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// TestImportIsKilled kills imports at twenty random moments, has others append in between, and lets
// each go on until it is complete: every event is then there once, in order, in segments of one year
// as far as nobody else wrote.
func TestImportIsKilled(t *testing.T) {
	t.Parallel()
	const events, kills = 3000, 20
	dir := t.TempDir()
	past := filepath.Join(dir, "past.jsonl")
	var text bytes.Buffer
	for n := range events {
		at := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 12 * time.Hour)
		fmt.Fprintf(&text, "{\"ts\":%q,\"event\":\"past.event\",\"actor\":\"x\",\"payload\":{\"n\":%d,\"pad\":%q}}\n",
			at.Format("2006-01-02T15:04:05.000Z"), n, strings.Repeat("y", n%60))
	}
	if err := os.WriteFile(past, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	took := importKilled(t, filepath.Join(dir, "whole"), past, 0)
	if took == 0 {
		t.Fatal("an import without a kill failed")
	}
	for killed, home := 0, 1; killed < kills; home++ {
		dir := filepath.Join(dir, fmt.Sprint("home", home))
		others := 0
		for tries := 1; ; tries++ {
			if killed == kills || tries > 3*kills {
				if importKilled(t, dir, past, 0) == 0 {
					t.Fatal("the import that was left alone did not end well")
				}
				break
			}
			if importKilled(t, dir, past, time.Duration(1+rng.Int64N(int64(took)/3+1))) > 0 {
				break
			}
			killed++
			if rng.IntN(3) == 0 {
				others++
				runIn(t, dir, "append", "--event", "other.event", "--payload", "{}")
			}
		}
		checkImported(t, dir, text.String(), others)
		runIn(t, dir, "audit_verify")
	}
}

// importKilled imports a file, and kills the program after a while, if that is not 0. It returns how
// long it took, 0 if it was killed first.
func importKilled(t *testing.T, home, past string, after time.Duration) time.Duration {
	t.Helper()
	cmd := exec.Command("opscontext", "import", "--keep-time", "--allow-back-dated", past, "--home", home, "--state", home+".state")
	cmd.Env = append(os.Environ(), pieceEnv+"=8000")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		stop := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may be over
		defer stop.Stop()
	}
	err := cmd.Wait()
	switch exit, ok := errors.AsType[*exec.ExitError](err); {
	case err == nil:
		return max(time.Since(start), 1)
	case ok && exit.ExitCode() == -1 && after > 0:
		return 0
	case ok && exit.ExitCode() == int(exitRefused) && strings.Contains(errs.String(), "it was imported"):
		return max(time.Since(start), 1) // killed when all was done but the exit
	}
	t.Fatalf("the import failed: %v: %s", err, errs.String())
	return 0
}

func runIn(t *testing.T, home string, args ...string) {
	t.Helper()
	cmd := exec.Command("opscontext", append(args, "--home", home, "--state", home+".state")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
}

// checkImported reads the files of a home by themselves.
func checkImported(t *testing.T, home, past string, others int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(home, "audit-archive", "audit-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	var got strings.Builder
	head, closed, seen := chain.Genesis, 0, 0
	for i, file := range append(files, filepath.Join(home, "audit.log")) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		years := map[string]bool{}
		for n, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
			r := chain.ReadLine([]byte(line))
			if r.Class != chain.LineExact || r.Record.Prev != head {
				t.Fatalf("%s line %d is class %d and follows %s, not %s", file, n+1, r.Class, r.Record.Prev.Short(), head.Short())
			}
			head = r.Record.Hash
			years[r.Record.TS[:4]] = true
			switch kind := r.Record.Event; {
			case n == 0 && i > 0 && kind != chain.KindRotate:
				t.Errorf("%s begins with %s", file, kind)
			case kind == "past.event":
				fmt.Fprintf(&got, "%s}\n", line[:strings.LastIndex(line, `,"prev_hash"`)])
			case kind == "other.event":
				seen++
			case kind == chain.KindImport:
				closed++
			case kind != chain.KindRotate && kind != chain.KindTornTail:
				t.Errorf("%s line %d is %s", file, n+1, kind)
			}
		}
		if others == 0 && len(years) > 1 && !strings.Contains(string(data), chain.KindTornTail) {
			t.Errorf("%s spans %d years", file, len(years))
		}
	}
	if got.String() != past {
		t.Errorf("%s does not hold what was imported", home)
	}
	if closed != 1 || seen != others {
		t.Errorf("%s has %d audit.import and %d records of others, want 1 and %d", home, closed, seen, others)
	}
	left, err := filepath.Glob(filepath.Join(home, "audit-archive", ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
