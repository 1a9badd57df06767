package segment

import (
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

// BenchmarkAppend measures durable appends beside the least that one can cost on this disk at this
// moment: a loop of write and fdatasync. Rates of disks swing, so only the ratios mean something.
func BenchmarkAppend(b *testing.B) {
	for _, sharing := range []Sharing{Exclusive, ShareWithNode} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("sharing=%d/writers=%d", sharing, writers), func(b *testing.B) {
				home := b.TempDir()
				l, err := Open(filepath.Join(home, "home"), Options{State: filepath.Join(home, "state"), Sharing: sharing})
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close() //nolint:errcheck // nothing depends on it here
				if _, err := l.Append(b.Context(), benchEvent); err != nil {
					b.Fatal(err)
				}
				f, err := durable.OS().OpenFile(filepath.Join(home, "bare"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
				if err != nil {
					b.Fatal(err)
				}
				defer f.Close() //nolint:errcheck // nothing depends on it here
				line := []byte(strings.Repeat("x", 379) + "\n")
				// In turns, so that both meet the same neighbours.
				const turn = 20 * time.Millisecond
				var ours, bare, ourTime, bareTime int64
				for int(ours) < b.N {
					n, d := forAWhile(turn, writers, func() {
						if _, err := l.Append(b.Context(), benchEvent); err != nil {
							b.Error(err)
						}
					})
					ours, ourTime = ours+n, ourTime+int64(d)
					n, d = forAWhile(turn, 1, func() {
						if _, err := f.Write(line); err != nil {
							b.Error(err)
						}
						if err := f.Sync(); err != nil { // fdatasync where there is one
							b.Error(err)
						}
					})
					bare, bareTime = bare+n, bareTime+int64(d)
				}
				b.ReportMetric(float64(ours)/float64(ourTime)*1e9, "appends/s")
				b.ReportMetric(float64(ours)/float64(ourTime)/(float64(bare)/float64(bareTime)), "x-bare")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func forAWhile(d time.Duration, workers int, do func()) (n int64, took time.Duration) {
	var done atomic.Int64
	start := time.Now()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for time.Since(start) < d {
				do()
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return done.Load(), time.Since(start)
}
