package verify_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
)

const vectors = "../../testdata/vectors"

// copyHome copies a kept home to where a test may write.
func copyHome(t *testing.T, from string) string {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return home
	}
	if err := os.CopyFS(home, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return home
}

func run(t *testing.T, o verify.Options) *report.Report {
	t.Helper()
	o.Tool, o.Command = "opscontext test", "audit_verify"
	r, err := verify.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func classes(r *report.Report) (cs []chain.Class) {
	for _, f := range r.Findings {
		cs = append(cs, f.Class)
	}
	return cs
}

// TestB14Vectors holds exit code and classes on every kept log, with its files as they lie on disk.
func TestB14Vectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(vectors, "expect.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expect struct {
		Expect map[string]struct {
			Exit []int
			Has  []chain.Class
		}
	}
	if err := json.Unmarshal(b, &expect); err != nil {
		t.Fatal(err)
	}
	if len(expect.Expect) < 60 {
		t.Fatalf("%d vectors, want at least 60", len(expect.Expect))
	}
	for name, want := range expect.Expect {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := copyHome(t, filepath.Join(vectors, name, "home"))
			r := run(t, verify.Options{Home: home, State: t.TempDir()})
			if !slices.Contains(want.Exit, r.Exit) {
				t.Errorf("exit %d, want one of %v: %s", r.Exit, want.Exit, r.Verdict)
			}
			for _, class := range want.Has {
				if !slices.Contains(classes(r), class) {
					t.Errorf("no %s among %v", class, classes(r))
				}
			}
			if r.OK && !r.Compat.OK {
				t.Error("laxer than existing verifiers")
			}
			if r.OK != (r.Exit == 0) {
				t.Errorf("ok %v with exit %d", r.OK, r.Exit)
			}
		})
	}
}
