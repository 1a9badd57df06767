package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/segment"
)

// searches is what is measured of audit_search, and what came of it so far.
type searches struct {
	program
	history  *history
	rg, zstd string // paths
	start    cost   // of the program, doing nothing
	done     []*searched
	sizes    map[segment.Form]int64 // of what is archived
	yard     int64                  // size of what zstd -3 makes of the same records
}

// searched is what came of a query.
type searched struct {
	query
	ours, plain, packed cost // of the program, rg on the plain file, and zstd -dc | rg
	hits                int
	said                string // the closing line
}

// measureSearch does all of it and writes what came of it.
func measureSearch(ctx context.Context, out *report, p program, dir string, records, rounds int) error {
	if err := out.part("Search"); err != nil {
		return err
	}
	s, missing, err := newSearches(ctx, p, dir, records)
	if err != nil {
		return err
	}
	if missing != "" {
		return out.skip(missing)
	}
	if err := errors.Join(s.facts(out), busy(out, "before")); err != nil {
		return err
	}
	for range rounds {
		if err := s.round(ctx); err != nil {
			return err
		}
	}
	return errors.Join(s.print(out), busy(out, "after"))
}

// newSearches makes the history, and says why it does not if a yardstick is not installed.
func newSearches(ctx context.Context, p program, dir string, records int) (s *searches, missing string, err error) {
	s = &searches{program: p}
	for _, tool := range []struct {
		name string
		path *string
	}{{"rg", &s.rg}, {"zstd", &s.zstd}} {
		if *tool.path, err = yardstick(tool.name); err != nil {
			return nil, "", err
		}
		if *tool.path == "" {
			return nil, tool.name + " is not installed: audit_search was not measured", nil
		}
	}
	if s.history, err = makeHistory(ctx, p, s.zstd, dir, records); err != nil {
		return nil, "", err
	}
	if s.sizes, err = s.history.sizes(); err != nil {
		return nil, "", err
	}
	info, err := os.Stat(s.history.packed)
	if err != nil {
		return nil, "", err
	}
	s.yard = info.Size()
	for _, q := range queries(s.history.needles) {
		s.done = append(s.done, &searched{query: q})
	}
	return s, "", nil
}

// round measures everything once, each search beside its yardsticks.
func (s *searches) round(ctx context.Context) error {
	if err := s.start.run(s.at(ctx, s.history.dir, "version")); err != nil {
		return err
	}
	for _, q := range s.done {
		if err := s.search(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
	}
	return nil
}

// search runs a query in all three ways. What each finds has to be the same, byte for byte: a wrong
// answer is not measured.
func (s *searches) search(ctx context.Context, q *searched) error {
	var said bytes.Buffer
	ours := s.at(ctx, s.history.dir, append([]string{"audit_search", "--format", "jsonl"}, q.args...)...)
	ours.Stderr = &said
	rg := append([]string{"--no-config", "--no-line-number"}, q.rg...)
	plain := exec.CommandContext(ctx, s.rg, append(rg, s.history.plain)...)
	packed := exec.CommandContext(ctx, "sh", append([]string{"-c", `zstd=$1 file=$2 rg=$3; shift 3; "$zstd" -dcq "$file" | "$rg" "$@"`, "sh", s.zstd, s.history.packed, s.rg}, rg...)...)
	for _, way := range []struct {
		cost   *cost
		cmd    *exec.Cmd
		finds  string
		silent int // exit code where there is nothing to be found
	}{{&q.plain, plain, "plain", 1}, {&q.ours, ours, "ours", 0}, {&q.packed, packed, "packed", 1}} {
		if err := way.cost.write(way.cmd, s.found(way.finds), way.silent); err != nil {
			return fmt.Errorf("%w: %s", err, &said)
		}
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	q.said = lines[len(lines)-1]
	for _, other := range []string{"plain", "packed"} {
		hits, err := sameLines(s.found("ours"), s.found(other))
		if err != nil {
			return fmt.Errorf("audit_search %s does not find what rg %s does: %w", strings.Join(q.args, " "), strings.Join(q.rg, " "), err)
		}
		q.hits = hits
	}
	return nil
}

func (s *searches) found(by string) string { return filepath.Join(s.history.dir, by+".out") }

// sameLines counts the lines of two files that have to be alike.
func sameLines(a, b string) (lines int, err error) {
	var files [2]*os.File
	for i, name := range []string{a, b} {
		if files[i], err = os.Open(name); err != nil {
			return 0, err
		}
		defer files[i].Close() //nolint:errcheck // it was read only
	}
	var parts [2][1 << 16]byte
	for at := 0; ; {
		n, err := io.ReadFull(files[0], parts[0][:])
		m, other := io.ReadFull(files[1], parts[1][:])
		if n != m || !bytes.Equal(parts[0][:n], parts[1][:m]) {
			return 0, fmt.Errorf("they differ behind byte %d", at)
		}
		lines += bytes.Count(parts[0][:n], []byte{'\n'})
		at += n
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return lines, nil
		}
		if err := errors.Join(err, other); err != nil {
			return 0, err
		}
	}
}
