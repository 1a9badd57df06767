package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
)

// A process is not charged with what the one that wants to know has held.
func TestPeakIsThatOfTheCommand(t *testing.T) {
	held := make([]byte, 128<<20)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	lengths := filepath.Join(t.TempDir(), "lengths")
	if err := os.WriteFile(lengths, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mib, err := peakOf(t.Context(), exec.CommandContext(t.Context(), self, "-part", "sums", lengths))
	if err != nil || mib < 1 || mib > 100 {
		t.Errorf("%v MiB, %v; this process holds %d", mib, err, len(held)>>20)
	}
	if _, err := peakOf(t.Context(), exec.CommandContext(t.Context(), self, "-part", "sums", lengths+".none")); err == nil {
		t.Error("a command that fails has a peak")
	}
}

func TestOddRecords(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit.log")
	if err := writeRecords(log, 30, oddities{10, []oddity{forked, doubled, respelled}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != 31 || lines[19] != lines[20] {
		t.Fatalf("%d lines, and the 20th is not there twice", len(lines))
	}
	var last [2]chain.Hash
	for i, line := range append(lines[:20], lines[21:]...) {
		r := chain.ReadLine([]byte(line))
		parent, class := last[1], chain.LineExact
		switch i {
		case 9:
			parent = last[0]
		case 29:
			class = chain.LineReEncoded
		}
		if r.Class != class || r.Record.Prev != parent {
			t.Errorf("record %d is %v and follows %v: want %v and %v", i, r.Class, r.Record.Prev, class, parent)
		}
		last = [2]chain.Hash{last[1], r.Record.Hash}
	}
}

// What is measured as hashes and links alone does follow them, across the borders of pieces, too.
func TestLinks(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit.log")
	if err := writeRecords(log, 6000, oddities{}); err != nil {
		t.Fatal(err)
	}
	if err := links(t.Context(), log); err != nil {
		t.Error(err)
	}
	clean, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for name, odd := range map[string]oddities{"a fork": {5000, []oddity{forked}}, "a copy": {5000, []oddity{doubled}}, "another spelling": {5000, []oddity{respelled}}} {
		if err := os.Remove(log); err != nil {
			t.Fatal(err)
		}
		if err := writeRecords(log, 6000, odd); err != nil {
			t.Fatal(err)
		}
		if err := links(t.Context(), log); err == nil {
			t.Errorf("%s is not seen", name)
		}
	}
	second := strings.IndexByte(string(clean), '\n') + 1
	if err := os.WriteFile(log, clean[second:], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := links(t.Context(), log); err == nil {
		t.Error("a missing first record is not seen")
	}
}

func TestLengthsOfMessages(t *testing.T) {
	dir := t.TempDir()
	log, lengths := filepath.Join(dir, "audit.log"), filepath.Join(dir, "lengths")
	line := `{"ts":"2026-01-01T00:00:00.000Z","event":"a","actor":"b","payload":{},"prev_hash":"` + chain.Genesis.String() + `","hash":"` + chain.Genesis.String() + `"}`
	message := `{"prev_hash":"` + chain.Genesis.String() + `",` + strings.Split(line[1:], `,"prev_hash"`)[0] + "}"
	if err := os.WriteFile(log, []byte(line+"\n"+line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeLengths(log, lengths); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(lengths)
	if want := []byte{byte(len(message)), 0, 0, 0, byte(len(message)), 0, 0, 0}; err != nil || string(got) != string(want) {
		t.Errorf("%v, %v: want %v", got, err, want)
	}
	if err := os.WriteFile(log, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeLengths(log, lengths); err == nil {
		t.Error("a line without a record has a message")
	}
}
