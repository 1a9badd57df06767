package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/terminal"
)

// Each log is in a directory of its own, beside what the machine remembers of it and what was measured.
const (
	homeDir     = "home"
	stateDir    = "state"
	figuresFile = "figures.json"
)

// settings make segments as large as they are unless something else is configured, whatever the default
// becomes.
const settings = "[segment]\nmax_bytes = \"256MiB\"\nperiod = \"year\"\n"

// measurements are those of one size.
type measurements struct {
	Records  int64 `json:"records"`
	Raw      int64 `json:"raw_bytes"`    // of the segments before they were archived
	Stored   int64 `json:"stored_bytes"` // of all files of the home in the end
	Segments int   `json:"segments"`     // in the end
	sought
	Begun   string            `json:"begun,omitempty"` // operation that has no second try
	Figures map[string]figure `json:"figures"`         // by operation
}

// sized is a log of one size and what was measured of it.
type sized struct {
	probe
	dir string
	measurements
}

// measureSize measures all operations on a log of n records in dir, but for those that were.
func measureSize(ctx context.Context, p probe, dir string, n int64) (measurements, error) {
	s := sized{probe: p, dir: dir}
	if err := s.open(n); err != nil {
		return s.measurements, err
	}
	for _, op := range operations() {
		if _, done := s.Figures[op.name]; done {
			continue
		}
		f, err := s.measure(ctx, op)
		if err != nil {
			return s.measurements, err
		}
		s.Figures[op.name] = f
		if err := s.look(op.name); err != nil {
			return s.measurements, err
		}
		if err := s.save(); err != nil {
			return s.measurements, err
		}
	}
	return s.measurements, nil
}

// open takes up what an earlier run left, or begins a log.
func (s *sized) open(n int64) error {
	text, err := os.ReadFile(filepath.Join(s.dir, figuresFile))
	if err == nil {
		if err := json.Unmarshal(text, &s.measurements); err != nil {
			return fmt.Errorf("%s: %w: remove it, and everything is measured anew", filepath.Join(s.dir, figuresFile), err)
		}
		if s.Begun == "" {
			return nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	if err := enoughSpace(s.dir, n); err != nil {
		return err
	}
	s.measurements = measurements{Records: n, Figures: map[string]figure{}}
	if err := os.MkdirAll(filepath.Join(s.dir, homeDir), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, homeDir, "opscontext.toml"), []byte(settings), 0o600)
}

// A record takes perRecord bytes at most on average; the archive of a segment is written while the
// segment is there, and the disk is not to be filled.
const (
	perRecord  = 430
	spaceApart = 2 << 30
)

func enoughSpace(dir string, n int64) error {
	free, err := durable.Free(dir)
	if err != nil {
		return err
	}
	if want := n*perRecord + spaceApart; free < want {
		return fmt.Errorf("%s free at %s, and %s are needed: make room there, name another place with -keep or TMPDIR, or leave this size out of -sizes",
			terminal.Bytes(free), dir, terminal.Bytes(want))
	}
	return nil
}

func (s *sized) save() error {
	text, err := json.MarshalIndent(s.measurements, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(s.dir, figuresFile)
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// measure runs an operation as often as it says. The figure is the median of each cost, but for memory,
// of which the most counts.
func (s *sized) measure(ctx context.Context, op operation) (f figure, err error) {
	if op.name == opImport || op.name == opArchive {
		s.Begun = op.name
		if err := s.save(); err != nil {
			return f, err
		}
	}
	var in func(io.Writer) error
	if op.name == opImport {
		in = func(to io.Writer) (err error) {
			s.sought, err = feed(to, s.Records)
			return err
		}
	}
	var all []figure
	for range op.runs {
		if op.before != nil {
			if err := s.prepare(ctx, op.before); err != nil {
				return f, err
			}
		}
		f, lines, err := s.measured(ctx, s.dir, in, op.args(s.sought)...)
		if err != nil {
			return f, err
		}
		if op.lines == some && lines == 0 || op.lines >= 0 && lines != op.lines {
			return f, fmt.Errorf("%s printed %s: what it is to find is not there", op.name, terminal.Plural(int64(lines), "line"))
		}
		all = append(all, f)
	}
	s.Begun = ""
	return middle(all), nil
}

func (s *sized) prepare(ctx context.Context, args []string) error {
	_, _, err := s.measured(ctx, s.dir, nil, args...)
	return err
}

func middle(all []figure) (f figure) {
	mid := func(of func(figure) float64) float64 {
		values := make([]float64, len(all))
		for i := range all {
			values[i] = of(all[i])
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	f.CPU = mid(func(f figure) float64 { return f.CPU })
	f.Wall = mid(func(f figure) float64 { return f.Wall })
	for i := range all {
		f.Peak = max(f.Peak, all[i].Peak)
	}
	return f
}

// look finds out what an operation left.
func (s *sized) look(after string) (err error) {
	home := filepath.Join(s.dir, homeDir)
	switch after {
	case opImport:
		if s.Raw, err = treeSize(home); err == nil && (s.ID == "" || s.Hour.IsZero()) {
			err = errors.New("nothing in so short a log can be looked for")
		}
	case "rotate":
		err = s.seek(home)
	}
	if err != nil {
		return err
	}
	if s.Stored, err = treeSize(home); err != nil {
		return err
	}
	s.Segments, err = segmentsIn(home)
	return err
}
