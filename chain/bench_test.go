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

// BenchmarkJudge measures the full verdict, of a clean log and of one with copies, and hashing alone
// against their yardstick, crypto/sha256 over the same hashed bytes, on the same data in the same run.
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
	b.Run("hashes", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		var buf []byte
		for b.Loop() {
			for _, l := range lines[:n] {
				var r chain.Rehashed
				if r, buf = chain.Rehash(l[:len(l)-1], buf); !r.Right {
					b.Fatalf("not right: %s", l)
				}
			}
		}
	})
	b.Run("judge", func(b *testing.B) { benchmarkJudge(b, data, n, 0) })
	// One record in a hundred is there twice.
	var copied []byte
	for i, l := range lines[:n] {
		copied = append(copied, l...)
		if i%100 == 99 {
			copied = append(copied, l...)
		}
	}
	b.Run("copies", func(b *testing.B) { benchmarkJudge(b, copied, n+n/100, n/100) })
}

func benchmarkJudge(b *testing.B, data []byte, records, copies int64) {
	b.SetBytes(int64(len(data)))
	ins := cut(0, data, 1<<20)
	again := func(_ context.Context, from, to int, each func(int, chain.Input)) error {
		for i := from; i < to; i++ {
			each(i, ins[i])
		}
		return nil
	}
	for b.Loop() {
		j := chain.NewJudge([]chain.SourceInfo{{Name: "audit.log", Live: true}})
		for _, in := range ins {
			j.Join(chain.JudgeBlock(in, chain.Look{}))
		}
		v, err := j.Finish(context.Background(), again, chain.Rules{Forks: chain.Fork})
		if err != nil || v.Records != records || v.Copies != copies || int64(len(v.Findings)) != copies {
			b.Fatal(v.Records, v.Copies, len(v.Findings), err)
		}
	}
}
