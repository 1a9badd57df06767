package segment_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opscontext/opscontext/segment"
)

// TestYearEndsAfterACrash: what settle writes down in the new year belongs to the segment of the old
// one and does not keep it from ending, neither in the process that writes it nor in a later one.
func TestYearEndsAfterACrash(t *testing.T) {
	for _, later := range []string{"same process", "another process"} {
		t.Run(later, func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "home")
			live := filepath.Join(home, segment.LiveName)
			now := time.Date(2025, 12, 31, 23, 59, 0, 0, time.UTC)
			o := segment.Options{Now: func() time.Time { return now }}
			write := func(kind string) {
				t.Helper()
				l, err := segment.Open(home, o)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := l.Append(context.Background(), segment.Event{Kind: kind, Payload: []byte("{}")}); err != nil {
					t.Fatal(err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			write("x.old")
			f, err := os.OpenFile(live, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString(`{"ts":"2026-01-01T00:00`); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			now = now.Add(2 * time.Minute)
			if later == "another process" {
				// It gets as far as the audit.torn_tail and is killed: a rotation that cannot run
				// leaves the same behind.
				o.Period = segment.PeriodNone
				write("x.unrotated")
				data, err := os.ReadFile(live)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(live, cutLastLine(data), 0o600); err != nil {
					t.Fatal(err)
				}
				o.Period = segment.PeriodYear
			}
			write("x.new")
			if _, err := os.Stat(filepath.Join(home, segment.ArchiveDir, "audit-0001.jsonl")); err != nil {
				t.Errorf("the year did not end: %v", err)
			}
		})
	}
}

// cutLastLine takes the last line off.
func cutLastLine(data []byte) []byte {
	for n := len(data) - 1; n > 0; n-- {
		if data[n-1] == '\n' {
			return data[:n]
		}
	}
	return nil
}
