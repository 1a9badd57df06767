package archive

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/loggen"
	"github.com/opscontext/opscontext/segment"
)

// benchHome is a directory with one sealed segment of about 32 MB of realistic records.
func benchHome(b *testing.B) (home string, plain segment.Source) {
	b.Helper()
	home = b.TempDir()
	dir := filepath.Join(home, segment.ArchiveDir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	g := loggen.New(1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 80_000)
	var text []byte
	prev := chain.Genesis
	for len(text) < 32<<20 {
		at, kind, actor, payload := g.Next()
		r, err := chain.Seal(prev, at.Format("2006-01-02T15:04:05.000Z"), kind, actor, payload)
		if err != nil {
			b.Fatal(err)
		}
		text = chain.AppendLine(text, &r)
		prev = r.Hash
	}
	if err := os.WriteFile(filepath.Join(dir, "audit-0001.jsonl"), text, 0o600); err != nil {
		b.Fatal(err)
	}
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = snap.Close() })
	return home, snap.Sources[0]
}

// BenchmarkArchive shows what archiving costs beyond the bare compression of the same pieces, and what
// reading from an archive costs beyond reading the plain file. One worker each.
func BenchmarkArchive(b *testing.B) {
	home, plain := benchHome(b)
	path := filepath.Join(home, segment.ArchiveDir, "audit-0001.jsonl.zst")
	nobody := func(int64) {}
	make := func(b *testing.B) *source {
		if err := os.RemoveAll(path); err != nil {
			b.Fatal(err)
		}
		if err := compress(context.Background(), durable.OS(), plain, path, 1, nobody); err != nil {
			b.Fatal(err)
		}
		s, err := open(durable.OS(), path, plain.Segment())
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	run := func(name string, f func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(plain.Size())
			for b.Loop() {
				f(b)
			}
		})
	}
	enc, err := newEncoder(1)
	if err != nil {
		b.Fatal(err)
	}
	run("bare", func(b *testing.B) {
		var buf, out []byte
		for _, e := range plain.Extents(FrameSize) {
			c, err := plain.Read(e, buf)
			if err != nil {
				b.Fatal(err)
			}
			buf, out = c.Data, enc.EncodeAll(c.Data, out[:0])
		}
	})
	run("compress", func(b *testing.B) { make(b) })
	run("compress and read back", func(b *testing.B) {
		m, err := describe(context.Background(), make(b), plain, identity{incarnation: 1}, 1, nil, nobody)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(m.Bytes)/float64(m.Archived.Bytes), "ratio")
	})
	s := make(b)
	for _, src := range []segment.Source{plain, s} {
		run("verify "+src.State().String(), func(b *testing.B) {
			work := func(_ segment.Position, k segment.Chunk) (*chain.Block, error) {
				return chain.JudgeBlock(chain.Input{Offset: k.Offset, Data: k.Data}, chain.Look{}), nil
			}
			err := segment.Walk(context.Background(), []segment.Source{src}, segment.WalkOptions{Workers: 1}, work, func(_ segment.Position, _ *chain.Block, err error) error { return err })
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
