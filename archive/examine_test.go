package archive

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

func TestExamine(t *testing.T) {
	const manifest = "audit-0001.manifest.json"
	for name, c := range map[string]struct {
		damage   func(t *testing.T, m *durable.Mem, vouched *[]chain.Archive)
		err      error
		attested bool
		says     []string // one for each contradiction
	}{
		"as it was made": {attested: true},
		"not attested":   {damage: func(_ *testing.T, _ *durable.Mem, v *[]chain.Archive) { *v = (*v)[1:] }},
		"attested twice": {damage: func(_ *testing.T, _ *durable.Mem, v *[]chain.Archive) { *v = append(*v, (*v)[0]) }, attested: true},
		"no manifest":    {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) { remove(t, m, archivePath(manifest)) }, err: fs.ErrNotExist},
		"no manifest, another file": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			remove(t, m, archivePath(manifest))
			put(t, m, archivePath(testFile), frameUp(t, unzstd(t, readFile(t, m, archivePath(testFile))), 3))
		}, err: fs.ErrNotExist, says: []string{"a compressed file with"}},
		"a newer manifest": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(manifest), []byte(`{"format":"opscontext.manifest/2"}`))
		}, err: chain.ErrUnknownVersion},
		"no manifest but garbage": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(manifest), []byte("x"))
		}, err: ErrManifest},
		"of another segment": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(manifest), readFile(t, m, archivePath("audit-0002.manifest.json")))
		}, says: []string{"is of audit-0002"}},
		"swapped with another segment": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(testFile), readFile(t, m, archivePath("audit-0002.jsonl.zst")))
		}, says: []string{"the chain vouches for a compressed file", "the manifest is of a compressed file", "first", "last", "records", "lines", "ts_min", "ts_max", " bytes ", "sha256", "archived bytes", "frames", "events", "actors", "system", "root"}},
		"compressed otherwise": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(testFile), frameUp(t, unzstd(t, readFile(t, m, archivePath(testFile))), 3))
		}, says: []string{"the chain vouches for a compressed file", "the manifest is of a compressed file", "archived bytes", "frames"}},
		"counts changed, not attested": {damage: func(t *testing.T, m *durable.Mem, v *[]chain.Archive) {
			*v = nil
			put(t, m, archivePath(manifest), bytes.Replace(readFile(t, m, archivePath(manifest)), []byte(`"name":"test.kind0"`), []byte(`"name":"fest.kind0"`), 1))
		}, says: []string{"events"}},
		"counts changed": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(manifest), bytes.Replace(readFile(t, m, archivePath(manifest)), []byte(`"name":"actor0"`), []byte(`"name":"acter0"`), 1))
		}, says: []string{"the chain vouches for a manifest", "actors"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newHome(t, 12, 20, 3)
			mustRun(t, options(m))
			v := vouched(t, mustHistory(t, m))
			if c.damage != nil {
				c.damage(t, m, &v)
			}
			e, err := Examine(t.Context(), m, openTest(t, m, testFile), v, 2)
			if err != nil {
				t.Fatal(err)
			}
			if !errors.Is(e.Err, c.err) || (e.Manifest == nil) != (c.err != nil) || e.Attested != c.attested {
				t.Errorf("manifest %v (%v), attested %v", e.Manifest != nil, e.Err, e.Attested)
			}
			if !slices.EqualFunc(e.Contradictions, c.says, strings.Contains) {
				t.Errorf("contradictions %q, want %q", e.Contradictions, c.says)
			}
		})
	}
}
