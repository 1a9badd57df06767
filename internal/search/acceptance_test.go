package search_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/segment"
)

var (
	seed    = flag.Uint64("seed", 1, "of the history and the queries that are made up")
	queries = flag.Int("queries", 300, "how many queries are made up")
)

// answer is what a search found: the lines of its hits, the abandoned ones marked.
type answer struct {
	hits    []string
	summary search.Summary
	said    []string
}

func answered(ctx context.Context, home string, q *question) (a answer, err error) {
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{OpenArchived: archive.Opener(durable.OS())})
	if err != nil {
		return a, err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	o := q.Options
	o.Append = func(dst []byte, h search.Hit) []byte {
		if h.Abandoned() {
			dst = append(dst, '!')
		}
		return append(append(dst, h.Line...), '\n')
	}
	o.Write = func(text []byte) error {
		for line := range strings.Lines(string(text)) {
			a.hits = append(a.hits, strings.TrimSuffix(line, "\n"))
		}
		return nil
	}
	o.Problem = func(text string) { a.said = append(a.said, text) }
	a.summary, err = search.Run(ctx, snap, o)
	return a, err
}

func marked(hits []*said) (lines []string) {
	for _, r := range hits {
		mark := ""
		if r.abandoned {
			mark = "!"
		}
		lines = append(lines, mark+r.line)
	}
	return lines
}

// whole checks an answer of a home at rest: every hit and no other, in order, and all of it searched.
func (q *question) whole(l *laid, a answer) error {
	hits, undecided := q.scan(l)
	if err := same(a.hits, marked(hits)); err != nil {
		return err
	}
	s, limited := a.summary, q.Limit > 0 && int64(len(hits)) == q.Limit
	if s.Hits != int64(len(hits)) || s.Undecided != undecided || s.Limited != limited || s.Unreadable > 0 || len(a.said) > 0 {
		return fmt.Errorf("%d hits, %d undecided; %+v, said %q", len(hits), undecided, s, a.said)
	}
	if all := int64(len(l.log) + len(l.branch)); !limited && (s.Records != all || s.Searched != s.Segments || s.Branches != 1) {
		return fmt.Errorf("%d records: %+v", all, s)
	}
	return nil
}

func same(got, want []string) error {
	if slices.Equal(got, want) {
		return nil
	}
	missed := func(all, in []string) string {
		for _, line := range all {
			if !slices.Contains(in, line) {
				return line[:min(len(line), 600)]
			}
		}
		return "none"
	}
	return fmt.Errorf("%d hits instead of %d; the first that is missing: %s; that is too many: %s", len(got), len(want), missed(want, got), missed(got, want))
}

// Whatever is asked for, the hits are those of a scan that shares no code with the search: with the indexes
// of archives, without them, and while a writer appends, rotates and archives.
func TestHitsAreThoseOfAFullScan(t *testing.T) {
	t.Logf("go test ./internal/search -run %s -seed %d -queries %d", t.Name(), *seed, *queries)
	l := lay(t, *seed)
	rnd := rand.New(rand.NewPCG(*seed, 2))
	var all []*question
	for range *queries {
		all = append(all, newQuestion(t, rnd, &l))
	}
	found, spared := atRest(t, &l, all)
	if found < len(all)/4 || spared < int64(len(all)/2) {
		t.Errorf("%d of %d queries found anything, and %d frames were not read", found, len(all), spared)
	}
	aside := t.TempDir()
	moveIndexes(t, filepath.Join(l.home, segment.ArchiveDir), aside)
	if again, spared := atRest(t, &l, all); again != found || spared > 0 {
		t.Errorf("without indexes %d queries found anything, not %d, and %d frames were not read", again, found, spared)
	}
	moveIndexes(t, aside, filepath.Join(l.home, segment.ArchiveDir))
	besideAWriter(t, &l, all)
}

// atRest asks all questions of a home at rest. It gives how many found anything, and how many frames did
// not have to be read for them.
func atRest(t *testing.T, l *laid, all []*question) (found int, spared int64) {
	t.Helper()
	for i, q := range all {
		a, err := answered(t.Context(), l.home, q)
		must(t, err)
		if err := q.whole(l, a); err != nil {
			t.Errorf("query %d, %s: %v", i, q, err)
		}
		if by := search.Bys[i%len(search.Bys)]; i%8 == 0 {
			if err := q.counted(t.Context(), l, by); err != nil {
				t.Errorf("query %d by %s, %s: %v", i, by, q, err)
			}
		}
		found += min(1, len(a.hits))
		spared += a.summary.Skipped
	}
	return found, spared
}

// counted checks that each hit is in one group.
func (q *question) counted(ctx context.Context, l *laid, by search.By) error {
	unlimited := *q
	unlimited.Limit, unlimited.By = 0, by
	hits, _ := unlimited.scan(l)
	a, err := answered(ctx, l.home, &unlimited)
	sum := int64(0)
	for _, g := range a.summary.Groups {
		sum += g.Hits
	}
	if err == nil && (sum != int64(len(hits)) || a.summary.Hits != sum) {
		err = fmt.Errorf("%d hits in groups, %d in all, want %d", sum, a.summary.Hits, len(hits))
	}
	return err
}

func moveIndexes(t *testing.T, from, to string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(from, "*.idx"))
	must(t, err)
	for _, name := range names {
		must(t, os.Rename(name, filepath.Join(to, filepath.Base(name))))
	}
}

// besideAWriter asks all questions while the log goes on. Of the records that it began with, the hits are
// the same; limits are left out, as what comes meanwhile counts.
func besideAWriter(t *testing.T, l *laid, all []*question) {
	t.Helper()
	began := map[string]bool{}
	for _, line := range marked(append(slices.Clone(l.log), l.branch...)) {
		began[line] = true
	}
	turns, wrote := make(chan struct{}, 1), make(chan error, 1)
	go func() { wrote <- l.write(turns) }()
	for i, q := range all {
		select {
		case turns <- struct{}{}:
		default: // the writer has not done what it was to do meanwhile
		}
		unlimited := *q
		unlimited.Limit = 0
		a, err := answered(t.Context(), l.home, &unlimited)
		must(t, err)
		a.hits = slices.DeleteFunc(a.hits, func(line string) bool { return !began[line] })
		hits, _ := unlimited.scan(l)
		if err := same(a.hits, marked(hits)); err != nil {
			t.Errorf("query %d beside a writer, %s: %v", i, q, err)
		}
		if s := a.summary; s.Unreadable > 0 || s.Searched != s.Segments || s.Records < int64(len(began)) {
			t.Errorf("query %d beside a writer, %s: %+v, said %q", i, q, s, a.said)
		}
	}
	close(turns)
	must(t, <-wrote)
	if names, err := filepath.Glob(filepath.Join(l.home, segment.ArchiveDir, "*.zst")); err != nil || len(names) < 6+len(all)/100 {
		t.Errorf("the writer left %q (%v): it was to rotate and to archive", names, err)
	}
}

// write appends some records each turn, until there is none. The log rotates by size, and what was sealed
// is archived.
func (l *laid) write(turns <-chan struct{}) (err error) {
	o := l.options()
	o.MaxBytes = 16 * segment.MinMaxBytes
	log, err := segment.Open(l.home, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	n := 0
	for range turns {
		for range 3 {
			payload := fmt.Appendf(nil, `{"n":100,"note":"plain ü 日本 %d"}`, n)
			if _, err := log.Append(context.Background(), segment.Event{Kind: events[n%5], Actor: "ci", Payload: payload}); err != nil {
				return err
			}
			n++
		}
		if n%60 == 0 {
			if _, err := archive.Run(context.Background(), l.home, l.options(), archive.Options{}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q *question) String() string {
	return fmt.Sprintf("%+v, where %q, limit %d, reverse %v, pieces of %d, %d workers", q.Query, q.expression, q.Limit, q.Reverse, q.ExtentSize, q.Workers)
}
