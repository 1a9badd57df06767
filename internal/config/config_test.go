package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// environment looks names up in a map.
func environment(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

// at is the sources of a home given by flag.
func at(home string) Sources { return Sources{Home: &home, Lookup: environment(nil)} }

func homeWith(t *testing.T, file string) string {
	t.Helper()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, FileName), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

func TestDefaults(t *testing.T) {
	home := filepath.Join(t.TempDir(), "not", "there")
	s := at(home)
	s.StateDir = func(h string) (string, error) { return h + "/state", nil }
	c, err := Load(s)
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{
		{"home", home, Flag}, {"state", home + "/state", Default}, {"segment.max_bytes", "256MiB", Default}, {"segment.period", "year", Default},
		{"segment.max_record", "16MiB", Default}, {"archive.to", "", Default}, {"lock.timeout", "15s", Default}, {"lock.share_with_node", "true", Default},
	}
	if diff := cmp.Diff(want, c.Settings()); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if c.Segment != (Segment{256 << 20, "year", 16 << 20}) || c.Lock != (Lock{15 * time.Second, true}) || c.Archive.To != "" {
		t.Errorf("got %+v", c)
	}
}

func TestFile(t *testing.T) {
	home := homeWith(t, "# how this log is kept\n[segment]\nmax_bytes = \"1KiB\"\nperiod = \"day\"\nmax_record = 1048577\n\n"+
		"[archive]\nto = \"/var/backups//log/\"\n[lock]\ntimeout = \"1m30s\"\nshare_with_node = false\n")
	c, err := Load(at(home))
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{
		{"home", home, Flag}, {"state", "", Default}, {"segment.max_bytes", "1KiB", File}, {"segment.period", "day", File},
		{"segment.max_record", "1048577B", File}, {"archive.to", "/var/backups/log", File}, {"lock.timeout", "1m30s", File}, {"lock.share_with_node", "false", File},
	}
	if diff := cmp.Diff(want, c.Settings()); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if c.Segment != (Segment{1 << 10, "day", 1<<20 + 1}) || c.Lock != (Lock{Timeout: 90 * time.Second}) {
		t.Errorf("got %+v", c)
	}
	// Dotted keys and inline tables are the same settings.
	for _, text := range []string{"segment.max_bytes = 2048\n", "segment = { max_bytes = \"2 KiB\" }\n", "[segment]\n\"max_bytes\" = 0x800\n", "", "[segment]\n"} {
		c, err := Load(at(homeWith(t, text)))
		if want := max(c.Segment.MaxBytes, 0); err != nil || strings.Contains(text, "max_bytes") && want != 2048 {
			t.Errorf("%q: %+v (%v)", text, c.Segment, err)
		}
	}
	if defaults.Segment.MaxBytes != 256<<20 || defaults.origins != nil {
		t.Errorf("loading changed the defaults: %+v", defaults)
	}
}

func TestB10FileRefused(t *testing.T) {
	for _, c := range []struct {
		text, setting string
		line          int
		why           string
	}{
		{"[segment]\nmax_byte = \"1KiB\"\n", "segment.max_byte", 2, "no such setting: want segment.max_bytes, segment.period"},
		{"[segment]\nMax_Bytes = \"1KiB\"\n", "segment.Max_Bytes", 2, "no such setting"},
		{"\n\n[segments]\n", "segments", 3, "no such setting"},
		{"[Segment]\nmax_bytes = \"1KiB\"\n", "Segment", 1, "no such setting"},
		{"max_bytes = \"1KiB\"\n", "max_bytes", 1, "no such setting"},
		{"[segment]\nperiod = \"day\"\n[segment.more]\nx = 1\n", "segment.more", 3, "no such setting"},
		{"\"segment.max_bytes\" = 5000\n", `"segment.max_bytes"`, 1, "no such setting"},
		{"[segment]\nmax_bytes = { x = 1 }\n", "segment.max_bytes", 2, "want a size"},
		{"segment = 5\n", "segment", 1, "want a table"},
		{"[[segment]]\nmax_bytes = 5000\n", "segment", 1, "want a table"},
		{"[lock]\n\n\"time out\" = 1\n", `lock."time out"`, 3, "no such setting"},
		{"[segment]\nmax_bytes = \"1023\"\n", "segment.max_bytes", 2, "1023B is out of bounds: want 1KiB to"},
		{"[segment]\nmax_bytes = -1\n", "segment.max_bytes", 2, "-1B is out of bounds"},
		{"[segment]\nmax_bytes = \"256MB\"\n", "segment.max_bytes", 2, "want a size"},
		{"[segment]\nmax_bytes = 1e6\n", "segment.max_bytes", 2, "want a size"},
		{"[segment]\nmax_bytes = \"\"\n", "segment.max_bytes", 2, "want a size"},
		{"[segment]\nmax_bytes = \"9223372036854775807KiB\"\n", "segment.max_bytes", 2, "want a size"},
		{"[segment]\nmax_record = \"65MiB\"\n", "segment.max_record", 2, "want 1KiB to 64MiB"},
		{"[segment]\nmax_record = 0\n", "segment.max_record", 2, "out of bounds"},
		{"[segment]\nperiod = \"week\"\n", "segment.period", 2, `want one of ["year" "month" "day" "none"]`},
		{"[segment]\nperiod = 1\n", "segment.period", 2, "want one of"},
		{"[lock]\ntimeout = \"0s\"\n", "lock.timeout", 2, "want a time"},
		{"[lock]\ntimeout = \"-5s\"\n", "lock.timeout", 2, "want a time"},
		{"[lock]\ntimeout = \"15\"\n", "lock.timeout", 2, "want a time"},
		{"[lock]\ntimeout = 15\n", "lock.timeout", 2, "want a time"},
		{"[lock]\nshare_with_node = \"yes\"\n", "lock.share_with_node", 2, "want true or false"},
		{"[archive]\nto = \"backups\"\n", "archive.to", 2, "relative"},
		{"[archive]\nto = \"~/backups\"\n", "archive.to", 2, "tilde"},
		{"[archive]\nto = 7\n", "archive.to", 2, "want a directory"},
		{"max_bytes 5\n", "", 1, "not TOML"},
		{"[segment]\nmax_bytes = 1\nmax_bytes = 2\n", "", 3, "not TOML"},
		{"a = \"\xff\"\n", "", 1, "not TOML"},
		{"\x00", "", 1, "not TOML"},
		{"# " + strings.Repeat("x", maxFile) + "\n", "", 0, "longer than 1MiB"},
	} {
		home := homeWith(t, c.text)
		got, err := Load(at(home))
		var e *Error
		if !errors.As(err, &e) || e.Setting != c.setting || e.Line != c.line || e.File != filepath.Join(home, FileName) || !strings.Contains(e.Why, c.why) {
			t.Errorf("%.60q: %+v (%v), want %s line %d %q", c.text, got, err, c.setting, c.line, c.why)
			continue
		}
		place := e.File
		if c.line > 0 {
			place += fmt.Sprintf(":%d", c.line)
		}
		if !strings.HasPrefix(err.Error(), place+": ") || c.setting != "" && !strings.Contains(err.Error(), c.setting+": ") {
			t.Errorf("%.60q: error %q does not name its place", c.text, err)
		}
	}
}

func TestA10FileMustBeAFile(t *testing.T) {
	elsewhere := homeWith(t, "")
	for name, make := range map[string]func(path string) error{
		"directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"fifo":      func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"link":      func(p string) error { return os.Symlink(filepath.Join(elsewhere, FileName), p) },
	} {
		home := t.TempDir()
		if err := make(filepath.Join(home, FileName)); err != nil {
			t.Fatal(err)
		}
		var e *Error
		if _, err := Load(at(home)); !errors.As(err, &e) || !strings.Contains(e.Why, "not a regular file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHome(t *testing.T) {
	dir := t.TempDir()
	flag := dir + "/flag/"
	for _, c := range []struct {
		name   string
		flag   *string
		env    map[string]string
		want   string
		origin Origin
	}{
		{"flag before environment", &flag, map[string]string{"CONTEXTENGINE_HOME": dir + "/env", "HOME": dir}, dir + "/flag", Flag},
		{"environment before default", nil, map[string]string{"CONTEXTENGINE_HOME": dir + "/env", "HOME": dir}, dir + "/env", Environment},
		{"default", nil, map[string]string{"HOME": dir}, dir + "/.contextengine", Default},
		{"per cent is a letter", nil, map[string]string{"CONTEXTENGINE_HOME": dir + "/50%s"}, dir + "/50%s", Environment},
		{"so are letters", nil, map[string]string{"CONTEXTENGINE_HOME": dir + "/ü 日"}, dir + "/ü 日", Environment},
	} {
		got, err := Load(Sources{Home: c.flag, Lookup: environment(c.env)})
		if err != nil || got.Home != c.want || got.Settings()[0] != (Setting{"home", c.want, c.origin}) {
			t.Errorf("%s: %q %v (%v), want %q", c.name, got.Home, got.Settings(), err, c.want)
		}
	}
}

func TestB10HomeRefused(t *testing.T) {
	file := filepath.Join(homeWith(t, ""), FileName)
	bad := map[string]string{
		"": "empty", "log": "relative", "./log": "relative", "../x": "relative", "~": "tilde", "~/log": "tilde", "~root/log": "tilde",
		"/tmp/a\nb": "control character", "/tmp/a\x1b[2J": "control character", "/tmp/\x00": "control character", "/tmp/\xff": "not UTF-8",
		file: "not a directory", file + "/below": "not a directory", "/tmp/" + strings.Repeat("x", 300): "more than 255 bytes", "/nowhere/" + strings.Repeat("x", 300): "more than 255 bytes",
	}
	for value, why := range bad {
		for setting, s := range map[string]Sources{
			"--home":             {Home: &value, Lookup: environment(nil)},
			"CONTEXTENGINE_HOME": {Lookup: environment(map[string]string{"CONTEXTENGINE_HOME": value, "HOME": "/"})},
			"--state":            {State: &value, Lookup: environment(map[string]string{"HOME": "/nowhere"})},
		} {
			_, err := Load(s)
			var e *Error
			if !errors.As(err, &e) || e.Setting != setting || !strings.Contains(e.Why, why) || !strings.HasPrefix(err.Error(), setting+": ") {
				t.Errorf("%s %.40q: %v, want an error that says %q", setting, value, err, why)
			} else if strings.ContainsAny(err.Error(), "\n\x1b\x00") {
				t.Errorf("%s %.40q: the error is not printable: %q", setting, value, err)
			}
		}
	}
	for _, env := range []map[string]string{nil, {"HOME": ""}, {"HOME": "relative"}} {
		var e *Error
		if _, err := Load(Sources{Lookup: environment(env)}); !errors.As(err, &e) || e.Setting != "HOME" {
			t.Errorf("%v: %v, want an error that names HOME", env, err)
		}
	}
}

func TestState(t *testing.T) {
	s := at(t.TempDir())
	dir := t.TempDir() + "/state/"
	s.State = &dir
	s.StateDir = func(string) (string, error) { return "", errors.New("not asked") }
	c, err := Load(s)
	if want := filepath.Clean(dir); err != nil || c.State != want || c.Settings()[1] != (Setting{"state", want, Flag}) {
		t.Errorf("%q (%v), want %q", c.State, err, want)
	}
	s.State = nil
	s.StateDir = func(string) (string, error) { return "", errors.New("nobody knows") }
	var e *Error
	if _, err := Load(s); !errors.As(err, &e) || e.Setting != "--state" || !strings.Contains(e.Why, "nobody knows") {
		t.Errorf("without a default: %v", err)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1": 1, "1B": 1, "1KiB": 1 << 10, "3 MiB": 3 << 20, "256MiB": 256 << 20, "1GiB": 1 << 30, "8388607TiB": 8388607 << 40, "9223372036854775807": 1<<63 - 1} {
		got, ok := parseSize(text)
		if !ok || got != want {
			t.Errorf("%q: %d %v, want %d", text, got, ok, want)
		}
		if again, ok := parseSize(formatSize(want)); !ok || again != want {
			t.Errorf("%d is written %q and read back %d", want, formatSize(want), again)
		}
	}
	for _, text := range []string{"", "B", "KiB", " 1KiB", "1  KiB", "1KiB ", "1kib", "1K", "1KB", "-1", "+1", "1.5MiB", "0x10", "1_000", "8388608TiB", "9223372036854775808", "MiB1"} {
		if got, ok := parseSize(text); ok {
			t.Errorf("%q read as %d", text, got)
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"[segment]\nmax_bytes = \"1KiB\"\nperiod = \"day\"\n", "segment = { max_record = 5000 }", "[[lock]]\n", "lock.timeout.x = 1", "a.b.c = [1, {x = 2}]",
		"[segment]\nmax_bytes = 1979-05-27\n", "\"\" = 1\n\"\".\"\" = 2", "'seg ment'.x = inf", "[lock]\nshare_with_node = true # yes\r\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := defaults
		c.origins = map[string]Origin{}
		if err := c.apply(text); err != nil {
			if err.Why == "" || err.Line < 0 || err.Line > 1+strings.Count(text, "\n") {
				t.Errorf("%q: %+v", text, err)
			}
			return
		}
		if c.Segment.MaxBytes < minMaxBytes || c.Segment.MaxRecord < minMaxRecord || c.Lock.Timeout <= 0 {
			t.Errorf("%q: %+v", text, c)
		}
	})
}
