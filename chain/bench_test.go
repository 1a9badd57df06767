package chain_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/loggen"
)

// realistic is a chained history of n records.
func realistic(n int) []byte {
	g := loggen.New(1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 80_000)
	var out []byte
	prev := chain.Genesis
	for range n {
		ts, kind, actor, payload := g.Next()
		r, err := chain.Seal(prev, ts.UTC().Format("2006-01-02T15:04:05.000Z"), kind, actor, payload)
		if err != nil {
			panic(err)
		}
		prev = r.Hash
		out = chain.AppendLine(out, &r)
	}
	return out
}

// BenchmarkJudge measures the full verdict against its yardstick, crypto/sha256 over the same hashed
// bytes, on the same data in the same run.
func BenchmarkJudge(b *testing.B) {
	const n = 20_000
	data := realistic(n)
	lines := bytes.SplitAfter(data, []byte("\n"))
	messages := make([][]byte, 0, n)
	for _, l := range lines[:n] {
		messages = append(messages, l[:len(l)-80])
	}
	b.Run("sha256", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			for _, m := range messages {
				sha256.Sum256(m)
			}
		}
	})
	b.Run("judge", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		ins := cut(0, data, 1<<20)
		for b.Loop() {
			j := chain.NewJudge([]chain.SourceInfo{{Name: "audit.log", Live: true}})
			for _, in := range ins {
				j.Join(chain.JudgeBlock(in, chain.Look{}))
			}
			v, err := j.Finish(context.Background(), nil, chain.Rules{Forks: chain.Fork})
			if err != nil || v.Records != n || len(v.Findings) != 0 {
				b.Fatal(v.Records, v.Findings, err)
			}
		}
	})
}
