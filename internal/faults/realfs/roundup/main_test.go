//go:build linux

package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

// One bad sweep makes the whole bad, and so does one that came to too little; one that was skipped does not,
// but is named.
func TestTheTableSaysWhatIsBad(t *testing.T) {
	for _, c := range []struct {
		row  row
		want string
		bad  bool
	}{
		{row{Result: trial.Result{Points: 9, Least: 9}}, "good", false},
		{row{Result: trial.Result{Points: 9, Lost: 1}}, "BAD", true},
		{row{Result: trial.Result{Points: 9, Misjudged: 1}}, "BAD", true},
		{row{Result: trial.Result{Points: 8, Least: 9}}, "BAD", true},
		{row{Result: trial.Result{Points: 9}, failed: errors.New("no such device")}, "no such device", true},
		{row{Result: trial.Result{Least: 9, Skipped: 1, Reasons: "needs root"}}, "SKIPPED   needs root", false},
	} {
		var out strings.Builder
		err := table(&out, []row{{Result: trial.Result{Points: 1}}, c.row})
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
