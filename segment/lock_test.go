package segment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// onOS gives a home that is made, on the machine's own file system.
func onOS(t *testing.T) (home string, o Options) {
	t.Helper()
	dir := t.TempDir()
	home = filepath.Join(dir, "home")
	o = Options{State: filepath.Join(dir, "state"), LockTimeout: 200 * time.Millisecond}
	l := openOS(t, home, o)
	mustAppend(t, l, 0)
	return home, o
}

func openOS(t testing.TB, home string, o Options) *Log {
	t.Helper()
	l, err := Open(home, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func putLock(t *testing.T, path, content string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func TestF17FoundLocks(t *testing.T) {
	t.Parallel()
	foreign := fmt.Sprintf("%d\n%s\n", os.Getpid(), testStart)
	for _, tt := range []struct {
		about, content string
		age            time.Duration
		busy           bool
	}{
		{"a living writer's", foreign, time.Second, true},
		{"one in another pid namespace, whose number is nobody here", "4000000\n" + testStart + "\n", 9 * time.Second, true},
		{"one that is being written", "", time.Second, true},
		{"a dead writer's", foreign, 11 * time.Second, false},
		{"our own, left by a kill", foreign + "opscontext\n", 0, false},
		{"our own, with another pid", "1\n" + testStart + "\nopscontext\n", 0, false},
		{"one that says more than ours", foreign + "opscontext\nand more\n", time.Second, true},
		{"one whose third line is not ours", foreign + "opscontext2\n", time.Second, true},
	} {
		t.Run(tt.about, func(t *testing.T) {
			home, o := onOS(t)
			path := filepath.Join(home, LockName)
			putLock(t, path, tt.content, tt.age)
			_, err := openOS(t, home, o).Append(t.Context(), event(1))
			busy, isBusy := errors.AsType[*BusyError](err)
			if isBusy != tt.busy || (err != nil) != tt.busy || errors.Is(err, ErrBusy) != tt.busy {
				t.Fatalf("got %v, want busy: %v", err, tt.busy)
			}
			_, statErr := os.Stat(path)
			if left := statErr == nil; left != tt.busy {
				t.Errorf("the lock file is there: %v, want %v", left, tt.busy)
			}
			if !tt.busy {
				return
			}
			if busy.Path != path || busy.Waited < o.LockTimeout/2 {
				t.Errorf("got %+v", busy)
			}
			if pid, _, _ := strings.Cut(tt.content, "\n"); pid != "" && busy.Holder != "process "+pid {
				t.Errorf("holder %q", busy.Holder)
			}
			e, ok := errors.AsType[*AppendError](err)
			if !ok || e.Outcome != OutcomeRefused {
				t.Errorf("got %#v, want it refused", err)
			}
		})
	}
}

// A rotation holds its lock for minutes, but says at once who holds it. A file that does not is what a power
// cut left of it.
func TestF17FoundRotateLocks(t *testing.T) {
	t.Parallel()
	foreign := fmt.Sprintf("%d\n%s\n", os.Getpid(), testStart)
	for _, tt := range []struct {
		about, content string
		age            time.Duration
		says           string // "" if the lock is not in the way
	}{
		{"a living writer's", foreign, 9 * time.Minute, "held by process " + strconv.Itoa(os.Getpid()) + ", waited 0s; nothing was written: try again, after 1m0s if"},
		{"a dead writer's", foreign, 11 * time.Minute, ""},
		{"one that is being written", "", 2 * time.Second, "held by another process, waited 0s; nothing was written: try again, after 8s if"},
		{"an empty one, left by a power cut", "", 11 * time.Second, ""},
		{"one of NULs, left by a power cut", strings.Repeat("\x00", 40), 11 * time.Second, ""},
		{"our own, left by a kill", foreign + "opscontext\n", 0, ""},
	} {
		t.Run(tt.about, func(t *testing.T) {
			for what, do := range map[string]func(*Log) error{
				"rotate":  func(l *Log) error { _, err := l.Rotate(t.Context()); return err },
				"arrange": func(l *Log) error { return l.Arrange(t.Context(), func() error { return nil }) },
			} {
				home, o := onOS(t)
				l := openOS(t, home, o)
				mustAppend(t, l, 1)
				path := filepath.Join(home, RotateLockName)
				putLock(t, path, tt.content, tt.age)
				err := do(l)
				if tt.says == "" {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
					continue
				}
				if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), path+": "+tt.says) {
					t.Errorf("%s: got %v, want %s", what, err, tt.says)
				}
			}
		})
	}
}

// A clock that was set back makes a dead holder's lock look as if it came from the future.
func TestF17LockFromTheFuture(t *testing.T) {
	home, o := onOS(t)
	path := filepath.Join(home, LockName)
	putLock(t, path, "1\nx\n", -time.Hour)
	l := &lockFile{fs: durable.OS(), path: path, stale: 10 * time.Second, leftovers: true, spare: &spare{fs: durable.OS()}}
	if gone, err := l.clearDead(time.Now()); gone || err != nil {
		t.Fatalf("seen first: gone %v, %v", gone, err)
	}
	if gone, err := l.clearDead(time.Now().Add(9 * time.Second)); gone || err != nil {
		t.Fatalf("seen for 9 s: gone %v, %v", gone, err)
	}
	if gone, err := l.clearDead(time.Now().Add(11 * time.Second)); !gone || err != nil {
		t.Fatalf("seen for 11 s: gone %v, %v", gone, err)
	}
	mustAppend(t, openOS(t, home, o), 1)
}

// A lock that has been held for long may have been taken for a dead holder's.
func TestF18LockLost(t *testing.T) {
	for _, tt := range []struct {
		about string
		do    func(m *durable.Mem) error
		age   time.Duration
		lost  bool
		left  bool
	}{
		{"ours", func(*durable.Mem) error { return nil }, time.Minute, false, false},
		{"removed", func(m *durable.Mem) error { return m.Remove("/audit.lock") }, time.Minute, true, false},
		{"removed a moment ago, which is not looked at", func(m *durable.Mem) error { return m.Remove("/audit.lock") }, 0, false, false},
		{"another's", func(m *durable.Mem) error {
			return errors.Join(m.Remove("/audit.lock"), m.Place("/audit.lock", []byte("7\nx\n"), 0o600))
		}, time.Minute, true, true},
	} {
		m := durable.NewMem()
		l := &lockFile{fs: m, path: "/audit.lock", stale: staleLock, leftovers: true, spare: &spare{fs: m}}
		if ok, err := l.try(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		l.since = l.since.Add(-tt.age)
		if err := tt.do(m); err != nil {
			t.Fatal(err)
		}
		if err := l.check(); errors.Is(err, errLockLost) != tt.lost || !tt.lost && err != nil {
			t.Errorf("%s: check: %v", tt.about, err)
		}
		_ = l.release() // of a lock that may be gone
		if _, err := m.Stat("/audit.lock"); (err == nil) != tt.left {
			t.Errorf("%s: after release: %v", tt.about, err)
		}
	}
}

// A spare that another process took for a leftover is made again; one that cannot be linked is not.
func TestSpare(t *testing.T) {
	m := durable.NewMem()
	s := &spare{fs: m}
	now := time.Now()
	lock := func() {
		t.Helper()
		content, since, err := s.place("/audit.lock", now)
		if err != nil {
			t.Fatal(err)
		}
		if now.Sub(since).Abs() >= refill {
			t.Errorf("the lock counts from %v on, which is %v ago", since, now.Sub(since))
		}
		if _, _, err := s.place("/audit.lock", now); !errors.Is(err, fs.ErrExist) {
			t.Fatalf("a lock that is there: %v", err)
		}
		want := fmt.Sprintf("%d\n%s\nopscontext\n", os.Getpid(), since.UTC().Format(stampLayout))
		if data, err := readAll(m, "/audit.lock"); err != nil || string(data) != want || string(content) != want {
			t.Errorf("the lock holds %q, %v, and is said to hold %q, want %q", data, err, content, want)
		}
		if err := m.Remove("/audit.lock"); err != nil {
			t.Fatal(err)
		}
	}
	lock()
	lock()
	first := s.path
	if !durable.Leftover(filepath.Base(first), LockName) {
		t.Errorf("a killed process leaves %q, which nobody removes", first)
	}
	// A lock that is taken for the second time within a moment is as old as at the first time. Later it
	// is not, nor once the clock was set back.
	for _, later := range []time.Duration{refill - 1, 1, refill, time.Hour, -time.Minute} {
		now = now.Add(later)
		lock()
	}
	if err := m.Remove(first); err != nil {
		t.Fatal(err)
	}
	lock()
	lock()
	if s.path == "" || s.path == first {
		t.Errorf("the spare is %q, was %q", s.path, first)
	}
	m.Inject(durable.Fault{Op: durable.OpLink, Name: filepath.Base(s.path), Err: syscall.EPERM})
	lock()
	lock()
	if !s.off || len(listDir(t, m, "/")) != 0 {
		t.Errorf("without hard links: off %v, left %v", s.off, listDir(t, m, "/"))
	}
}

// A rotation whose lock was lost on the way changes nothing, and the append does not go on either. Those
// after it do, although the lock would be lost to each rotation.
func TestF18RotationLosesItsLock(t *testing.T) {
	m := memHome(t, 4)
	s := &swapper{Mem: m}
	o := memOptions(m)
	o.FS, o.MaxBytes = s, 1024
	l := openLog(t, o)
	s.swap = func() {
		l.w.held.node.since = time.Now().Add(-time.Minute)
		if err := errors.Join(m.Remove(testHome+"/audit.lock"), m.Place(testHome+"/audit.lock", []byte("7\nx\n"), 0o600)); err != nil {
			t.Error(err)
		}
	}
	if _, err := l.Append(t.Context(), event(9)); !errors.Is(err, errLockLost) {
		t.Errorf("got %v", err)
	}
	if err := m.Remove(testHome + "/audit.lock"); err != nil {
		t.Error(err)
	}
	mustAppend(t, l, 10)
	s.swap = func() {}
	mustAppend(t, openLog(t, o), 11)
	h := mustWalk(t, m)
	checkRotations(t, h)
	if h.count(chain.KindRotate) != 1 || h.count("test.event") != 6 {
		t.Errorf("later %s", h.kinds())
	}
}

// robber is a disk on which a Node writer takes the lock over while the log is settled: it finds the
// lock old, and so does our own look at it.
type robber struct {
	*durable.Mem
	rob func()
}

// Rename comes when a torn tail has been copied, before it is cut off.
func (r *robber) Rename(old, new string) error {
	if strings.HasSuffix(new, openSuffix) {
		r.rob()
	}
	return r.Mem.Rename(old, new)
}

// Remove comes when refusals have been chained.
func (r *robber) Remove(name string) error {
	if strings.HasSuffix(name, takenSuffix) {
		r.rob()
	}
	return r.Mem.Remove(name)
}

// A settling may take so long that a Node writer takes the lock over, settles a torn tail itself and
// appends. Then nothing may be cut off any more, for its record lies there, nor written, for that is
// the head now.
func TestF18SettlingLosesItsLock(t *testing.T) {
	for _, tt := range []struct{ about, name, data string }{
		{"while a torn tail is copied", LiveName, `{"ts":"2026`},
		{"while refusals are chained", RefusedName, `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}` + "\n"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			m := memHome(t, 2)
			addTo(t, m, testHome+"/"+tt.name, tt.data)
			disk := &robber{Mem: m}
			o := memOptions(m)
			o.FS = disk
			l := openLog(t, o)
			var node chain.Record
			disk.rob = func() {
				disk.rob = func() {}
				l.w.held.node.since = time.Now().Add(-time.Minute)
				f, err := m.OpenFile(testHome+"/audit.log", os.O_RDWR|os.O_APPEND, 0)
				if err == nil {
					err = errors.Join(f.Truncate(l.w.live.tail.end), f.Close(), m.Remove(testHome+"/audit.lock"))
				}
				if err != nil {
					t.Error(err)
				}
				if node, err = chain.Seal(l.w.live.tail.head, testStart, "node", "p", []byte("1")); err != nil {
					t.Error(err)
				}
				addTo(t, m, testHome+"/audit.log", string(chain.AppendLine(nil, &node)))
			}
			if _, err := l.Append(t.Context(), event(2)); !errors.Is(err, errLockLost) {
				t.Errorf("got %v", err)
			}
			mustAppend(t, l, 3)
			if h := mustWalk(t, m); !h.has(node.Hash) || h.count("test.event") != 3 {
				t.Errorf("got %s", h.kinds())
			}
		})
	}
}

func TestExclusiveTakesNoNodeLock(t *testing.T) {
	home, o := onOS(t)
	o.Sharing = Exclusive
	putLock(t, filepath.Join(home, LockName), "1\nx\n", 0)
	mustAppend(t, openOS(t, home, o), 1)
}

// holdFlock holds the lock as another process does: by another open file.
func holdFlock(t *testing.T, home string) *flock.Flock {
	t.Helper()
	f := flock.New(filepath.Join(home, FlockName))
	if err := f.Lock(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Unlock() })
	return f
}

func TestF18SlowHolder(t *testing.T) {
	t.Parallel()
	home, o := onOS(t)
	f := holdFlock(t, home)
	l := openOS(t, home, o)
	_, err := l.Append(t.Context(), event(1))
	if !errors.Is(err, ErrBusy) {
		t.Fatalf("got %v, want busy", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err = l.Append(ctx, event(2)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	if e, ok := errors.AsType[*AppendError](err); !ok || e.Outcome != OutcomeRefused || time.Since(start) > o.LockTimeout {
		t.Errorf("got %#v after %v, want it refused at once", err, time.Since(start))
	}
	if err := f.Unlock(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 3)
	if h, err := walkHome(durable.OS(), home); err != nil || h.kinds() != "event audit.append_failed event" {
		t.Errorf("got %v, %v", h.kinds(), err)
	}
}

// Who waits must notice that what it waits for is not audit.flock any more.
func TestF19LockFileReplaced(t *testing.T) {
	for _, tt := range []struct {
		about   string
		replace func(path string) error
	}{
		{"deleted", os.Remove},
		{"renamed", func(path string) error { return os.Rename(path, path+".old") }},
		{"replaced", func(path string) error { return os.Rename(path+".new", path) }},
	} {
		t.Run(tt.about, func(t *testing.T) {
			home, o := onOS(t)
			o.LockTimeout = 10 * time.Second
			path := filepath.Join(home, FlockName)
			if err := os.WriteFile(path+".new", suspicion{}.word(), 0o600); err != nil {
				t.Fatal(err)
			}
			l := openOS(t, home, o)
			mustAppend(t, l, 1) // has the file open
			holdFlock(t, home)
			done := make(chan error, 1)
			go func() {
				_, err := l.Append(t.Context(), event(2))
				done <- err
			}()
			time.Sleep(20 * time.Millisecond)
			if err := tt.replace(path); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatalf("append after the lock file was %s: %v", tt.about, err)
			}
			info, err := durable.OS().Stat(path)
			if err != nil || info.ID != l.w.locks.word.id {
				t.Errorf("the log uses %v as its lock file, the name means %v, %v", l.w.locks.word.id, info.ID, err)
			}
		})
	}
}

// overtaken is a disk on which another process begins the log while this one is about to.
type overtaken struct {
	*durable.Mem
	t     *testing.T
	other func()
}

func (o *overtaken) Place(name string, data []byte, perm fs.FileMode) error {
	if filepath.Base(name) != FlockName {
		return o.Mem.Place(name, data, perm)
	}
	const tmp = testHome + "/." + FlockName + "77"
	addTo(o.t, o.Mem, tmp, string(data))
	o.other()
	return o.Mem.Link(tmp, name)
}

// Two processes that begin one log at once both get through, although the faster one finds the lock
// file that the other is making and takes it for a leftover.
func TestF20LogBegunTwice(t *testing.T) {
	m := durable.NewMem()
	mustAppend(t, openLog(t, Options{FS: &overtaken{m, t, func() { mustAppend(t, openLog(t, memOptions(m)), 0) }}, Now: ticking(testStart)}), 1)
	if h := mustWalk(t, m); h.kinds() != "event event" {
		t.Errorf("got %s", h.kinds())
	}
}

func TestF19HomeRenamed(t *testing.T) {
	home, o := onOS(t)
	l := openOS(t, home, o)
	mustAppend(t, l, 1)
	if err := os.Rename(home, home+".moved"); err != nil {
		t.Fatal(err)
	}
	// The home is not there any more: what is remembered of it is all there is.
	var warnings []Warning
	l.o.Warn = func(w Warning) { warnings = append(warnings, w) }
	mustAppend(t, l, 2)
	h, err := walkHome(durable.OS(), home)
	if err != nil || h.kinds() != "audit.break event" {
		t.Errorf("got %v, %v", h.kinds(), err)
	}
	if len(warnings) == 0 || warnings[0].Kind != WarnBreak {
		t.Errorf("warnings %v", warnings)
	}
	if h, err := walkHome(durable.OS(), home+".moved"); err != nil || h.kinds() != "event event" {
		t.Errorf("the moved home: %v, %v", h.kinds(), err)
	}
}

// planted are the things that somebody may put in the place of a file.
var planted = map[string]func(path, outside string) error{
	"symlink":   func(path, outside string) error { return os.Symlink(outside, path) },
	"dangling":  func(path, outside string) error { return os.Symlink(outside+".none", path) },
	"fifo":      func(path, _ string) error { return syscall.Mkfifo(path, 0o600) },
	"directory": func(path, _ string) error { return os.Mkdir(path, 0o700) },
}

// appendBeside plants something under a name in a home and appends there. What lies outside stays as it
// is, whatever comes of it.
func appendBeside(t *testing.T, name, kind string) (path string, err error) {
	t.Helper()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("precious\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	home, o := onOS(t)
	o.State = "" // the home is looked at
	path = filepath.Join(home, name)
	_ = os.Remove(path)
	if dir := filepath.Dir(path); dir != home {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := planted[kind](path, outside); err != nil {
		t.Fatal(err)
	}
	_, err = openOS(t, home, o).Append(t.Context(), event(1))
	if data, err := os.ReadFile(outside); err != nil || string(data) != "precious\n" {
		t.Errorf("the file outside now holds %q, %v", data, err)
	}
	if _, err := os.Lstat(outside + ".none"); err == nil {
		t.Error("a file was made outside")
	}
	return path, err
}

// TestA10OddFiles plants something else under every name that an append cannot do without. Nothing may
// hang.
func TestA10OddFiles(t *testing.T) {
	for _, name := range []string{LiveName, FlockName, LockName, ArchiveDir} {
		for kind := range planted {
			if name == ArchiveDir && kind == "directory" {
				continue
			}
			t.Run(name+" "+kind, func(t *testing.T) {
				path, err := appendBeside(t, name, kind)
				if err == nil || !strings.Contains(err.Error(), path) {
					t.Errorf("got %v, want an error that names %s", err, path)
				}
			})
		}
	}
}

// In the place of files that an append can do without, nothing keeps it from being recorded.
func TestA10OddFilesBeside(t *testing.T) {
	for _, name := range []string{RotateLockName, RefusedName, takenName(7), QuarantineDir, nextName, "audit.torn-x" + keptSuffix + openSuffix,
		"audit.torn-x" + keptSuffix + copySuffix, ArchiveDir + "/audit-0001.jsonl", ArchiveDir + "/audit-0001.jsonl.zst"} {
		for kind := range planted {
			t.Run(name+" "+kind, func(t *testing.T) {
				if _, err := appendBeside(t, name, kind); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestA10SecondName(t *testing.T) {
	home, o := onOS(t)
	live := filepath.Join(home, LiveName)
	if err := os.Link(live, filepath.Join(home, "copy")); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(live)
	if err != nil {
		t.Fatal(err)
	}
	_, err = openOS(t, home, o).Append(t.Context(), event(1))
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "2 names") {
		t.Errorf("got %v, want a refusal", err)
	}
	if after, err := os.ReadFile(live); err != nil || string(after) != string(before) {
		t.Errorf("the log changed: %v", err)
	}
}

func TestA16Modes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	for _, umask := range []int{0, 0o777, 0o022} {
		syscall.Umask(umask)
		dir := t.TempDir()
		home := filepath.Join(dir, "a", "home")
		if err := os.Chmod(dir, 0o700); err != nil { // the umask took the bits of that one, too
			t.Fatal(err)
		}
		l := openOS(t, home, Options{State: filepath.Join(dir, "state")})
		mustAppend(t, l, 0)
		if err := os.WriteFile(filepath.Join(home, LiveName+".x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		addTo(t, durable.OS(), filepath.Join(home, LiveName), "torn")
		mustAppend(t, l, 1)
		if _, err := l.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := map[string]os.FileMode{"": 0o700, ArchiveDir: 0o700, LiveName: 0o600, FlockName: 0o600, ArchiveDir + "/audit-0001.jsonl": 0o400}
		kept, err := filepath.Glob(filepath.Join(home, tornPrefix+"*"))
		if err != nil || len(kept) != 1 {
			t.Fatalf("kept files %v, %v", kept, err)
		}
		want[filepath.Base(kept[0])] = 0o600
		for name, mode := range want {
			info, err := os.Stat(filepath.Join(home, name))
			if err != nil || info.Mode().Perm() != mode {
				t.Errorf("umask %04o: %q has mode %v, %v, want %v", umask, name, info.Mode(), err, mode)
			}
		}
	}
}

func TestA16WidePermissionsAreSaid(t *testing.T) {
	home, o := onOS(t)
	if err := os.Chmod(home, 0o755); err != nil {
		t.Fatal(err)
	}
	var warnings []Warning
	o.Warn = func(w Warning) { warnings = append(warnings, w) }
	l := openOS(t, home, o)
	mustAppend(t, l, 1)
	mustAppend(t, l, 2)
	if len(warnings) != 1 || warnings[0].Kind != WarnPermissions || warnings[0].Path != home || !strings.Contains(warnings[0].Text, "0755") {
		t.Errorf("warnings %v", warnings)
	}
}

// Whoever waits stops when its context ends, and when its patience does, be the next wait short or long.
func TestWaiterStops(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, d := range []time.Duration{firstWait, longWait} {
		w := waiter{ctx: t.Context(), since: time.Now(), deadline: time.Now().Add(time.Hour)}
		if err := w.wait(d, "x", nil); err != nil {
			t.Errorf("a wait of %v: %v", d, err)
		}
		w.ctx = ended
		if err := w.wait(d, "x", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a wait of %v whose context has ended: %v", d, err)
		}
		w.deadline = w.since
		if err := w.wait(d, "x", nil); !errors.Is(err, ErrBusy) {
			t.Errorf("a wait of %v after the deadline: %v", d, err)
		}
	}
}
