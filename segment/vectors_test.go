package segment

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
)

const opsVectors = "../testdata/vectors/ops"

// differs says where we do something else than the program that made the vectors, on purpose, and
// what we do. Of an operation that is not here the same files must come out, byte for byte.
var differs = map[string]struct{ why, kinds string }{
	"append-live-missing-segments-present": {"a log without its live segment is not a new log: an audit.break follows the last sealed record",
		"audit.break vscode.tool_call"},
	"rotate-by-count": {"we seal the whole live segment, they move the older records of it", "audit.rotate"},
	"rotate-by-date":  {"as rotate-by-count", "audit.rotate"},
	"rotate-nothing":  {"a rotation that is asked for runs whenever there are records", "audit.rotate"},
	"rotate-refused-altered-live": {"rotation never verifies: what is altered stays visible where it is",
		"audit.rotate"},
	"rotate-normalises-lines":     {"bytes that were written are never written anew", "audit.rotate"},
	"rotate-number-after-gap":     {"as rotate-by-count; the number is the same", "audit.rotate"},
	"rotate-finishes-interrupted": {"their interrupted moves are theirs to finish; the records are there twice, as verify says", "audit.rotate"},
}

// skipped are operations that this package does not have.
var skipped = map[string]string{
	"redact-ack":             "acknowledging alterations is a later command",
	"restore":                "restoring is the recovery package's",
	"restore-refused-forged": "restoring is the recovery package's",
}

type opVector struct {
	Command, Now, Event, Actor string
	Payload                    json.RawMessage
	Result                     struct{ Threw string }
	AfterFiles                 map[string]struct{} `json:"after_files"`
}

func TestOpsVectors(t *testing.T) {
	entries, err := os.ReadDir(opsVectors)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		seen[e.Name()] = true
		if _, ok := skipped[e.Name()]; ok {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) { runOpVector(t, e.Name()) })
	}
	if len(seen) < 15 {
		t.Errorf("only %d vectors are there", len(seen))
	}
	for name := range differs {
		if !seen[name] {
			t.Errorf("the table of differences names %s, which is not there", name)
		}
	}
}

func runOpVector(t *testing.T, name string) {
	dir := filepath.Join(opsVectors, name)
	text, err := os.ReadFile(filepath.Join(dir, "op.json"))
	if err != nil {
		t.Fatal(err)
	}
	var op opVector
	if err := json.Unmarshal(text, &op); err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse(stampLayout, op.Now)
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(dir, "before")
	if _, err := os.Stat(before); err == nil {
		if err := os.CopyFS(home, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := Open(home, Options{State: filepath.Join(home, "..", "state"), Now: func() time.Time { return now }, Period: PeriodNone})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing is left to fail
	switch op.Command {
	case "append":
		_, err = l.Append(t.Context(), Event{Kind: op.Event, Actor: op.Actor, Payload: op.Payload})
	case "rotate":
		_, err = l.Rotate(t.Context())
	default:
		t.Fatalf("command %q", op.Command)
	}
	diff, differ := differs[name]
	if refused := errors.Is(err, ErrRefused); refused != (op.Result.Threw != "") || err != nil && !refused {
		t.Fatalf("got %v, the vector says %q", err, op.Result.Threw)
	}
	after := filesIn(t, home)
	if differ {
		checkDifference(t, after, filesIn(t, before), diff.kinds)
		return
	}
	want := filesIn(t, filepath.Join(dir, "after"))
	for file, data := range want {
		if after[file] != data {
			t.Errorf("%s holds\n%s\nwant\n%s", file, after[file], data)
		}
	}
	for file := range after {
		if _, ok := want[file]; !ok && file != FlockName && !(file == RefusedName && op.Result.Threw != "") {
			t.Errorf("%s is there and should not be", file)
		}
	}
}

// checkDifference checks what holds of our way, too: every byte that was there is still there, in
// order, and what we added are records of the given kinds that link on to each other.
func checkDifference(t *testing.T, after, before map[string]string, kinds string) {
	t.Helper()
	joined := func(files map[string]string) string {
		var b strings.Builder
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for name := range files {
				if _, form, ok := ParseName(filepath.Base(name)); ok && form == FormPlain && !yield(name) {
					return
				}
			}
		}) {
			b.WriteString(files[name])
		}
		return b.String() + files[LiveName]
	}
	old, now := joined(before), joined(after)
	added, ok := strings.CutPrefix(now, old)
	if !ok {
		t.Fatalf("bytes that were there are gone: had\n%s\nnow\n%s", old, now)
	}
	lines := strings.Split(strings.TrimSuffix(old, "\n"), "\n")
	head, err := chain.HeadOf([]byte(lines[len(lines)-1]))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(added) {
		r := chain.ReadLine([]byte(strings.TrimSuffix(line, "\n")))
		if r.Class != chain.LineExact || r.Record.Prev != head {
			t.Errorf("added %s", line)
		}
		head = r.Record.Hash
		got = append(got, r.Record.Event)
	}
	if strings.Join(got, " ") != kinds {
		t.Errorf("added %q, want %q", got, kinds)
	}
}

// filesIn reads every file below dir, except the lock file's blanks.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, relErr := filepath.Rel(dir, path)
		files[name] = string(data)
		return errors.Join(err, relErr)
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}
