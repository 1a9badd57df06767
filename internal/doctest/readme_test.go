package doctest

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/config"
)

// The sessions in the README are what a reader sees who types them.
func TestReadmeSessions(t *testing.T) {
	needs(t, "sh")
	d := readDocument(t, "README.md")
	var sessions []string
	for _, b := range d.blocks {
		if b.lang != "console" {
			continue
		}
		stage := cmp.Or(b.attrs["stage"], "empty")
		sessions = append(sessions, stage)
		s := enter(t, stage)
		for _, typed := range strings.Split("\n"+b.text, "\n$ ")[1:] {
			command, expected, _ := strings.Cut(typed+"\n", "\n")
			output, exit := s.run(t, command)
			if strconv.Itoa(exit) != cmp.Or(b.attrs["exit"], "0") || !shows(strings.TrimSuffix(expected, "\n"), output) {
				t.Errorf("%s: %s ends with %d and shows\n%s", d.at(b), command, exit, output)
			}
		}
	}
	if len(sessions) != 2 {
		t.Errorf("%s has the sessions %q, want 2", d.name, sessions)
	}
}

// What the README has a reader make can be made.
func TestReadmeTargets(t *testing.T) {
	makefile := readDocument(t, "Makefile").text
	d := readDocument(t, "README.md")
	targets := regexp.MustCompile("(?:^|`)make ([a-z]+)").FindAllStringSubmatch(d.text, -1)
	for _, b := range d.blocks {
		targets = append(targets, regexp.MustCompile(`(?m)^make ([a-z]+)`).FindAllStringSubmatch(b.text, -1)...)
	}
	if len(targets) < 3 {
		t.Errorf("%s names %d targets: they were not found", d.name, len(targets))
	}
	for _, m := range targets {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("%s says make %s, and Makefile has no such target", d.name, m[1])
		}
	}
}

// The configuration in the README is accepted, and says what the defaults are.
func TestReadmeConfiguration(t *testing.T) {
	d := readDocument(t, "README.md")
	home := t.TempDir()
	for _, b := range d.blocks {
		if b.lang == "toml" {
			write(t, filepath.Join(home, config.FileName), []byte(b.text))
		}
	}
	load := func(home string) (values, origins map[string]string) {
		state := filepath.Join(home, "state")
		c, err := config.Load(config.Sources{Home: &home, State: &state, Lookup: os.LookupEnv})
		check(t, err)
		values, origins = map[string]string{}, map[string]string{}
		for _, s := range c.Settings() {
			values[s.Name], origins[s.Name] = s.Value, string(s.Origin)
		}
		return values, origins
	}
	values, origins := load(home)
	defaults, _ := load(filepath.Join(home, "none"))
	for name, value := range values {
		switch name {
		case "home", "state", "archive.to": // of no one value
			continue
		}
		if origins[name] != string(config.File) {
			t.Errorf("%s does not set %s", d.name, name)
		}
		if value != defaults[name] {
			t.Errorf("%s sets %s to %s, the default is %s", d.name, name, value, defaults[name])
		}
	}
}
