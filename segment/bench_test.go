package segment

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opscontext/opscontext/internal/durable"
)

// benchEvent has the length of a usual record: its line is about 380 bytes.
var benchEvent = Event{Kind: "vscode.tool_call", Actor: "claude-code",
	Payload: fmt.Appendf(nil, `{"surface":"claude-code","tool":"Bash","args_preview":"%s","session":"13ad9eb9380abbe1"}`, strings.Repeat("x", 60))}

// BenchmarkAppend measures durable appends of one writer and of 64 beside the least that one can cost
// on this disk at this moment: a loop of write and fdatasync. They take turns, since rates of disks
// swing: only the ratios mean something.
func BenchmarkAppend(b *testing.B) {
	for name, sharing := range map[string]Sharing{"exclusive": Exclusive, "shared": ShareWithNode} {
		b.Run(name, func(b *testing.B) {
			home := b.TempDir()
			l, err := Open(filepath.Join(home, "home"), Options{State: filepath.Join(home, "state"), Sharing: sharing})
			if err != nil {
				b.Fatal(err)
			}
			f, err := durable.OS().OpenFile(filepath.Join(home, "bare"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _, _ = l.Close(), f.Close() })
			line := []byte(strings.Repeat("x", 379) + "\n")
			bare := func() error {
				if _, err := f.Write(line); err != nil {
					return err
				}
				return f.Sync()
			}
			ours := func() error {
				_, err := l.Append(context.Background(), benchEvent) // a caller that cannot stop waiting
				return err
			}
			var one, many, least pace
			for int(one.n) < b.N {
				least.run(b, 1, bare)
				one.run(b, 1, ours)
				many.run(b, 64, ours)
			}
			b.ReportMetric(one.rate(), "appends/s")
			b.ReportMetric(one.rate()/least.rate(), "one/bare")
			b.ReportMetric(many.rate()/one.rate(), "64/one")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// pace is how much was done in how much time.
type pace struct {
	n    int64
	took time.Duration
}

func (p *pace) rate() float64 { return float64(p.n) / p.took.Seconds() }

// run adds a turn.
func (p *pace) run(b *testing.B, workers int, do func() error) {
	const turn = 20 * time.Millisecond
	var done atomic.Int64
	start := time.Now()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for time.Since(start) < turn {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	p.n, p.took = p.n+done.Load(), p.took+time.Since(start)
}
