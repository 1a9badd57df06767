package segment

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"unicode/utf8"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// Bounds of the refusals file and of the record that sums it up.
const (
	maxErrorText   = 200       // characters of an error that are noted
	maxRefusalLine = 64 << 10  // a longer line is no refusal
	maxKinds       = 100       // different kinds, errors and processes that are told apart
	otherKinds     = "(other)" // what the rest counts as
)

// noteRefusals adds a line per event that could not be written, for the next append that succeeds
// to put on the chain. It is done without a lock and without a sync, as existing writers do it:
// what stands in the way of the append may stand in the way of these, too.
func (w *writer) noteRefusals(drafts []Draft, cause error) error {
	if err := ledElsewhere(w.home); err != nil {
		return err
	}
	ts, err := w.stamp()
	if err != nil {
		return err
	}
	var lines []byte
	for _, d := range drafts {
		v := ecmajson.Value{Kind: ecmajson.Object, Members: []ecmajson.Member{
			{Name: "ts", Value: ecmajson.Value{Kind: ecmajson.String, Str: ts}},
			{Name: "pid", Value: ecmajson.Value{Kind: ecmajson.Number, Num: float64(os.Getpid())}},
			{Name: "event", Value: ecmajson.Value{Kind: ecmajson.String, Str: d.kind}},
			{Name: "error", Value: ecmajson.Value{Kind: ecmajson.String, Str: clipText(cause.Error())}},
		}}
		lines = append(ecmajson.AppendStringify(lines, v), '\n')
	}
	f, err := w.fs.OpenFile(w.path(RefusedName), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err = unshared(f); err == nil {
		_, err = f.Write(lines)
	}
	return errors.Join(err, f.Close())
}

func clipText(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxErrorText {
			return s[:i]
		}
	}
	return s
}

// settleRefusals chains what was refused before. The file is renamed first, so that lines that come
// meanwhile start a new one, and removed only when the record is durable: a kill in between leaves
// a file with a name that clearLeftovers finds.
func (w *writer) settleRefusals() error {
	for len(w.taken) > 0 {
		if err := w.chainRefusals(w.taken[0]); err != nil {
			return err
		}
		w.taken = w.taken[1:]
	}
	if _, err := w.fs.Stat(w.path(RefusedName)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	name := takenName(os.Getpid())
	free, err := w.free(w.path(name))
	if err == nil && !free { // of a killed process that had our number
		if err = w.chainRefusals(name); err == nil {
			free, err = w.free(w.path(name))
		}
	}
	if err != nil || !free { // what could not be counted stays, and nothing is put in its place
		return err
	}
	if err := w.fs.Rename(w.path(RefusedName), w.path(name)); err != nil {
		w.warn(WarnRefusals, w.path(RefusedName), "refused appends could not be counted: %v", err)
		return nil
	}
	return w.chainRefusals(name)
}

// chainRefusals sums a taken file up on the chain and removes it. The sum depends on the file's
// bytes alone: where it is on the chain already, only the removal is missing.
func (w *writer) chainRefusals(name string) error {
	path := w.path(name)
	for from := int64(0); ; {
		sum, size, err := w.sumRefusals(path, from)
		if err != nil {
			w.warn(WarnRefusals, path, "refused appends could not be counted: %v", err)
			return nil
		}
		if sum.Count > 0 {
			payload := sum.Payload()
			done, err := w.onChain(chain.KindAppendFailed, payload)
			if err == nil && !done {
				err = w.chain(chain.KindAppendFailed, payload)
			}
			if err != nil {
				return err
			}
			if !done {
				w.warn(WarnRefusals, "", "%d earlier appends had been refused; the log now says so", sum.Count)
			}
		}
		// A writer that had the file open may have added a line since it was read.
		if info, err := w.fs.Stat(path); err == nil && info.Size > size {
			from = size
			continue
		}
		return removeIfThere(w.fs, path)
	}
}

// sumRefusals reads a refusals file from an offset on. Lines that are no refusal are passed over: a
// full disk cuts them short.
func (w *writer) sumRefusals(path string, from int64) (sum chain.AppendFailed, size int64, err error) {
	f, err := w.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return sum, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return sum, 0, err
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, from, info.Size-from), maxRefusalLine)
	for tooLong := false; ; {
		line, isPrefix, err := r.ReadLine()
		if errors.Is(err, io.EOF) {
			return sum, info.Size, nil
		}
		if err != nil {
			return sum, 0, err
		}
		if !tooLong && !isPrefix {
			addRefusal(&sum, line)
		}
		tooLong = isPrefix
	}
}

func addRefusal(sum *chain.AppendFailed, line []byte) {
	v, _, err := ecmajson.Parse(line, chain.MaxDepth)
	if err != nil || v.Kind != ecmajson.Object {
		return
	}
	sum.Count++
	text := func(name string) string {
		m, ok := v.Member(name)
		if !ok || m.Kind != ecmajson.String {
			return ""
		}
		return m.Str
	}
	if ts := text("ts"); ts != "" {
		if sum.First == "" || ts < sum.First {
			sum.First = ts
		}
		sum.Last = max(sum.Last, ts)
	}
	sum.Events = tally(sum.Events, text("event"))
	sum.Errors = tally(sum.Errors, clipText(text("error")))
	pid, ok := v.Member("pid")
	if !ok || pid.Kind != ecmajson.Number || pid.Num != math.Trunc(pid.Num) || math.Abs(pid.Num) > maxNumber || len(sum.PIDs) >= maxKinds {
		return
	}
	for _, p := range sum.PIDs {
		if p == int64(pid.Num) {
			return
		}
	}
	sum.PIDs = append(sum.PIDs, int64(pid.Num))
}

// tally counts a name, "" not.
func tally(counts []chain.Count, name string) []chain.Count {
	if name == "" {
		return counts
	}
	if len(name) > maxErrorText*utf8.UTFMax {
		name = clipText(name)
	}
	for i := range counts {
		if counts[i].Name == name {
			counts[i].Count++
			return counts
		}
	}
	if len(counts) >= maxKinds {
		if name == otherKinds {
			return append(counts, chain.Count{Name: name, Count: 1})
		}
		return tally(counts, otherKinds)
	}
	return append(counts, chain.Count{Name: name, Count: 1})
}
