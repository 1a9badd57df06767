package doctest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// A stage is what a reader of a runbook has before the first command of a page or a section. Blocks
// name it behind their fence: stage=altered.
var stages = map[string]func(*stage){
	"empty": func(*stage) {},
	"log": func(s *stage) {
		s.append(5)
	},
	"altered": func(s *stage) {
		s.append(10)
		s.rotate()
		s.append(5)
		s.backup()
		s.edit(sealed, func(lines []string) []string {
			lines[3] = strings.Replace(lines[3], `"build":4`, `"build":44`, 1)
			return lines
		})
	},
	"missing": func(s *stage) {
		s.append(5)
		s.rotate()
		s.append(5)
		s.rotate()
		s.append(5)
		s.backup()
		check(s.t, os.Remove(s.path("audit-archive/audit-0002.jsonl")))
	},
	"rolled-back": func(s *stage) {
		s.append(100)
		s.backup()
		s.append(50)
		s.replaceBy("backup")
	},
	"live-missing": func(s *stage) {
		s.append(10)
		s.rotate()
		s.append(5)
		s.backup()
		check(s.t, os.Remove(s.path(live)))
	},
	"second-genesis": func(s *stage) {
		s.append(5)
		s.edit(live, func(lines []string) []string {
			first := s.seal(chain.Genesis, now, `{"build":1}`)
			return append(lines, s.line(first), s.line(s.seal(first.Hash, now, `{"build":2}`)))
		})
	},
	"implausible-fork": func(s *stage) {
		s.append(100)
		s.edit(live, func(lines []string) []string {
			parent := chain.ReadLine([]byte(lines[9])).Record
			return append(lines, s.line(s.seal(parent.Hash, parent.TS, `{"build":"inserted"}`)))
		})
	},
	"diverged": func(s *stage) {
		s.append(1)
		s.append(4)
		s.rotate()
		s.append(5)
		s.backup()
		s.recompute()
	},
	"replaced": func(s *stage) {
		s.append(5)
		s.move(".contextengine", "elsewhere")
		s.move("state", "state-kept")
		s.append(3)
		check(s.t, os.RemoveAll(filepath.Join(s.dir, "state")))
		s.move("state-kept", "state")
	},
	"ambiguous": func(s *stage) {
		s.append(10)
		s.rotate()
		s.backup()
		s.edit(sealed, func(lines []string) []string {
			lines[3] = strings.Replace(lines[3], `{"ts"`, `{"note":"approved","ts"`, 1)
			return lines
		})
	},
	"rotate-mismatch": func(s *stage) {
		s.append(5)
		s.rotate()
		s.append(5)
		s.recompute()
		check(s.t, os.RemoveAll(s.state()))
	},
	"unreadable": func(s *stage) {
		s.append(10)
		s.rotate()
		s.backup()
		s.edit(sealed, func(lines []string) []string {
			lines[3] = lines[3][:40] + "\x00\x00" + lines[3][42:]
			return lines
		})
	},
	"torn-tail": func(s *stage) {
		s.append(5)
		s.add(live, `{"ts":"2026-01-01T00:00:00.000Z","event":"deploy.do`)
	},
	"garbage": func(s *stage) {
		s.append(5)
		s.add(live, "Segmentation fault\n")
	},
	"unknown-version": func(s *stage) {
		s.append(5)
		s.edit(live, func(lines []string) []string {
			head := chain.ReadLine([]byte(lines[len(lines)-1])).Record
			r, err := chain.Seal(head.Hash, head.TS, chain.KindBreak, chain.SystemActor, []byte(`{"v":2}`))
			check(s.t, err)
			return append(lines, s.line(r))
		})
	},
	"fork": func(s *stage) {
		s.append(5)
		s.edit(live, func(lines []string) []string {
			parent := chain.ReadLine([]byte(lines[3])).Record
			return append(lines, s.line(s.seal(parent.Hash, parent.TS, `{"build":"other"}`)))
		})
	},
	"duplicate": func(s *stage) {
		s.append(5)
		s.edit(live, func(lines []string) []string { return append(lines, lines[3:]...) })
	},
	"redacted": func(s *stage) {
		s.append(5)
		s.edit(live, func(lines []string) []string {
			r := chain.ReadLine([]byte(lines[2])).Record
			head := chain.ReadLine([]byte(lines[4])).Record
			present := s.seal(r.Prev, r.TS, `{"build":"[removed]"}`)
			content := present.Hash
			present.Hash = r.Hash
			lines[2] = s.line(present)
			ack, err := chain.Seal(head.Hash, head.TS, chain.KindRedact, "cli", fmt.Appendf(nil,
				`{"reason":"a secret was removed","redacted":[{"index":2,"hash":"%v","content_hash":"%v","ts":"%s","event":"%s"}]}`,
				r.Hash, content, r.TS, r.Event))
			check(s.t, err)
			return append(lines, s.line(ack))
		})
	},
	"mark-missing": func(s *stage) {
		s.append(5)
		check(s.t, os.RemoveAll(s.state()))
	},
	"wide-permissions": func(s *stage) {
		s.append(5)
		check(s.t, os.Chmod(s.path(live), 0o644))
	},
	"re-encoded": func(s *stage) {
		s.append(5)
		s.edit(live, func(lines []string) []string {
			lines[2] = strings.Replace(lines[2], `"payload":{`, `"payload": {`, 1)
			return lines
		})
	},
	"time-regression": func(s *stage) {
		s.append(5)
		s.edit(live, func(lines []string) []string {
			head := chain.ReadLine([]byte(lines[4])).Record
			return append(lines, s.line(s.seal(head.Hash, "2020-01-01T00:00:00.000Z", `{"build":6}`)))
		})
	},
	"sealed":   func(s *stage) { s.segments() },
	"keeping":  func(s *stage) { s.keeping() },
	"archived": func(s *stage) { s.archive() },
	"carried":  func(s *stage) { s.carried() },
	"years":    func(s *stage) { s.years() },
	"audited":  func(s *stage) { s.audited() },
	"manifest-mismatch": func(s *stage) {
		s.archive()
		s.edit(manifest, func(lines []string) []string {
			return []string{strings.Replace(lines[0], `{"name":"ci"`, `{"name":"eve"`, 1)}
		})
	},
	"frame": func(s *stage) {
		s.archive()
		s.flip(packed, 60)
	},
	"manifest-missing": func(s *stage) {
		s.archive()
		check(s.t, os.Remove(s.path(manifest)))
	},
	"unattested": func(s *stage) {
		s.segments()
		s.copy(".contextengine/audit.log", "before")
		s.copy("state", "state-before")
		s.archiveAll()
		check(s.t, os.Rename(filepath.Join(s.dir, "before"), s.path(live)))
		check(s.t, os.RemoveAll(filepath.Join(s.dir, "state")))
		s.move("state-before", "state")
	},
	"restored":            func(s *stage) { s.restored() },
	"live-older":          func(s *stage) { s.liveOlder() },
	"live-lost":           func(s *stage) { s.liveLost() },
	"home-lost":           func(s *stage) { s.homeLost() },
	"half-rotated":        func(s *stage) { s.halfRotated() },
	"anchor-contradicted": func(s *stage) { s.contradicted() },
	"undeclared-file": func(s *stage) {
		s.append(5)
		s.rotate()
		write(s.t, s.path("audit-archive/notes.txt"), []byte("remember the milk\n"))
	},
}

const (
	live     = segment.LiveName
	sealed   = segment.ArchiveDir + "/audit-0001.jsonl"
	packed   = sealed + ".zst"
	manifest = segment.ArchiveDir + "/audit-0001.manifest.json"
	now      = "2026-01-01T00:00:00.000Z"
	kind     = "deploy.done"
)

// stage is a home under way.
type stage struct {
	*shell
	t     *testing.T
	built int       // events so far
	clock time.Time // a second later each time it is asked
}

// path is a file of the home.
func (s *stage) path(name string) string { return filepath.Join(s.home(), filepath.FromSlash(name)) }

func (s *stage) open() *segment.Log {
	log, err := segment.Open(s.home(), s.options())
	check(s.t, err)
	return log
}

func (s *stage) options() segment.Options {
	return segment.Options{State: s.state(), OpenArchived: archive.Opener(durable.OS()), Now: func() time.Time {
		s.clock = s.clock.Add(time.Second)
		return s.clock
	}}
}

// append appends n events as the program does.
func (s *stage) append(n int) {
	log := s.open()
	var events []segment.Event
	for range n {
		s.built++
		events = append(events, segment.Event{Kind: kind, Actor: "ci", Payload: fmt.Appendf(nil, `{"build":%d}`, s.built)})
	}
	_, err := log.AppendBatch(context.Background(), events)
	check(s.t, err)
	check(s.t, log.Close())
}

func (s *stage) rotate() {
	log := s.open()
	_, err := log.Rotate(context.Background())
	check(s.t, err)
	check(s.t, log.Close())
}

// flip changes a byte of a file of the home, as a disk does.
func (s *stage) flip(name string, at int) {
	path := s.path(name)
	data, err := os.ReadFile(path)
	check(s.t, err)
	data[at] ^= 0xff
	check(s.t, os.Chmod(path, 0o600))
	check(s.t, os.WriteFile(path, data, 0o600))
	check(s.t, os.Chmod(path, 0o400))
}

// backup copies the home to the directory backup.
func (s *stage) backup() { s.copy(".contextengine", "backup") }

func (s *stage) copy(from, to string) {
	output, exit := s.run(s.t, fmt.Sprintf("cp -a %q %q", from, to))
	if exit != 0 {
		s.t.Fatalf("cp: %s", output)
	}
}

func (s *stage) move(from, to string) {
	check(s.t, os.Rename(filepath.Join(s.dir, from), filepath.Join(s.dir, to)))
}

// replaceBy puts a copy in place of the home, as a restore does, and keeps what was there.
func (s *stage) replaceBy(copied string) {
	s.move(".contextengine", "before-restore")
	s.copy(copied, ".contextengine")
}

// edit changes the lines of a file of the home.
func (s *stage) edit(name string, change func(lines []string) []string) {
	path := s.path(name)
	info, err := os.Stat(path)
	check(s.t, err)
	text, err := os.ReadFile(path)
	check(s.t, err)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	check(s.t, os.Chmod(path, 0o600))
	check(s.t, os.WriteFile(path, []byte(strings.Join(change(lines), "\n")+"\n"), 0o600))
	check(s.t, os.Chmod(path, info.Mode()))
}

// add writes text at the end of a file of the home.
func (s *stage) add(name, text string) {
	f, err := os.OpenFile(s.path(name), os.O_WRONLY|os.O_APPEND, 0)
	check(s.t, err)
	_, err = f.WriteString(text)
	check(s.t, err)
	check(s.t, f.Close())
}

func (s *stage) seal(prev chain.Hash, ts, payload string) chain.Record {
	r, err := chain.Seal(prev, ts, kind, "ci", []byte(payload))
	check(s.t, err)
	return r
}

func (s *stage) line(r chain.Record) string {
	return string(bytes.TrimSuffix(chain.AppendLine(nil, &r), []byte("\n")))
}

// recompute changes the third record and gives every later one a new parent and hash: a log that
// agrees with itself.
func (s *stage) recompute() {
	head, n := chain.Genesis, 0
	for _, name := range []string{sealed, live} {
		s.edit(name, func(lines []string) []string {
			for i, line := range lines {
				r := chain.ReadLine([]byte(line)).Record
				if n++; n == 3 {
					r.Payload = []byte(`{"build":"other"}`)
				}
				r, err := chain.Seal(head, r.TS, r.Event, r.Actor, r.Payload)
				check(s.t, err)
				lines[i], head = s.line(r), r.Hash
			}
			return lines
		})
	}
}

// enter makes a stage in a shell of its own.
func enter(t *testing.T, name string) *shell {
	t.Helper()
	build, ok := stages[name]
	if !ok {
		t.Fatalf("there is no stage %q", name)
	}
	s := &stage{shell: newShell(t, filepath.Dir(program(t))), t: t, clock: time.Now().Add(-10 * time.Minute)}
	check(t, os.MkdirAll(s.state(), 0o700))
	build(s)
	return s.shell
}
