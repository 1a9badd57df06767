package doctest

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// restored makes two sealed segments and a live log, and backs them up; then the log goes on for
// months, and is archived; then the backup is put in its place.
func (s *stage) restored() {
	s.append(40)
	s.rotate()
	s.append(40)
	s.rotate()
	s.append(20)
	s.backup()
	s.append(40)
	s.rotate()
	s.append(10)
	s.archiveAll()
	s.replaceBy("backup")
	s.script()
}

// liveOlder puts an older audit.log beside newer segments.
func (s *stage) liveOlder() {
	s.append(20)
	s.copy(".contextengine/audit.log", "restored.log")
	s.append(20)
	s.rotate()
	s.append(20)
	s.move(".contextengine/audit.log", "newest.log")
	check(s.t, os.Rename(filepath.Join(s.dir, "restored.log"), s.path(live)))
}

// liveLost makes an archived, a sealed and a live segment, and loses the last.
func (s *stage) liveLost() {
	s.append(20)
	s.rotate()
	s.append(20)
	s.rotate()
	s.archiveAll()
	s.append(10)
	check(s.t, os.Remove(s.path(live)))
}

// homeLost archives a log, copies the archives to the directory copies, and loses the home.
func (s *stage) homeLost() {
	s.archive()
	check(s.t, os.RemoveAll(s.home()))
}

// halfRotated is a log whose rotation was killed after the live log had got its second name.
func (s *stage) halfRotated() {
	s.append(20)
	s.rotate()
	s.append(5)
	check(s.t, os.Link(s.path(live), s.path("audit-archive/audit-0002.jsonl")))
	write(s.t, s.path(".audit.log.next"), []byte(`{"ts":"2026-`))
}

// contradicted documents a roll-back by an anchor that makes the loss smaller than it was.
func (s *stage) contradicted() {
	s.append(100)
	s.backup()
	s.append(50)
	s.replaceBy("backup")
	s.append(1)
	s.copy(".contextengine", "before-anchor")
	if output, exit := s.run(s.t, "opscontext recover declare-break --cause backup-restore --reason 'disk replaced' --operator ops --apply"); exit != 0 {
		s.t.Fatal(output)
	}
	sealed, err := os.ReadFile(s.path(sealed))
	check(s.t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(sealed), "\n"), "\n")
	truth := chain.ReadLine([]byte(lines[len(lines)-1])).Record
	payload := strings.Replace(string(truth.Payload), `"records":{"min":50,"max":50`, `"records":{"min":5,"max":5`, 1)
	_, _, err = ecmajson.Parse([]byte(payload), chain.MaxDepth)
	check(s.t, err)
	check(s.t, os.RemoveAll(s.home()))
	s.move("before-anchor", ".contextengine")
	forged, err := chain.Seal(truth.Prev, truth.TS, chain.KindAnchor, chain.SystemActor, []byte(payload))
	check(s.t, err)
	s.add(live, s.line(forged)+"\n")
	check(s.t, os.RemoveAll(s.state()))
	check(s.t, os.MkdirAll(s.state(), 0o700))
	log := s.open()
	_, err = log.Append(s.t.Context(), segment.Event{Kind: kind, Payload: []byte("{}")})
	check(s.t, err)
	check(s.t, log.Close())
}
