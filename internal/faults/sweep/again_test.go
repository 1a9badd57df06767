//go:build linux && amd64

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// The other toy archives: the test program run again as the real thing, on a file system that makes
// one mistake of it.
const archiverVar = "SWEEP_TEST_ARCHIVER"

func archiveToyLog(bug, home string) error {
	results, err := archive.Run(context.Background(), home, toyOptions(&flawed{FS: durable.OS(), bug: bug}), archive.Options{})
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	return err
}

func toyOptions(fsys durable.FS) segment.Options {
	return segment.Options{FS: fsys, Sharing: segment.Exclusive, Period: segment.PeriodNone, Tool: "toy"}
}

// flawed is a file system on which archiving does something else than it believes.
type flawed struct {
	durable.FS
	bug  string
	gone map[string]durable.Info
}

const toyTemp = ".zst.tmp"

// named gives the name in the place of which a temporary one stands.
func named(tmp string) string {
	base := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(tmp), toyTemp), ".")
	return filepath.Join(filepath.Dir(tmp), base+".jsonl.zst")
}

func (f *flawed) inPlace(name string) bool {
	return f.bug == "writes in place" && strings.HasSuffix(name, toyTemp)
}

func (f *flawed) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	if f.inPlace(name) {
		name = named(name)
	}
	return f.FS.OpenFile(name, flag, perm)
}

func (f *flawed) ReadMedium(name string, p []byte, off int64) (int, error) {
	if f.inPlace(name) {
		name = named(name)
	}
	return f.FS.ReadMedium(name, p, off)
}

func (f *flawed) Stat(name string) (durable.Info, error) {
	if info, ok := f.gone[name]; ok {
		return info, nil
	}
	return f.FS.Stat(name)
}

func (f *flawed) Link(was, name string) error {
	if f.inPlace(was) {
		return nil
	}
	err := f.FS.Link(was, name)
	plain := strings.TrimSuffix(name, ".zst")
	if err != nil || plain == name || f.bug != "unlinks before it attests" {
		return err
	}
	info, err := f.FS.Stat(plain)
	f.gone = map[string]durable.Info{plain: info}
	return errors.Join(err, f.FS.Remove(plain))
}

func (f *flawed) Remove(name string) error {
	_, gone := f.gone[name]
	if gone || f.inPlace(name) || f.bug == "leaves a file" && strings.HasSuffix(name, toyTemp) {
		return nil
	}
	return f.FS.Remove(name)
}

type archiver struct {
	bug string
}

func (a archiver) command(p place, _ ...string) (argv, env []string) {
	return []string{"/proc/self/exe", p.home()}, append(os.Environ(), archiverVar+"="+a.bug, "GORACE=atexit_sleep_ms=0")
}

func (a archiver) again(x played) error {
	argv, env := a.command(x.place)
	next := exec.Command(argv[0], argv[1:]...)
	next.Env = env
	out, err := untracedOutput(next)
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func untracedOutput(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := untraced(cmd)
	return out.String(), err
}

func (a archiver) judge(x played) error {
	return errors.Join(judgeAgain(x, a.again, sameArchive), judgeLeftovers(x.place))
}

// toySegments seals n segments and begins another.
func toySegments(n int) step {
	return func(p place) (err error) {
		l, err := segment.Open(p.home(), toyOptions(durable.OS()))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		ctx := context.Background()
		for range n {
			if _, err := l.Append(ctx, segment.Event{Kind: "toy.event", Actor: "toy", Payload: []byte(`{}`)}); err != nil {
				return err
			}
			if _, err := l.Rotate(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestSweepFindsSeededBugsOfAnArchiver(t *testing.T) {
	for _, c := range []struct {
		bug   string
		fault fault
		want  string // in what is said of a bad point; empty: there is none
	}{
		{"", fault{kind: killAfter}, ""},
		{"", fault{kind: torn, share: 0.5}, ""},
		{"", fault{kind: fail, errno: syscall.EIO}, ""},
		{"unlinks before it attests", fault{kind: killAfter}, "the plain file of audit-0001 is gone"},
		{"leaves a file", fault{kind: killAfter}, ".audit-0001.zst.tmp is left over"},
		{"writes in place", fault{kind: torn, share: 0.5}, "again: "},
	} {
		name := c.bug
		if name == "" {
			name = "sound"
		}
		t.Run(name, func(t *testing.T) {
			app := archiver{c.bug}
			sum := sweepToy(t, scenario{name: name, setup: []step{toySegments(2)}, input: events(0), output: place.output, judge: app.judge}, c.fault, app)
			if sum.kills+sum.errors < 3 || sum.missed > 0 {
				t.Errorf("too few points: %s", sum)
			}
			if all := strings.Join(sum.bad, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("fault %+v: want %q: %s", c.fault, c.want, sum)
			}
		})
	}
}

// What a fault could do to an archive, done by hand.
func TestJudgeArchived(t *testing.T) {
	const plain, zst, manifest = "audit-0001.jsonl", "audit-0001.jsonl.zst", "audit-0001.manifest.json"
	finish := func(p place) error { return archiveToyLog("", p.home()) }
	undo := func(base string) step {
		return func(p place) error { return os.Remove(filepath.Join(p.archive(), base)) }
	}
	change := func(base string, to func([]byte) []byte) step {
		return func(p place) error {
			name := filepath.Join(p.home(), base)
			text, err := os.ReadFile(name)
			return errors.Join(err, os.Remove(name), os.WriteFile(name, to(text), 0o600))
		}
	}
	flip := func(text []byte) []byte { text[len(text)/2] ^= 1; return text }
	cut := func(text []byte) []byte { return text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1] }
	nothing := func([]byte) []byte { return nil }
	for _, c := range []struct {
		name  string
		fault []step
		want  string
	}{
		{"done", []step{finish}, ""},
		{"not begun", nil, ""},
		{"only compressed and described", []step{finish, putPlain, change("audit.log", cut)}, ""},
		{"plain file gone", []step{undo(plain)}, "does not begin with the records"},
		{"not attested", []step{finish, change("audit.log", cut)}, "the chain does not attest"},
		{"manifest gone", []step{finish, undo(manifest)}, "the plain file of audit-0001 is gone: open"},
		{"another manifest", []step{finish, change("audit-archive/"+manifest, flip)}, "the chain does not attest"},
		{"damaged", []step{finish, change("audit-archive/"+zst, flip)}, "right after the fault: "},
		{"half a file beside the plain one", []step{finish, putPlain, change("audit-archive/"+zst, nothing)}, "again: "},
		{"segment cut", []step{change("audit-archive/"+plain, cut)}, "does not begin with the records"},
		{"live log gone", []step{change("audit.log", nothing)}, "does not begin with the records"},
		{"foreign file", []step{change("audit.log", func(text []byte) []byte { return text }), func(p place) error {
			return os.WriteFile(filepath.Join(p.archive(), ".audit-0002.tmp"), nil, 0o600)
		}}, ".audit-0002.tmp is there, without a fault it is not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			x := played{place: place{filepath.Join(dir, "point")}, outcome: outcome{exit: 137}}
			x.before, x.done = place{filepath.Join(dir, "before")}, place{filepath.Join(dir, "done")}
			if err := errors.Join(os.MkdirAll(x.before.stage(), 0o700), toySegments(2)(x.before), x.before.copyTo(x.done),
				x.before.copyTo(x.place), finish(x.done), x.look()); err != nil {
				t.Fatal(err)
			}
			for _, do := range c.fault {
				if err := do(x.place); err != nil {
					t.Fatal(err)
				}
			}
			err := judgeAgain(x, func(x played) error { return finish(x.place) }, sameArchive)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// putPlain decompresses the first segment beside its archive.
func putPlain(p place) error {
	text, err := decompress(first(p, segment.FormZstd), segment.Name{Number: 1})
	return errors.Join(err, os.WriteFile(first(p, segment.FormPlain), text, 0o400))
}
