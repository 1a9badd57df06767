//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode/utf8"
)

const nobody = 65534

// asNobody gives a runner of the program as a user without rights, from a place that this user can read.
func asNobody(t *testing.T, s stage) func(umask string, args ...string) ran {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user: what one without its rights may do was not tested")
	}
	dir := openDir(t)
	self, err := os.Executable()
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "opscontext"), s.read(self), 0o755))
	return func(umask string, args ...string) ran {
		t.Helper()
		cmd := exec.Command("sh", append([]string{"-c", `umask "$0"; exec "$@"`, umask, filepath.Join(dir, "opscontext")}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+filepath.Dir(s.home), "CONTEXTENGINE_HOME="+s.home, "XDG_STATE_HOME="+s.state)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput() // the exit code is for the caller to judge
		r := ran{exit: cmd.ProcessState.ExitCode(), out: string(out)}
		if r.exit == 2 || r.exit < 0 {
			t.Errorf("umask %s, %v: exit %d: %s", umask, args, r.exit, r.out)
		}
		return r
	}
}

// openDir is a temporary directory that everybody can reach.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{filepath.Dir(dir), dir} {
		check(t, os.Chmod(name, 0o755))
	}
	return dir
}

// public is a stage in a directory that everybody can reach.
func public(t *testing.T) stage {
	t.Helper()
	dir := openDir(t)
	s := stage{t, filepath.Join(dir, "home"), filepath.Join(dir, "state"), filepath.Join(dir, "outside")}
	check(t, os.Chown(dir, nobody, nobody))
	return s
}

// TestA16AnyUmask: whatever the umask, a user without rights makes directories that only that user
// enters, and files that only that user reads.
func TestA16AnyUmask(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user: the modes of files under other umasks were not tested")
	}
	for _, umask := range []string{"000", "022", "077", "777"} {
		s := public(t)
		run := asNobody(t, s)
		backup := s.outside
		for _, args := range [][]string{{"append", "--event", "a", "--payload", "1"}, {"rotate"}, {"append", "--event", "a", "--payload", "1"}, {"rotate"}, {"archive"}, {"backup", backup}, {"verify"}} {
			if r := run(umask, args...); r.exit != 0 || strings.Contains(r.out, "wide-permissions") {
				t.Fatalf("umask %s, %v: exit %d: %s", umask, args, r.exit, r.out)
			}
		}
		seen := 0
		for _, root := range []string{s.home, s.state, backup} {
			check(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := d.Info()
				if err != nil {
					return err
				}
				seen++
				if mode := info.Mode().Perm(); d.IsDir() && mode != 0o700 || !d.IsDir() && mode != 0o600 && mode != 0o400 {
					t.Errorf("umask %s: %s has mode %o", umask, name, mode)
				}
				return nil
			}))
		}
		if seen < 15 {
			t.Errorf("umask %s: %d files and directories", umask, seen)
		}
	}
}

// TestA16OtherOwners: wider modes, access lists and other owners are said; what may not be read or
// written is an error that names it, and nothing passes for it.
func TestA16OtherOwners(t *testing.T) {
	s := public(t)
	run := asNobody(t, s)
	must := func(args ...string) {
		t.Helper()
		if r := run("022", args...); r.exit != 0 {
			t.Fatalf("%v: exit %d: %s", args, r.exit, r.out)
		}
	}
	must("append", "--event", "a", "--payload", "1")
	must("rotate")
	must("append", "--event", "a", "--payload", "1")
	live, sealed := s.inHome("audit.log"), s.inHome("audit-archive/audit-0001.jsonl")
	wide := func(about string) {
		t.Helper()
		if r := run("022", "verify"); r.exit != 0 || !strings.Contains(r.out, "wide-permissions") {
			t.Errorf("%s: exit %d: %s", about, r.exit, r.out)
		}
		if r := run("022", "verify", "--strict"); r.exit != 4 {
			t.Errorf("%s: with --strict exit %d", about, r.exit)
		}
	}
	for _, c := range []struct {
		path string
		mode os.FileMode
		ours os.FileMode
	}{{s.home, 0o777, 0o700}, {s.home, 0o750, 0o700}, {live, 0o644, 0o600}, {live, 0o620, 0o600}, {sealed, 0o444, 0o400}, {filepath.Dir(sealed), 0o770, 0o700}} {
		check(t, os.Chmod(c.path, c.mode))
		wide(fmt.Sprintf("%s with mode %o", c.path, c.mode))
		check(t, os.Chmod(c.path, c.ours))
	}
	check(t, os.Chown(sealed, 0, 0))
	check(t, os.Chmod(sealed, 0o444))
	wide("a segment of root")
	check(t, os.Chmod(sealed, 0o400))
	if r := run("022", "verify"); r.exit != 5 && r.exit != 3 || !strings.Contains(r.out, "audit-0001.jsonl") {
		t.Errorf("a segment that may not be read: exit %d: %s", r.exit, r.out)
	}
	check(t, os.Chown(sealed, nobody, nobody))
	// user 1 may read and write the live log: version 2, then tag, bits and id of each entry
	acl := "\x02\x00\x00\x00" + "\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x06\x00\x01\x00\x00\x00" + "\x04\x00\x00\x00\xff\xff\xff\xff" + "\x10\x00\x06\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff"
	switch err := syscall.Setxattr(live, "system.posix_acl_access", []byte(acl), 0); err {
	case nil:
		wide("an access list")
	case syscall.ENOTSUP:
		t.Log("this file system has no access lists: not tried")
	default:
		t.Error(err)
	}
	check(t, os.Chown(s.home, 0, 0))
	check(t, os.Chmod(s.home, 0o700))
	for _, args := range [][]string{{"verify"}, {"append", "--event", "a", "--payload", "1"}, {"rotate"}, {"export"}, {"status"}} {
		if r := run("022", args...); r.exit == 0 || !strings.Contains(r.out, "permission denied") || !strings.Contains(r.out, s.home) {
			t.Errorf("%v in a home of somebody else: exit %d: %s", args, r.exit, r.out)
		}
	}
}

// steering are texts that move a cursor, set a title, open a link, write the clipboard, change direction
// or are not seen.
var steering = []string{"\x1b[2J", "\x1b]0;title\a", "\x1b]8;;http://x\a", "\x1b]52;c;eA==\a", "a\rb", "a\bb", "\u009b2J", "\u202eright", "\u200bzero", "\u2066iso", "\ufeffbom", "line\u2028end", "\x00", "\x7f", "\u0085"}

// steers reports what of a text would steer a terminal.
func steers(text string) string {
	for i, r := range text {
		switch {
		case r == '\n' || r == '\t':
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"), r < ' ', r >= 0x7f && r < 0xa0, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
			return fmt.Sprintf("%q", text[max(0, i-20):min(len(text), i+20)])
		}
	}
	return ""
}

// TestA17NothingSteersTheTerminal: whatever records, file names, settings and arguments hold, people are
// shown it escaped, in answers and in errors; JSON keeps it as it is.
func TestA17NothingSteersTheTerminal(t *testing.T) {
	s := newStage(t)
	var input strings.Builder
	for _, text := range steering {
		line, err := json.Marshal(map[string]any{"event": "e" + text, "actor": text, "payload": map[string]string{text: text, "session": text}})
		check(t, err)
		input.Write(append(line, '\n'))
	}
	long := 200_000
	if raced {
		long /= 50
	}
	line, err := json.Marshal(map[string]any{"event": "long", "actor": strings.Repeat("\x1b[31m", long), "payload": 1})
	check(t, err)
	input.Write(append(line, '\n'))
	if r := s.runWith(input.String(), "append"); r.exit != 0 {
		t.Fatal(r.errors)
	}
	s.must("rotate")
	s.forge("audit.anchor", `{"v":1,"reason":"\u001b[2J","operator":"\u202e"}`)
	s.forge("audit.redact", `{"reason":"\u001b[2J","redacted":[]}`)
	for i, text := range steering {
		if !strings.ContainsAny(text, "/\x00") {
			check(t, os.WriteFile(s.inHome(fmt.Sprintf("audit-archive/%d%s", i, text)), nil, 0o600))
			check(t, os.WriteFile(s.inHome(fmt.Sprintf("audit.torn-%s.partial", text)), []byte(text), 0o600))
		}
	}
	kept := filepath.Join(s.outside, "kept\x1b[2J.json")
	check(t, os.WriteFile(kept, []byte("{\"schema\":\"\x1b[2J\"}"), 0o600))
	bad := filepath.Join(s.outside, "events\x1b[2J")
	check(t, os.WriteFile(bad, []byte("{\"event\":\"\x1b[2J\"\n\x1b[2J\n"), 0o600))
	commands := [][]string{
		{"verify"}, {"verify", "--strict"}, {"verify", "--manifests-only"}, {"verify", "--against", kept}, {"verify", "--since", "\x1b[2J"},
		{"status"}, {"segments"}, {"search"}, {"search", "--by", "kind"}, {"search", "--by", "actor"}, {"search", "--kind", "\x1b[2J["}, {"search", "--where", "\x1b[2J"}, {"search", "--regex", "(\x1b[2J"},
		{"show", "3"}, {"show", "\x1b[2J"}, {"tail", "--lines", "50"}, {"stats"}, {"stats", "--kind", "\x1b"}, {"recover", "diagnose"}, {"recover", "repair"}, {"recover", "declare-break", "--cause", "\x1b[2J"},
		{"recover", "restore", "--from", kept}, {"import", bad}, {"import", "\x1b[2J"}, {"adopt", kept}, {"backup", kept}, {"backup", "\x1b[2J/\x1b[2J"}, {"append", "--event", "\x1b[2J", "--payload", "{\x1b"},
		{"\x1b[2J"}, {"verify", "--\x1b[2J"}, {"--home", "/\u202e", "verify"}, {"--color", "\x1b", "verify"}, {"archive"}, {"completion", "\x1b"},
	}
	for _, args := range commands {
		r := s.run(args...)
		if at := steers(r.out); at != "" {
			t.Errorf("%q prints %s", args, at)
		}
		if at := steers(r.errors); at != "" {
			t.Errorf("%q says %s", args, at)
		}
		if r.out == "" && r.errors == "" {
			t.Logf("%q is silent", args)
		}
	}
	check(t, os.WriteFile(s.inHome("opscontext.toml"), []byte("[segment]\nperiod = \"\\u001b[2J\"\n\"\\u009b\" = 1\n"), 0o600))
	if r := s.run("status"); r.exit != 64 || steers(r.errors) != "" {
		t.Errorf("a setting: exit %d: %s", r.exit, steers(r.errors))
	}
	check(t, os.Remove(s.inHome("opscontext.toml")))
	var actors []string
	for line := range strings.Lines(s.run("export").out) {
		var r struct {
			Actor string `json:"actor"`
		}
		check(t, json.Unmarshal([]byte(line), &r))
		actors = append(actors, r.Actor)
	}
	for _, text := range steering {
		if !slices.Contains(actors, text) {
			t.Errorf("the export does not keep %q", text)
		}
	}
}

// TestA14SwappedBetweenCheckAndUse has another process exchange files of the home for links that lead
// elsewhere, all the time. What lies there is neither changed nor copied.
func TestA14SwappedBetweenCheckAndUse(t *testing.T) {
	s := archivedStage(t)
	victim := filepath.Join(s.outside, "victim")
	check(t, os.WriteFile(victim, []byte("{\"canary\":1}\n"), 0o600))
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	// swap puts a link in the place of a name for a moment, and the file back.
	swap := func(name string) {
		path, aside := s.inHome(name), s.inHome(name)+".aside"
		for {
			select {
			case <-stop:
				return
			default:
			}
			if os.Rename(path, aside) != nil {
				continue // it is not there: the program has just moved it
			}
			if os.Symlink(victim, path) == nil {
				_ = os.Remove(path) // the program may have been faster
			}
			_ = os.Rename(aside, path)
		}
	}
	for _, name := range []string{"audit.log", secondPlain, firstSays} {
		swapping.Go(func() { swap(name) })
	}
	rounds := 6
	if raced {
		rounds = 2
	}
	for range rounds {
		for _, args := range [][]string{{"append", "--event", "x", "--payload", "1"}, {"rotate"}, {"archive"}, {"verify"}, {"recover", "repair", "--apply"}, {"backup", filepath.Join(filepath.Dir(s.home), "backup")}, {"export"}} {
			if r := s.run(args...); strings.Contains(r.out, "canary") {
				t.Errorf("%v read elsewhere: %s", args, r.out)
			}
		}
	}
	close(stop)
	swapping.Wait()
	if got := string(s.read(victim)); got != "{\"canary\":1}\n" {
		t.Errorf("the file outside holds %q", got)
	}
}
