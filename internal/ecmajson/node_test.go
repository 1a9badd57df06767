package ecmajson

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// TestB3Differential compares this package with Node on random texts. OPSCONTEXT_DIFFERENTIAL sets how
// many.
func TestB3Differential(t *testing.T) {
	oracle := node(t)
	count := 100_000
	if testing.Short() {
		count = 5_000
	}
	if s := os.Getenv("OPSCONTEXT_DIFFERENTIAL"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("OPSCONTEXT_DIFFERENTIAL=%q: want a number of texts", s)
		}
		count = n
	}
	// Both ends draw the same texts from the same seed, so that none has to be kept.
	texts := func() dice { return rand.New(rand.NewPCG(1, 2)) }

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(count)*time.Millisecond)
	defer cancel()
	cmd := exec.CommandContext(ctx, oracle, "testdata/oracle.mjs")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	asked := make(chan error, 1)
	go func() { asked <- ask(stdin, texts(), count) }()

	answers := bufio.NewReaderSize(stdout, 1<<20)
	d := texts()
	readable := 0
	for i := range count {
		line, err := answers.ReadSlice('\n')
		if err != nil {
			t.Fatalf("answer %d of %d: %v", i+1, count, err)
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		text := randomText(d)
		if string(line) == "!" {
			refuses(t, text)
			continue
		}
		want, err := base64.StdEncoding.AppendDecode(nil, line)
		if err != nil {
			t.Fatalf("answer %d: %v", i+1, err)
		}
		agrees(t, text, want)
		readable++
	}
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if readable < count/2 {
		t.Errorf("only %d of %d texts were JSON: they test too little", readable, count)
	}
	t.Logf("%d texts, %d of them JSON: no difference from Node", count, readable)
}

func ask(stdin io.WriteCloser, d dice, count int) error {
	w := bufio.NewWriterSize(stdin, 1<<16)
	var line []byte
	for range count {
		line = append(base64.StdEncoding.AppendEncode(line[:0], randomText(d)), '\n')
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("ask node: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("ask node: %w", err)
	}
	return stdin.Close()
}

// node gives the path of Node, the reference for everything here.
func node(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("SKIPPED, no comparison with JSON.parse and JSON.stringify themselves: node is not installed")
	}
	return path
}
