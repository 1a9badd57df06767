package search

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/segment"
)

// disturbed is a home of lay in the live log of which copies of sealed records come first, as an
// interrupted rotation leaves them, and lines that are no records stand between others. It gives the lines
// of the log's records in order.
func disturbed(t *testing.T, seed uint64) (home string, log []string, branch []string) {
	t.Helper()
	home, all := lay(t, seed)
	live := filepath.Join(home, segment.LiveName)
	text, err := os.ReadFile(live)
	must(t, err)
	sealed, err := os.ReadFile(filepath.Join(home, segment.ArchiveDir, "audit-0003.jsonl"))
	must(t, err)
	own := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	copies := strings.SplitAfter(strings.TrimSuffix(string(sealed), "\n"), "\n")
	out := strings.Join(copies[len(copies)-3:], "") + "\n"
	for i, line := range own {
		out += line
		if i%7 == 2 {
			out += "no record\n\n"
		}
	}
	must(t, os.WriteFile(live, []byte(out+"\n"), 0o600))
	for _, m := range all {
		if m.abandoned {
			branch = append(branch, m.line)
		} else {
			log = append(log, m.line)
		}
	}
	for _, line := range own {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(log, line) {
			log = append(log, line) // what the log wrote of its archives
		}
	}
	return home, log, branch
}

// grep is a search with context in the fewest words: what is to be printed is marked first, then printed.
func grep(runs [][]string, hit func(string) bool, n, limit int) []string {
	var out []string
	for _, run := range runs {
		mark := make([]string, len(run))
		for i, line := range run {
			if !hit(line) || limit == 0 {
				continue
			}
			limit--
			for k := max(0, i-n); k <= min(len(run)-1, i+n); k++ {
				if mark[k] == "" {
					mark[k] = "-"
				}
			}
			mark[i] = ":"
		}
		gap := true
		for i, line := range run {
			if mark[i] == "" {
				gap = true
				continue
			}
			if gap && len(out) > 0 {
				out = append(out, "--")
			}
			gap = false
			out = append(out, mark[i]+line)
		}
	}
	return out
}

// printed is what a search with context writes.
func printed(ctx context.Context, snap *segment.Snapshot, o Options) (out []string, s Summary, err error) {
	o.Apart = []byte("--\n")
	o.Append = func(dst []byte, h Hit) []byte {
		mark := byte(':')
		if h.Context {
			mark = '-'
		}
		return append(append(append(dst, mark), h.Line...), '\n')
	}
	o.Write = func(text []byte) error {
		for line := range strings.Lines(string(text)) {
			out = append(out, strings.TrimSuffix(line, "\n"))
		}
		return nil
	}
	s, err = Run(ctx, snap, o)
	return out, s, err
}

func TestContextIsThatOfAFullScan(t *testing.T) {
	for seed := range uint64(2) {
		home, log, branch := disturbed(t, seed)
		snap := open(t, home)
		rapid.Check(t, func(rt *rapid.T) {
			wanted := rapid.SliceOfNDistinct(rapid.SampledFrom(append(slices.Clone(log), branch...)), 0, 12, rapid.ID).Draw(rt, "wanted")
			o := Options{
				Context: rapid.IntRange(1, 9).Draw(rt, "context"), Limit: rapid.Int64Range(0, 6).Draw(rt, "limit"), Reverse: rapid.Bool().Draw(rt, "reverse"),
				ExtentSize: rapid.SampledFrom([]int{150, 1000, 0}).Draw(rt, "extent"), Workers: rapid.IntRange(1, 3).Draw(rt, "workers"),
			}
			o.Query.Regexp = hashes(wanted)
			runs := [][]string{slices.Clone(log), slices.Clone(branch)}
			if o.Reverse {
				slices.Reverse(runs[0])
				slices.Reverse(runs[1])
			}
			limit := int(o.Limit)
			if limit == 0 {
				limit = -1
			}
			want := grep(runs, func(line string) bool { return slices.Contains(wanted, line) }, o.Context, limit)
			got, s, err := printed(t.Context(), snap, o)
			if err != nil || !slices.Equal(got, want) {
				rt.Fatalf("%+v, %v: got\n%s\nwant\n%s", o, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			hits := int64(len(wanted))
			if o.Limit > 0 {
				hits = min(hits, o.Limit)
			}
			if s.Hits != hits {
				rt.Fatalf("%+v: %d hits, want %d", o, s.Hits, hits)
			}
		})
	}
}

// hashes matches the records that lines are, and no others.
func hashes(lines []string) *regexp.Regexp {
	own := regexp.MustCompile(`"hash":\s*"([0-9a-f]{64})"`)
	all := []string{"none"}
	for _, line := range lines {
		all = append(all, own.FindStringSubmatch(line)[1])
	}
	return regexp.MustCompile(`,"hash":"(?:` + strings.Join(all, "|") + `)"`)
}

// A piece that cannot be read is told once, whoever comes to it first, and what can be read of the context
// around it is written.
func TestContextBesideWhatCannotBeRead(t *testing.T) {
	home, all := lay(t, 9)
	frame := filepath.Join(home, "audit-archive", "audit-0001.jsonl.zst")
	text, err := os.ReadFile(frame)
	must(t, err)
	must(t, os.Chmod(frame, 0o600))
	text[len(text)/3] ^= 0xff
	must(t, os.WriteFile(frame, text, 0o600))
	var told []string
	o := Options{Context: 3, Query: Query{Regexp: hashes([]string{all[41].line})}, Problem: func(text string) { told = append(told, text) }}
	for _, o.Reverse = range []bool{false, true} {
		told = nil
		want := []string{"-" + all[40].line, ":" + all[41].line, "-" + all[42].line, "-" + all[43].line, "-" + all[44].line}
		if o.Reverse {
			slices.Reverse(want)
		}
		got, s, err := printed(t.Context(), open(t, home), o)
		if err != nil || !slices.Equal(got, want) || s.Unreadable != 1 || len(told) != 1 {
			t.Errorf("%v, %+v, %q: %q", err, s, told, got)
		}
	}
}

func TestContextEndsWithItsReader(t *testing.T) {
	home, all := lay(t, 4)
	full := errors.New("no more")
	o := Options{Context: 2, Query: Query{Regexp: hashes([]string{all[3].line})}, Append: func(dst []byte, h Hit) []byte { return append(dst, h.Line...) }, Write: func([]byte) error { return full }}
	if _, err := Run(t.Context(), open(t, home), o); !errors.Is(err, full) {
		t.Errorf("ended with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.Write = func([]byte) error { cancel(); return nil }
	if _, err := Run(ctx, open(t, home), o); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}
