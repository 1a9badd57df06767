package segment_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/loggen"
	"github.com/opscontext/opscontext/segment"
)

// BenchmarkHistory shows that append and rotate do not grow with the log: the same work on a live log
// of the same size, with 1 MB and with 2 GB of sealed segments beside it, in one run.
func BenchmarkHistory(b *testing.B) {
	for _, history := range []int64{1 << 20, 2 << 30} {
		home, state := b.TempDir(), b.TempDir()
		fillHistory(b, home, history)
		open := func(b *testing.B) *segment.Log {
			l, err := segment.Open(home, segment.Options{State: state})
			if err != nil {
				b.Fatal(err)
			}
			return l
		}
		event := segment.Event{Kind: "x.y", Payload: []byte(`{"n":1}`)}
		name := fmt.Sprintf("history=%dMB", history>>20)
		b.Run("append/"+name, func(b *testing.B) {
			for b.Loop() { // each as a process of its own would
				l := open(b)
				if _, err := l.Append(context.Background(), event); err != nil {
					b.Fatal(err)
				}
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("rotate/"+name, func(b *testing.B) {
			for b.Loop() {
				l := open(b)
				if _, err := l.Append(context.Background(), event); err != nil {
					b.Fatal(err)
				}
				if _, err := l.Rotate(context.Background()); err != nil {
					b.Fatal(err)
				}
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fillHistory puts sealed segments of about size bytes in all into a new home, each with the same
// records: nothing that is measured reads them. The live log is small.
func fillHistory(b *testing.B, home string, size int64) {
	b.Helper()
	const most = 64 << 20
	g := loggen.New(1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 80_000)
	var lines []byte
	prev := chain.Genesis
	for int64(len(lines)) < min(size, most) {
		ts, kind, actor, payload := g.Next()
		r, err := chain.Seal(prev, ts.UTC().Format("2006-01-02T15:04:05.000Z"), kind, actor, payload)
		if err != nil {
			b.Fatal(err)
		}
		prev = r.Hash
		lines = chain.AppendLine(lines, &r)
	}
	archive := filepath.Join(home, segment.ArchiveDir)
	if err := os.Mkdir(archive, 0o700); err != nil {
		b.Fatal(err)
	}
	n := 1
	for left := size; left > 0; left -= int64(len(lines)) {
		if err := os.WriteFile(filepath.Join(archive, fmt.Sprintf("audit-%04d.jsonl", n)), lines, 0o400); err != nil {
			b.Fatal(err)
		}
		n++
	}
	r, err := chain.Seal(prev, "2026-11-01T00:00:00.000Z", "x.y", "system", []byte("{}"))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, segment.LiveName), chain.AppendLine(nil, &r), 0o600); err != nil {
		b.Fatal(err)
	}
}
