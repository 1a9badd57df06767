package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// linkWindow bounds how many bytes are read to count what other writers appended meanwhile.
const linkWindow = 1 << 20

// continues reports whether the open live log still holds the record that was its last when this
// writer looked, and counts what others appended behind it. It leaves the tail to be read anew.
func (w *writer) continues() bool {
	l := &w.live
	if !l.settled || l.tail.line == nil || l.info.Size < l.tail.end {
		return false
	}
	was := make([]byte, len(l.tail.line)+1)
	if _, err := l.f.ReadAt(was, l.tail.start); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	if !bytes.Equal(was[:len(l.tail.line)], l.tail.line) || was[len(l.tail.line)] != '\n' {
		return false
	}
	w.count(l.tail.end, l.tail.head)
	return true
}

// count adds the records in [from, size) of the live log to the known number, if they are the
// plain continuation of head. Where they are anything else nobody has counted.
func (w *writer) count(from int64, head chain.Hash) {
	l := &w.live
	if l.who.records == chain.UnknownCount || from == l.info.Size {
		return
	}
	n, incarnation, ok := countLinked(l.f, from, l.info.Size, head)
	l.who.incarnation = max(l.who.incarnation, incarnation)
	if !ok {
		l.who.records = chain.UnknownCount
		return
	}
	l.who.records += n
}

func countLinked(f io.ReaderAt, from, to int64, head chain.Hash) (n int64, incarnation int, ok bool) {
	if to-from > linkWindow {
		return 0, 0, false
	}
	data := make([]byte, to-from)
	if _, err := f.ReadAt(data, from); err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, false
	}
	for line := range bytes.Lines(data) {
		text, ended := bytes.CutSuffix(line, []byte{'\n'})
		if !ended {
			break // a fragment, which settleTail deals with
		}
		r := chain.ReadLine(text)
		if !r.Class.Whole() || r.Record.Prev != head {
			return 0, incarnation, false
		}
		head = r.Record.Hash
		incarnation = max(incarnation, incarnationOf(&r.Record))
		n++
	}
	return n, incarnation, true
}

// firstHead is the hash of the first line of a log file that is a record, Genesis if it is none of
// the first lines, and that line.
func firstHead(f io.ReaderAt, size int64) (chain.Hash, []byte, error) {
	for n := int64(tailWindow); ; n *= 4 {
		n = min(n, size, chain.MaxLine)
		data := make([]byte, n)
		if _, err := f.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
			return chain.Hash{}, nil, err
		}
		for line := range bytes.Lines(data) {
			text, ended := bytes.CutSuffix(line, []byte{'\n'})
			if !ended && n < size {
				break
			}
			if h, err := chain.HeadOf(text); err == nil {
				return h, text, nil
			}
		}
		if n == size || n == chain.MaxLine {
			return chain.Hash{}, nil, nil
		}
	}
}

// identify finds out which log this is: from the mark where that fits, else from the files.
func (w *writer) identify() error {
	l := &w.live
	if m, ok := w.mem.Mark(); ok && w.fits(m) {
		l.who = identity{number: m.Segment, logID: m.LogID, incarnation: m.Incarnation, records: m.Records}
		w.count(m.Offset, m.Head)
		w.blind = false
		return nil
	}
	if !l.empty() {
		// Nothing says that whoever made this file made its name durable.
		if err := w.fs.SyncDir(w.home); err != nil {
			return err
		}
	}
	who, err := w.identityOfFiles()
	if err != nil {
		return err
	}
	l.who = who
	c, err := w.compare()
	if err != nil {
		return err
	}
	// Where one could not look the mark stays as it is, for the next writer to compare.
	w.blind = c.Standing == Unjudged
	switch c.Standing {
	case Agrees:
		l.who.logID, l.who.incarnation = c.Mark.LogID, c.Mark.Incarnation
	case Unjudged:
		w.warn(WarnMemory, "", "the log could not be compared with what this machine remembers of it: %s", c.Why)
	case Broken:
		return w.chainBreak(c)
	}
	return nil
}

// errMoved says that another writer wrote while audit.lock was given back: settle starts over.
var errMoved = errors.New("the log was written to meanwhile")

// compare finds out whether the log is the one remembered; an error to look makes it Unjudged. That may
// take reading all of the log, for longer than Node writers wait, and even for longer than they take
// a lock for alive: for a search audit.lock is given back. Flock stays, so it is they alone who
// append or rotate meanwhile. Then the result is kept and settle starts over.
func (w *writer) compare() (Continuity, error) {
	if c := w.compared; c != nil {
		return *c, nil
	}
	check := func() Continuity {
		c, err := w.mem.Check(context.Background(), HomeView{Live: w.liveSource()})
		if err != nil {
			return Continuity{Standing: Unjudged, Why: err.Error()}
		}
		return c
	}
	_, marked := w.mem.Mark()
	if !marked || w.live.empty() || w.held.node == nil {
		return check(), nil // nothing to search for, or nothing that another writer may be let at
	}
	node, before := w.held.node, w.live.info
	w.held.node = nil
	if err := node.release(); err != nil {
		return Continuity{}, err
	}
	c := check()
	wait := waiter{ctx: context.Background(), since: time.Now(), deadline: time.Now().Add(w.o.LockTimeout)}
	if err := node.take(&wait); err != nil {
		return Continuity{}, err
	}
	w.held.node = node
	now, err := w.fs.Stat(w.path(LiveName))
	if err == nil && now.ID == before.ID && now.Size == before.Size {
		return c, nil
	}
	w.compared = &c
	return Continuity{}, errMoved
}

// chainBreak puts on the chain that the log is not the one remembered. Recording goes on; it is
// verify that does not pass until a person has documented what happened.
func (w *writer) chainBreak(c Continuity) error {
	// A kill between the record and the mark leaves the record there and the mark as it was, and so does a
	// disk that does not take the mark, for as long as that lasts. What was compared may be from before.
	done, err := w.onChain(chain.KindBreak, fmt.Appendf(nil, `"head":"%v"`, c.Mark.Head))
	if err != nil {
		return err
	}
	if !c.Told && !done {
		b := c.Break()
		if err := w.chain(chain.KindBreak, b.Payload()); err != nil {
			return err
		}
	}
	why := fmt.Sprintf("this machine remembers the head %s, which is not in the log", c.Mark.Head.Short())
	if c.Mark == noMark {
		why = "sealed segments are there without their live log"
	}
	w.warn(WarnBreak, w.home, "%s: %s; the log goes on after an audit.break: find out what happened, verify shows it until it is documented", c.Class, why)
	if err := w.mem.Supersede(c); err != nil {
		w.warn(WarnMemory, "", "this machine could not note what it saw of the log: %v", err)
	}
	w.remember()
	w.saveMark()
	// Alone of all marks this one must not be lost: what it said before would be found broken again.
	if err := w.mem.sync(); err != nil {
		w.warn(WarnMemory, "", "this machine could not note what it saw of the log: %v", err)
	}
	return nil
}

// sync makes durable what is remembered.
func (m *Memory) sync() error {
	if m.dir == "" {
		return nil
	}
	for _, suffix := range []string{markSuffix, pointsSuffix} {
		if err := m.write(suffix, os.O_RDWR|os.O_CREATE, durable.File.Sync); err != nil {
			return err
		}
	}
	return m.fs.SyncDir(m.dir)
}

// liveSource is the live log as a comparison reads it.
func (w *writer) liveSource() Source {
	l := &w.live
	if l.f == nil {
		return nil
	}
	return &plain{fs: w.fs, path: w.path(LiveName), label: LiveName, name: Name{Number: l.who.number}, state: StateLive,
		info: l.info, held: l.f, reach: fullReach}
}

// identityOfFiles reads what the live log's first record and the names of the segments say.
func (w *writer) identityOfFiles() (identity, error) {
	who := identity{number: 1, incarnation: 1, records: chain.UnknownCount}
	list, err := w.listArchived()
	if err != nil {
		return who, err
	}
	for _, a := range list {
		who.number = max(who.number, a.name.Number+1)
	}
	if m, ok := w.mem.Mark(); ok {
		who.number = max(who.number, m.Segment)
	}
	if len(list) > 0 {
		who.logID = w.firstOf(list)
	}
	l := &w.live
	if l.empty() {
		if len(list) == 0 {
			who.records = 0
		}
		return who, nil
	}
	first, line, err := firstHead(l.f, l.info.Size)
	if err != nil || line == nil {
		return who, err
	}
	if who.incarnation, err = recentIncarnation(l.f, l.info.Size); err != nil {
		return who, err
	}
	r := chain.ReadLine(line).Record
	if r.Prev == chain.Genesis {
		who.logID = first
	}
	if r.Event != chain.KindRotate {
		return who, nil
	}
	v, _, err := ecmajson.Parse(r.Payload, chain.MaxDepth)
	if err != nil {
		return who, nil //nolint:nilerr // it was just read from a line that parses; nothing depends on it
	}
	p, err := chain.ParseRotate(r.Event, v)
	if err != nil {
		return who, nil //nolint:nilerr // a payload of another writer's making; nothing depends on it
	}
	if p.LogID != (chain.Hash{}) {
		who.logID = p.LogID
	}
	who.incarnation = max(who.incarnation, p.Incarnation)
	if n, _, ok := ParseName(strings.TrimPrefix(p.Segment, ArchiveDir+"/")); ok {
		who.number = max(who.number, n.Number+1)
	}
	return who, nil
}

// firstOf is the log id that the oldest segment shows: the hash of its first record, if that is the
// log's first. It is zero where it takes more than that to tell. A segment that cannot be read tells
// nothing; it is no reason to stop recording.
func (w *writer) firstOf(list []archived) (id chain.Hash) {
	path := w.archivePath(list[0].base)
	var line []byte
	var err error
	switch list[0].form {
	case FormPlain:
		line, err = w.firstPlain(path)
	case FormZstd:
		line, err = w.firstArchived(path, list[0].name)
	default:
		return id
	}
	if err != nil || line == nil {
		return id
	}
	if r := chain.ReadLine(line).Record; r.Prev == chain.Genesis {
		id = r.Hash
	}
	return id
}

// firstPlain is the first record of a sealed segment, as its line; nil if there is none.
func (w *writer) firstPlain(path string) (line []byte, err error) {
	f, err := w.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	_, line, err = firstHead(f, info.Size)
	return line, err
}

// firstArchived is firstPlain for a compressed segment.
func (w *writer) firstArchived(path string, name Name) (line []byte, err error) {
	if w.o.OpenArchived == nil {
		return nil, nil
	}
	src, err := w.o.OpenArchived(path, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	c, err := src.Read(Extent{Offset: 0, Size: 1}, nil)
	for _, first := range c.Lines() {
		line = bytes.Clone(first)
	}
	return line, err
}

// remember notes the head of the live log for the mark. It is called only after a sync returned nil
// with no suspicion standing, so that the mark never leads.
func (w *writer) remember() {
	l := &w.live
	w.seen = Mark{LogID: l.who.logID, Incarnation: l.who.incarnation, Segment: l.who.number,
		Offset: l.tail.end, Head: l.tail.head, Records: l.who.records, TS: l.ts}
	w.points, w.pending = append(w.points, w.pending...), w.pending[:0]
	w.unsaved = !w.blind
}

// The mark is moved when there is nothing else to do: markAfter the last append, or before Close
// returns. While appends come without a pause it may lag by markEvery.
const (
	markAfter = 10 * time.Millisecond
	markEvery = 100 * time.Millisecond
)

// saveMark moves the mark. It takes no lock, and it never fails an append.
func (w *writer) saveMark() {
	if !w.unsaved {
		return
	}
	w.unsaved, w.saved = false, time.Now()
	err := w.mem.SetMark(w.seen)
	for _, p := range w.points {
		err = errors.Join(err, w.mem.AddPoint(p))
	}
	w.points = w.points[:0]
	if err != nil {
		w.warn(WarnMemory, "", "this machine could not note what it saw of the log: %v", err)
	}
}

// point notes the head as a record to be remembered besides the mark, once remember says that it is
// durable.
func (w *writer) point() {
	l := &w.live
	w.pending = append(w.pending, Point{LogID: l.who.logID, Segment: l.who.number, Offset: l.tail.end, Hash: l.tail.head, Records: l.who.records, TS: l.ts})
}
