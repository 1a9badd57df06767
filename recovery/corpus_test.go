package recovery_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/corpus"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/recovery"
	"github.com/opscontext/opscontext/segment"
)

func now() time.Time { return time.Date(2026, 3, 7, 8, 0, 0, 0, time.UTC) }

// patient is a damaged log on its way through recovery.
type patient struct {
	t *testing.T
	corpus.Site
	o recovery.Options
}

func newPatient(t *testing.T, c *corpus.Case) *patient {
	t.Helper()
	site, err := c.Lay(t.TempDir(), "../testdata/vectors")
	if err != nil {
		t.Fatal(err)
	}
	return &patient{t, site, recovery.Options{Home: site.Home, Now: now, By: chain.Recorder{UID: 1000, User: "ops", Host: "ws-01"},
		Log: segment.Options{State: site.State, Now: now, Period: segment.PeriodNone, Tool: "opscontext test", OpenArchived: archive.Opener(durable.OS())}}}
}

func (p *patient) verify() *report.Report {
	p.t.Helper()
	r, err := verify.Run(context.Background(), verify.Options{Home: p.Home, State: p.State, Now: now})
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// plan makes the plan of a case; nil where there is none to make.
func (p *patient) plan(c *corpus.Case) (*recovery.Plan, error) {
	switch c.Plan.Do {
	case "repair":
		return recovery.PlanRepair(context.Background(), p.o)
	case "declare", "restore": // without a backup, what is left is to document the loss
		return p.declare(c.Plan.Cause, chain.Genesis)
	case "correct":
		return p.declare(c.Plan.Cause, p.contradicted())
	}
	return nil, nil
}

// contradicted is the anchor that the log refutes.
func (p *patient) contradicted() (h chain.Hash) {
	p.t.Helper()
	out, err := verify.Examine(context.Background(), verify.Options{Home: p.Home, State: p.State, Now: now})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, a := range out.Report.Anchors {
		if a.State == chain.AnchorRefuted {
			if err := h.UnmarshalText([]byte(a.Hash)); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	return h
}

func (p *patient) declare(cause chain.Cause, corrects chain.Hash) (*recovery.Plan, error) {
	return recovery.PlanBreak(context.Background(), p.o, recovery.Declaration{Cause: cause, Reason: "a test", Operator: "J. Ortega", Corrects: corrects})
}

// append appends one record and gives the exit of a check after it.
func (p *patient) append() string {
	p.t.Helper()
	l, err := segment.Open(p.Home, p.o.Log)
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = l.Append(context.Background(), segment.Event{Kind: "server.start", Payload: []byte(`{"pid":1}`)})
	if err := l.Close(); err != nil {
		p.t.Fatal(err)
	}
	if errors.Is(err, segment.ErrRefused) {
		return "refused"
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return strconv.Itoa(p.verify().Exit)
}

// TestCorpus takes every damaged log all the way: what is found, what is said to have happened, what
// is planned, what that comes to, and whether the log can be written to afterwards. On the way no byte
// is lost, and what only looks writes nothing.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Read("../testdata/corrupt")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 70 {
		t.Fatalf("%d cases, want at least 70", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Title(), func(t *testing.T) {
			t.Parallel()
			take(t, &c)
		})
	}
}

func take(t *testing.T, c *corpus.Case) {
	p := newPatient(t, c)
	before := files(t, filepath.Dir(p.Home))
	owed := lines(t, p.Home)
	d, err := recovery.Diagnose(context.Background(), p.o)
	if err != nil {
		t.Fatal(err)
	}
	if d.Exit != c.Exit {
		t.Errorf("exit %d, want %d: %s", d.Exit, c.Exit, d.Verdict)
	}
	if diff := cmp.Diff(c.Told, told(d), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
	for _, s := range d.Cases {
		if s.What == "" || strings.Contains(s.What, "{at}") || strings.Contains(s.What, "{detail}") || strings.Contains(s.What, "{next}") {
			t.Errorf("%s is told as %q", s.Case, s.What)
		}
	}
	plan, err := p.plan(c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Plan.Do == "refuse" {
		p.refused()
	}
	if diff := cmp.Diff(before, files(t, filepath.Dir(p.Home))); diff != "" {
		t.Errorf("looking and planning wrote (-before +after):\n%s", diff)
	}
	if plan != nil {
		if len(plan.Steps) == 0 {
			t.Error("the plan has no steps")
		}
		if err := plan.Apply(context.Background(), p.o); err != nil {
			t.Fatalf("apply: %v", err)
		}
		if plan.Expected.Exit != c.After {
			t.Errorf("the plan expects exit %d (%s), want %d", plan.Expected.Exit, plan.Expected.Verdict, c.After)
		}
	}
	if r := p.verify(); r.Exit != c.After {
		t.Errorf("exit %d after the plan, want %d: %s", r.Exit, c.After, r.Verdict)
	}
	settled(t, owed, lines(t, p.Home))
	if got := p.append(); got != c.Appended {
		t.Errorf("an append ends with %s, want %s: %s", got, c.Appended, p.verify().Verdict)
	}
	settled(t, owed, lines(t, p.Home))
}

// TestCorpusRestored restores every case of lost records from the sound log, which is the backup of all
// of them: afterwards nothing is missing, and the log can be written to.
func TestCorpusRestored(t *testing.T) {
	cases, err := corpus.Read("../testdata/corrupt")
	if err != nil {
		t.Fatal(err)
	}
	backups := map[string]string{"sound": t.TempDir(), "archived": t.TempDir()}
	for _, c := range cases {
		if dir := backups[c.Name]; dir != "" {
			if _, err := c.Lay(dir, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	restored := 0
	for _, c := range cases {
		if c.Plan.Do != "restore" || c.Vector != "" {
			continue
		}
		restored++
		t.Run(c.Title(), func(t *testing.T) {
			t.Parallel()
			p := newPatient(t, &c)
			owed := lines(t, p.Home)
			backup := "sound"
			if slices.ContainsFunc(c.Entries, func(e corpus.Entry) bool { return strings.HasSuffix(e.Path, ".zst") }) {
				backup = "archived"
			}
			plan, err := recovery.PlanRestore(context.Background(), p.o, recovery.Restoration{From: filepath.Join(backups[backup], "home"), Reason: "a test", Operator: "J. Ortega"})
			if err != nil {
				t.Fatal(err)
			}
			if err := plan.Apply(context.Background(), p.o); err != nil {
				t.Fatalf("apply: %v", err)
			}
			if r := p.verify(); r.Exit != 0 || plan.Expected.Exit != 0 {
				t.Errorf("exit %d once it was restored, the plan expects %d, want 0: %s", r.Exit, plan.Expected.Exit, r.Verdict)
			}
			if got := p.append(); got != "0" {
				t.Errorf("an append ends with %s: %s", got, p.verify().Verdict)
			}
			kept(t, owed, lines(t, p.Home))
		})
	}
	if restored < 15 {
		t.Errorf("%d cases restored, want at least 15", restored)
	}
}

// TestForeignSegmentIsNotDeclaredAway: an anchor documents absence. A segment of another log is there, and
// no cause makes it part of this one.
func TestForeignSegmentIsNotDeclaredAway(t *testing.T) {
	cases, err := corpus.Read("../testdata/corrupt")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, c := range cases {
		if !strings.Contains(c.Name, "segment") || !strings.Contains(c.Name, "of-another-log") {
			continue
		}
		tried++
		for _, cause := range chain.Causes {
			if _, err := newPatient(t, &c).declare(cause, chain.Genesis); !errors.Is(err, segment.ErrRefused) {
				t.Errorf("%s, %s: %v, want ErrRefused", c.Name, cause, err)
			}
		}
	}
	if tried < 3 {
		t.Errorf("%d logs with a segment of another log, want 3", tried)
	}
}

func told(d *recovery.Diagnosis) (ts []corpus.Told) {
	for _, s := range d.Cases {
		ts = append(ts, corpus.Told{Case: string(s.Case), Run: s.Run})
	}
	return ts
}

// refused holds that no cause there is declares the damage away, and that repair does not either.
func (p *patient) refused() {
	p.t.Helper()
	for _, cause := range chain.Causes {
		if _, err := p.declare(cause, chain.Genesis); !errors.Is(err, segment.ErrRefused) {
			p.t.Errorf("declared as %s: %v, want a refusal", cause, err)
		}
	}
	plan, err := recovery.PlanRepair(context.Background(), p.o)
	if err != nil || len(plan.Steps) > 0 {
		p.t.Errorf("repair plans %v (%v), want nothing", plan, err)
	}
}
