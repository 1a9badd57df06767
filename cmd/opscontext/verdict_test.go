package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/terminal"
)

func sampleReport() *report.Report {
	n, lost := int64(5000149), int64(50)
	hash := strings.Repeat("ab12", 16)
	return &report.Report{
		OK: false, Schema: report.Schema, Verdict: "damage: 1 record altered; also 7 forks", Exit: 3,
		Tool: "opscontext 0.1.0", Command: "opscontext audit_verify", Home: "/var/lib/ops\x1b[2J", LogID: strings.Repeat("c", 64), Incarnation: 1,
		Head: &report.Head{Record: 5000149, Segment: "audit.log", Hash: hash}, CheckedAt: "2026-05-02T10:00:00.000Z",
		Records:  report.Counted{Checked: 5000150, Total: 5000150, Copies: 2},
		Segments: report.Counted{Checked: 41, Total: 41},
		Axes:     report.Axes{Protection: "nothing off this machine vouches for these records: a full recompute would not be seen"},
		Findings: append([]report.Finding{{
			Class: chain.Altered, Severity: chain.Damage, Segment: "audit-0003.jsonl", Line: 12345, Offset: 4321000, Record: 612345, Records: 1, Hash: hash,
			Meaning: "content does not match its hash", Next: "keep the file as it is",
		}}, manyForks(7)...),
		Breaks: []report.Break{{Record: 99, TS: "2026-05-01T00:00:00.000Z", Found: chain.RolledBack, LostMin: &lost, LostMax: &lost, LostHead: hash}},
		Mark:   &report.Mark{Agrees: true, Head: hash, Record: &n},
	}
}

func manyForks(n int) (fs []report.Finding) {
	for i := range n {
		fs = append(fs, report.Finding{Class: chain.Fork, Severity: chain.Warning, Segment: "audit.log", Line: int64(i + 1), Offset: 300, Record: int64(i), Records: 1,
			Meaning: "two writers followed the same record\u202e", Next: "no action"})
	}
	return fs
}

func TestReportForPeople(t *testing.T) {
	const want = `verdict     damage: 1 record altered; also 7 forks
checked     5,000,150 of 5,000,150 records, 41 of 41 segments; 2 of them are
            second copies
remembered  head #5,000,149 ab12ab12ab12 agrees (mark: same disk, same owner: a
            restore of both is not seen)
protected   nothing off this machine vouches for these records: a full recompute
            would not be seen
breaks      #1 rolled-back, record #99 of 2026-05-01T00:00:00.000Z: 50 records
            lost, up to ab12ab12ab12
found       altered (damage): content does not match its hash
            audit-0003.jsonl, line 12,345, byte 4,321,000, record #612,345,
            ab12ab12ab12
            next: keep the file as it is
found       fork (warning): two writers followed the same record\u202e
            audit.log, line 1, byte 300, record #0
            audit.log, line 2, byte 300, record #1
`
	var out bytes.Buffer
	s := terminal.NewStream(&out, terminal.ColourAuto, func(string) (string, bool) { return "", false })
	if err := printReport(s, sampleReport()); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant it to begin\n%s", got, want)
	}
	const end = `            audit.log, line 5, byte 300, record #4
            and in 2 places more; --json lists all
            next: no action
reproduce   opscontext 0.1.0, 2026-05-02T10:00:00.000Z
            opscontext audit_verify
home        /var/lib/ops\x1b[2J
log id      cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
incarnation 1
head        ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12
`
	if !strings.HasSuffix(got, end) {
		t.Errorf("got\n%s\nwant it to end\n%s", got, end)
	}
}

func TestReportWithoutMark(t *testing.T) {
	r := sampleReport()
	r.Mark = nil
	r.Range = &report.Range{Since: "2026-01-01T00:00:00.000Z", Records: 3, First: 5, Last: 7}
	r.Against = &report.Against{Name: "/mnt/kept.json", Agrees: true, Detail: "its head is there"}
	var out bytes.Buffer
	s := terminal.NewStream(&out, terminal.ColourAlways, func(string) (string, bool) { return "", false })
	if err := printReport(s, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\x1b[31;1mdamage: 1 record altered; also 7 forks\x1b[0m\n",
		"range       2026-01-01T00:00:00.000Z to the end: 3 records; #5 to #7 recomputed\n",
		"remembered  nothing: this machine has no mark of this log, so records missing at\n",
		"against     /mnt/kept.json: its head is there\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.ContainsRune(out.String(), '\u202e') || strings.Contains(out.String(), "ops\x1b") {
		t.Error("untrusted text is shown as it is")
	}
}
