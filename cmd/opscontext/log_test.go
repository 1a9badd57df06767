package main

import (
	"bytes"
	"testing"

	"github.com/opscontext/opscontext/segment"
)

func TestA17WarningsWaitAndAreEscaped(t *testing.T) {
	var out bytes.Buffer
	w := &warnings{out: &out}
	w.add(segment.Warning{Path: "/x/audit\x1b[2J.log", Text: "set aside"})
	w.add(segment.Warning{Text: "two\nlines"})
	if out.Len() > 0 {
		t.Fatalf("printed under the lock: %q", out.String())
	}
	w.print()
	w.print()
	if want := "warning: /x/audit\\x1b[2J.log: set aside\nwarning: two\\nlines\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
