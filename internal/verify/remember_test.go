package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// site is a home, and a machine that remembers it.
type site struct {
	t           *testing.T
	home, state string
	n           int
}

func newSite(t *testing.T) *site {
	dir := t.TempDir()
	return &site{t: t, home: filepath.Join(dir, "home"), state: filepath.Join(dir, "state")}
}

// append appends n records, as a command of its own.
func (s *site) append(n int) (warnings []segment.Warning) {
	s.t.Helper()
	l, err := segment.Open(s.home, segment.Options{State: s.state, MaxBytes: 1 << 20, Warn: func(w segment.Warning) { warnings = append(warnings, w) }})
	if err != nil {
		s.t.Fatal(err)
	}
	for range n {
		s.n++
		if _, err := l.Append(context.Background(), segment.Event{Kind: "x.y", Payload: fmt.Appendf(nil, `{"n":%d}`, s.n)}); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		s.t.Fatal(err)
	}
	return warnings
}

func (s *site) rotate() {
	s.t.Helper()
	l, err := segment.Open(s.home, segment.Options{State: s.state})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := l.Rotate(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// foreignAppend appends as existing writers do: no lock of ours, no mark.
func (s *site) foreignAppend(n int) {
	s.t.Helper()
	path := filepath.Join(s.home, segment.LiveName)
	b, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
	head, err := chain.HeadOf(lines[len(lines)-1])
	if err != nil {
		s.t.Fatal(err)
	}
	for range n {
		s.n++
		r, err := chain.Seal(head, "2026-11-01T00:00:00.000Z", "x.foreign", "system", fmt.Appendf(nil, `{"n":%d}`, s.n))
		if err != nil {
			s.t.Fatal(err)
		}
		b = chain.AppendLine(b, &r)
		head = r.Hash
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// copyTo copies the home.
func (s *site) copyTo(name string) string {
	s.t.Helper()
	to := filepath.Join(filepath.Dir(s.home), name)
	if err := os.CopyFS(to, os.DirFS(s.home)); err != nil {
		s.t.Fatal(err)
	}
	return to
}

// putBack puts a copy in the place of the home.
func (s *site) putBack(from string) {
	s.t.Helper()
	if err := os.RemoveAll(s.home); err != nil {
		s.t.Fatal(err)
	}
	if err := os.CopyFS(s.home, os.DirFS(from)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) verify() *report.Report {
	s.t.Helper()
	return run(s.t, verify.Options{Home: s.home, State: s.state})
}

// want asserts the exit code, a class and a word of its meaning.
func (s *site) want(r *report.Report, exit int, class chain.Class, words string) {
	s.t.Helper()
	if r.Exit != exit {
		s.t.Errorf("exit %d, want %d: %s", r.Exit, exit, r.Verdict)
	}
	for _, f := range r.Findings {
		if f.Class == class && strings.Contains(f.Meaning, words) {
			return
		}
	}
	s.t.Errorf("no %s that says %q among %+v", class, words, r.Findings)
}

func TestF26RolledBack(t *testing.T) {
	s := newSite(t)
	s.append(100)
	if r := s.verify(); r.Exit != 0 || !r.Mark.Agrees || *r.Mark.Record != 99 {
		t.Fatalf("before: exit %d, mark %+v, %s", r.Exit, r.Mark, r.Verdict)
	}
	older := s.copyTo("older")
	s.append(50)
	s.putBack(older)
	s.want(s.verify(), 3, chain.RolledBack, "50 records")
	if w := s.append(1); len(w) == 0 {
		t.Error("the writer went on without a warning")
	}
	r := s.verify()
	s.want(r, 3, chain.RolledBack, "50 records")
	if len(r.Breaks) != 1 || r.Breaks[0].Found != chain.RolledBack {
		t.Errorf("breaks %+v", r.Breaks)
	}
	if !r.Mark.Agrees {
		t.Error("the mark did not move")
	}
}

func TestF26RolledBackAndLongerThanBefore(t *testing.T) {
	s := newSite(t)
	s.append(100)
	older := s.copyTo("older")
	s.append(50)
	s.putBack(older)
	s.foreignAppend(60)
	s.want(s.verify(), 3, chain.RolledBack, "")
	if w := s.append(1); len(w) == 0 {
		t.Error("the writer went on without a warning")
	}
	s.want(s.verify(), 3, chain.RolledBack, "")
}

func TestA5Replaced(t *testing.T) {
	s, other := newSite(t), newSite(t)
	s.append(10)
	other.append(20)
	s.putBack(other.home)
	s.want(s.verify(), 3, chain.Replaced, "")
	s.append(1)
	s.want(s.verify(), 3, chain.Replaced, "")
}

func TestA6LiveMissing(t *testing.T) {
	s := newSite(t)
	s.append(10)
	s.rotate()
	s.append(5)
	if err := os.Remove(filepath.Join(s.home, segment.LiveName)); err != nil {
		t.Fatal(err)
	}
	s.want(s.verify(), 3, chain.LiveMissing, "")
	s.append(1)
	r := s.verify()
	s.want(r, 3, chain.LiveMissing, "")
	if slices.Contains(classes(r), chain.SecondGenesis) || slices.Contains(classes(r), chain.Missing) {
		t.Errorf("the writer did not go on from the last segment: %v", classes(r))
	}
}

func TestA6AllDeleted(t *testing.T) {
	s := newSite(t)
	s.append(10)
	if err := os.RemoveAll(s.home); err != nil {
		t.Fatal(err)
	}
	s.want(s.verify(), 3, chain.RolledBack, "10 records")
	s.append(1)
	s.want(s.verify(), 3, chain.RolledBack, "10 records")
}

func TestCopyElsewhere(t *testing.T) {
	s := newSite(t)
	s.append(10)
	elsewhere := s.copyTo("elsewhere")
	s.append(5)
	r := run(t, verify.Options{Home: elsewhere, State: s.state})
	s.want(r, 0, chain.OlderCopy, "")
}

func TestNoMark(t *testing.T) {
	s := newSite(t)
	s.append(10)
	r := run(t, verify.Options{Home: s.home, State: t.TempDir()})
	if r.Exit != 0 || !strings.HasPrefix(r.Axes.Completeness, "unknown") {
		t.Errorf("exit %d, completeness %q", r.Exit, r.Axes.Completeness)
	}
}

func TestNothingThere(t *testing.T) {
	s := newSite(t)
	if r := s.verify(); r.Exit != 5 || r.OK {
		t.Errorf("exit %d, %s", r.Exit, r.Verdict)
	}
}

func TestA4Against(t *testing.T) {
	s := newSite(t)
	s.append(10)
	s.rotate()
	s.append(10)
	older := s.copyTo("older")
	s.append(5)
	if err := os.Chmod(s.home, 0o755); err != nil { // so that the kept report has a finding
		t.Fatal(err)
	}
	kept := s.verify()
	if len(kept.Findings) == 0 {
		t.Fatal("the report to keep has no finding")
	}
	path := filepath.Join(t.TempDir(), "report.json")
	b := encode(t, kept)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir() // a machine that remembers nothing
	check := func(home, against string) *report.Report {
		return run(t, verify.Options{Home: home, State: elsewhere, Against: against})
	}
	for _, against := range []string{path, older} {
		if r := check(s.home, against); r.Exit != 0 || !r.Against.Agrees {
			t.Errorf("against %s: exit %d, %+v", against, r.Exit, r.Against)
		}
	}
	s.want(check(older, path), 3, chain.RolledBack, "lacks 5 records of audit.log")
	s.want(check(older, s.home), 3, chain.RolledBack, "audit.log")
	other := newSite(t)
	other.append(3)
	s.want(check(other.home, path), 3, chain.Replaced, "")
	if _, err := verify.Run(context.Background(), verify.Options{Home: s.home, Against: filepath.Join(elsewhere, "none")}); err == nil {
		t.Error("a comparison with nothing passed")
	}
}

func TestA9Range(t *testing.T) {
	home := copyHome(t, filepath.Join(vectors, "rotated-3-segments", "home"))
	all := run(t, verify.Options{Home: home})
	r := run(t, verify.Options{Home: home, Since: "2024-01-01T00:00:00.000Z", Until: "2024-12-31T23:59:59.999Z"})
	if r.Exit != 0 || r.Range == nil || r.Range.Records != 17 || !strings.HasPrefix(r.Verdict, "RANGE ONLY") {
		t.Errorf("exit %d, %s, %+v", r.Exit, r.Verdict, r.Range)
	}
	if r.Records.Total != all.Records.Total {
		t.Errorf("total %d, want %d", r.Records.Total, all.Records.Total)
	}
	if r := run(t, verify.Options{Home: home, Since: "2031-01-01T00:00:00.000Z"}); r.Exit != 5 {
		t.Errorf("nothing in range: exit %d, %s", r.Exit, r.Verdict)
	}
	if r := run(t, verify.Options{Home: home, Segment: 2}); r.Exit != 0 || r.Range.Records == 0 {
		t.Errorf("segment 2: exit %d, %s, %+v", r.Exit, r.Verdict, r.Range)
	}
	if r := run(t, verify.Options{Home: home, Segment: 77}); r.Exit != 5 {
		t.Errorf("segment 77: exit %d, %s", r.Exit, r.Verdict)
	}
	missing := copyHome(t, filepath.Join(vectors, "deleted-segment-middle", "home"))
	if r := run(t, verify.Options{Home: missing, Since: "2026-01-01T00:00:00.000Z"}); r.Exit != 3 {
		t.Errorf("known damage outside the range: exit %d, %s", r.Exit, r.Verdict)
	}
}

func TestStrict(t *testing.T) {
	home := copyHome(t, filepath.Join(vectors, "fork-two-writers", "home"))
	if r := run(t, verify.Options{Home: home, Strict: verify.Strict}); r.Exit != 4 || r.OK {
		t.Errorf("exit %d, %s", r.Exit, r.Verdict)
	}
	r := run(t, verify.Options{Home: home, Sharing: segment.Exclusive})
	if r.Exit != 3 {
		t.Errorf("a fork where no two writers can be: exit %d, %s", r.Exit, r.Verdict)
	}
}

// TestUnreadableSegment: what cannot be read is in doubt, not damaged; nothing that hangs on it is
// called damage either.
func TestUnreadableSegment(t *testing.T) {
	s := newSite(t)
	s.append(5)
	s.rotate()
	s.append(5)
	s.rotate()
	s.append(5)
	second := filepath.Join(s.home, segment.ArchiveDir, "audit-0002.jsonl")
	if err := os.Rename(second, second+".zst"); err != nil {
		t.Fatal(err)
	}
	r := s.verify()
	s.want(r, 5, chain.Unreadable, "")
	if r.Segments.Checked != 2 || r.Segments.Total != 3 {
		t.Errorf("%d of %d segments checked", r.Segments.Checked, r.Segments.Total)
	}
}

func TestSeamIsNotCountedTwice(t *testing.T) {
	r := run(t, verify.Options{Home: copyHome(t, filepath.Join(vectors, "seam-duplicates", "home"))})
	if r.Records.Checked != r.Records.Total {
		t.Errorf("checked %d of %d", r.Records.Checked, r.Records.Total)
	}
}
