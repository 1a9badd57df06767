//go:build linux

package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/faults/realfs/seeded"
	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

// One bad sweep makes the whole bad, and so does one that came to too little; one that was skipped is named,
// and bad where nothing may be.
func TestTheTableSaysWhatIsBad(t *testing.T) {
	for _, c := range []struct {
		row     row
		want    string
		bad     bool
		noSkips bool
	}{
		{row{Result: trial.Result{Points: 9, Least: 9}}, "good", false, false},
		{row{Result: trial.Result{Points: 9, Lost: 1}}, "BAD", true, false},
		{row{Result: trial.Result{Points: 9, Misjudged: 1}}, "BAD", true, false},
		{row{Result: trial.Result{Points: 8, Least: 9}}, "BAD", true, false},
		{row{Result: trial.Result{Points: 9}, failed: errors.New("no such device")}, "no such device", true, false},
		{row{Result: trial.Result{Least: 9, Skipped: 1, Reasons: "needs root"}}, "SKIPPED   needs root", false, false},
		{row{Result: trial.Result{Least: 9, Skipped: 1, Reasons: "needs root"}}, "SKIPPED   needs root", true, true},
		{row{Result: trial.Result{Points: 9, Skipped: 1, Reasons: "xfs: needs mkfs.xfs"}}, "xfs: needs mkfs.xfs", true, true},
		{row{Result: trial.Result{Points: 9, Least: 9}}, "good", false, true},
	} {
		var out strings.Builder
		err := options{noSkips: c.noSkips}.table(&out, []row{{Result: trial.Result{Points: 1}}, c.row})
		if (err != nil) != c.bad || !strings.Contains(out.String(), c.want) {
			t.Errorf("%+v: %v\n%s", c.row, err, &out)
		}
	}
}

func TestASweepThatSaysNothingIsBad(t *testing.T) {
	for script, want := range map[string]bool{
		`echo 'RESULT {"points":3}'`:          false,
		`echo 'RESULT {"points":3}'; exit 1`:  true,
		`echo 'RESULT {"points":3,"lost":1}'`: true,
		`exit 1`:                              true,
		`echo 'RESULT {'`:                     true,
	} {
		var out strings.Builder
		r := sweep(&shared{w: &out}, "s", exec.Command("sh", "-c", script))
		if bad := r.failed != nil || r.Bad(); bad != want {
			t.Errorf("%s: bad %v: %+v", script, bad, r)
		}
	}
}

// A check that a bug does not turn red, or not for the reason it is there for, is bad, and so is one that
// finds a bug where there is none.
func TestABugThatIsNotFoundIsBad(t *testing.T) {
	bug, none := seeded.Mistake{Name: "b", Says: "is lost"}, seeded.Mistake{Name: seeded.None}
	for _, c := range []struct {
		bug     seeded.Mistake
		script  string
		want    string
		bad     bool
		noSkips bool
	}{
		{bug, `echo it is lost; exit 1`, "yes", false, true},
		{bug, `echo good`, "NO", true, false},
		{bug, `echo no such device; exit 1`, "NO", true, false},
		{bug, `echo it is lost`, "NO", true, false},
		{bug, `echo SKIPPED s: needs root; exit 0`, "SKIPPED", false, false},
		{bug, `echo SKIPPED s: needs root; exit 0`, "SKIPPED", true, true},
		{none, `echo good`, "no, rightly", false, true},
		{none, `echo it is lost; exit 1`, "NO", true, false},
	} {
		text, failed := exec.Command("sh", "-c", c.script).CombinedOutput()
		f := found{Mistake: c.bug}
		f.judge(text, failed)
		var out strings.Builder
		err := options{noSkips: c.noSkips}.selftestTable(&out, []found{f})
		if (err != nil) != c.bad || !strings.Contains(out.String(), c.want) {
			t.Errorf("%+v: %v\n%s", c, err, &out)
		}
	}
}
