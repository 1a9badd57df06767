package adopt_test

import (
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// records are the records of a home, in reading order.
func records(t testing.TB, home string) []chain.Record {
	t.Helper()
	return recordsOn(t, durable.OS(), home)
}

func recordsOn(t testing.TB, fsys durable.FS, home string) (all []chain.Record) {
	t.Helper()
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{FS: fsys, OpenArchived: archive.Opener(fsys)})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close() //nolint:errcheck // it was read only
	for _, src := range snap.Sources {
		for _, e := range src.Extents(1 << 20) {
			c, err := src.Read(e, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range c.Lines() {
				if r := chain.ReadLine(line); r.Class != chain.LineUnreadable {
					all = append(all, r.Record)
				}
			}
		}
	}
	return all
}
