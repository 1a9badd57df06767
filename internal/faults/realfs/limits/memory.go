//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

const (
	records = 1_000_000
	memory  = 96 << 20
)

// million verifies a log of a million records in a control group that has little memory.
func million(x *subject) error {
	g, missing := groupHere()
	if missing != "" {
		x.Skip("F23-memory: " + missing)
		return nil
	}
	if err := g.make(); err != nil {
		return err
	}
	place := trial.Place(filepath.Join(x.Dir, "million"))
	if err := os.MkdirAll(string(place), 0o700); err != nil {
		return err
	}
	events := filepath.Join(string(place), "events.jsonl")
	if err := writeEvents(events); err != nil {
		return err
	}
	x.Say("F23: importing %d records", records)
	if _, err := x.Program.Must(place, "", "import", "--keep-time", events); err != nil {
		return err
	}
	inside := x.Program
	inside.Before = g.enter()
	out, err := inside.Run(place, "", "audit_verify", "--json")
	if err != nil {
		return err
	}
	x.wrong.Add(out.Err(done))
	var report struct {
		Records struct {
			Checked int `json:"checked"`
		} `json:"records"`
	}
	if err := json.Unmarshal([]byte(out.Stdout), &report); err != nil || report.Records.Checked < records {
		x.wrong.Add(fmt.Errorf("%d of %d records were checked: %w", report.Records.Checked, records, err))
	}
	peak, err := g.end()
	x.Say("F23: verified in at most %d MiB", peak>>20)
	if err != nil {
		return err
	}
	return os.RemoveAll(string(place))
}

// writeEvents writes events of ten years.
func writeEvents(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	ts := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range records {
		ts = ts.Add(5 * time.Minute)
		if _, err := fmt.Fprintf(w, `{"ts":%q,"event":"vscode.tool_call","actor":"user%d","payload":{"i":%d,"tool":"Bash"}}`+"\n", ts.Format("2006-01-02T15:04:05.000Z"), i%7, i); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// group is a control group with a limit on memory.
type group struct {
	dir   string
	limit string // names of its files
	peak  string
}

// groupHere gives one of the version that the machine has, or says why there can be none.
func groupHere() (g group, missing string) {
	name := fmt.Sprintf("opscontext-limits-%d", os.Getpid())
	const v1, v2 = "/sys/fs/cgroup/memory", "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(v1, "memory.limit_in_bytes")); err == nil {
		return group{filepath.Join(v1, name), "memory.limit_in_bytes", "memory.max_usage_in_bytes"}, ""
	}
	controllers, err := os.ReadFile(filepath.Join(v2, "cgroup.subtree_control"))
	switch {
	case err != nil:
		return g, err.Error()
	case !strings.Contains(string(controllers), "memory"):
		return g, "no control group here limits memory"
	}
	return group{filepath.Join(v2, name), "memory.max", "memory.peak"}, ""
}

func (g group) make() error {
	if err := os.Mkdir(g.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(g.dir, g.limit), []byte(strconv.Itoa(memory)), 0o600)
}

// enter is a command that runs the rest of its words in the group.
func (g group) enter() []string {
	return []string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(g.dir, "cgroup.procs")}
}

// end removes the group. It gives the most memory that was in use in it.
func (g group) end() (peak int64, err error) {
	text, err := os.ReadFile(filepath.Join(g.dir, g.peak))
	if err != nil {
		return 0, err
	}
	if err := os.Remove(g.dir); err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}
