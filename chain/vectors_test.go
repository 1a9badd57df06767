package chain_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/opscontext/opscontext/chain"
)

const vectors = "../testdata/vectors"

// TestB14Vectors holds the report of existing verifiers on every kept log, however the log is cut into
// blocks, and the classes that must be among the findings.
func TestB14Vectors(t *testing.T) {
	var expect struct {
		Expect map[string]struct{ Has []chain.Class }
	}
	decode(t, filepath.Join(vectors, "expect.json"), &expect)
	if len(expect.Expect) < 60 {
		t.Fatalf("%d vectors, want at least 60", len(expect.Expect))
	}
	for name, want := range expect.Expect {
		t.Run(name, func(t *testing.T) {
			var e struct {
				Strict  bool
				Compat  chain.Compat `json:"upstream_new"`
				Renamed any
			}
			decode(t, filepath.Join(vectors, name, "expected.json"), &e)
			files := readHome(t, filepath.Join(vectors, name, "home"))
			for _, size := range []int{1, 700, 5000, 1 << 20} {
				v := judge(t, files, size)
				if e.Compat.Total == 0 && !e.Compat.OK && e.Compat.BreakAtIndex == nil {
					if v.Compat.OK {
						t.Errorf("block size %d: ok where existing verifiers fail", size)
					}
					continue
				}
				ignore := cmpopts.IgnoreFields(chain.Compat{}, "BreakReason")
				if d := cmp.Diff(e.Compat, v.Compat, ignore, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("block size %d: compat differs (-want +got):\n%s", size, d)
				}
				for _, class := range want.Has {
					if class == chain.LiveMissing {
						continue // shown by the files, not by the records
					}
					if !has(v, class) {
						t.Errorf("block size %d: no %s among %v", size, class, classes(v))
					}
				}
			}
		})
	}
}

func has(v *chain.Verdict, c chain.Class) bool {
	for _, f := range v.Findings {
		if f.Class == c {
			return true
		}
	}
	return false
}

func classes(v *chain.Verdict) (cs []chain.Class) {
	for _, f := range v.Findings {
		cs = append(cs, f.Class)
	}
	return cs
}

func decode(t testing.TB, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
