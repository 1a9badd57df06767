package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func testGrammar() *grammar {
	app := newApp(environment{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard,
		lookup: func(string) (string, bool) { return "", false }})
	return &grammar{global: app.Flags, verbs: app.Commands}
}

func TestArrange(t *testing.T) {
	g := testGrammar()
	for _, c := range []struct{ line, want string }{
		{"version", "version"},
		{"version --json", "version --json"},
		{"--json version", "version --json"},
		{"version --home /x", "--home=/x version"},
		{"--home /x version --json", "--home=/x version --json"},
		{"--home=/x --quiet version", "--home=/x --quiet version"},
		{"completion zsh --quiet", "--quiet completion -- zsh"},
		{"--quiet completion zsh", "--quiet completion -- zsh"},
		{"completion -- --quiet", "completion -- --quiet"},
		{"-- completion zsh", "completion -- zsh"},
		{"completion --home= zsh", "--home= completion -- zsh"},
		{"append --payload -1 --event x", "append --payload=-1 --event=x"},
		{"append --payload --1 --event x", "append --payload=--1 --event=x"},
		{"append --event=--actor", "append --event=--actor"},
		{"verify", "audit_verify"},
		{"--help", "--help"},
		{"-h", "--help"},
		{"help", "--help"},
		{"help version", "version --help"},
		{"version -h", "version --help"},
		{"tail -f -n 20", "tail --follow --lines=20"},
		{"tail -fn 20", "tail --follow --lines=20"},
		{"tail -n20 -f", "tail --lines=20 --follow"},
		{"-n=20 tail", "tail --lines=20"},
		{"--version", "version"},
		{"--version --json", "version --json"},
	} {
		got, err := g.arrange(strings.Fields(c.line))
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("arrange(%s) = %q, %v; want %q", c.line, strings.Join(got, " "), err, c.want)
		}
	}
}

func TestArrangeRefuses(t *testing.T) {
	g := testGrammar()
	for _, c := range []struct{ line, want string }{
		{"", "no command given"},
		{"--quiet", "no command given"},
		{"--json", "no command given"},
		{"verzion", `no such command: verzion. Did you mean "version"?`},
		{"audit-verify", `Did you mean "audit_verify"?`},
		{"version --jsn", "version has no flag --jsn. Did you mean --json?"},
		{"--hoem /x version", "opscontext has no flag --hoem. Did you mean --home?"},
		{"--hoem=/x version", "version has no flag --hoem. Did you mean --home?"},
		{"--hoem", "opscontext has no flag --hoem. Did you mean --home?"},
		{"version -home /x", "version has no flag -home. Did you mean --home?"},
		{"version -x", "An argument that starts with - goes behind --"},
		{"version --event x", "version has no flag --event"},
		{"version --json --json", "--json is given twice"},
		{"--home /a version --home=/b", "--home is given twice"},
		{"version --home", "--home wants a value"},
		{"append --event --actor x", "--event wants a value, and --actor is a flag"},
	} {
		got, err := g.arrange(strings.Fields(c.line))
		var usage *usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("arrange(%s) = %q, %v; want an error that says %q", c.line, got, err, c.want)
		}
	}
}

// Words of one name have one meaning: arrange relies on it to tell values from arguments before it
// knows the command.
func TestFlagsAreAlikeInAllCommands(t *testing.T) {
	g := testGrammar()
	takes, letters := map[string]bool{}, map[string]string{}
	for _, flags := range append([][]cli.Flag{g.global}, flagsOf(g.verbs)...) {
		for _, f := range flags {
			name := f.Names()[0]
			if before, seen := takes[name]; seen && before != takesValue(f) {
				t.Errorf("--%s takes a value in one command and none in another", name)
			}
			takes[name] = takesValue(f)
			for _, letter := range f.Names()[1:] {
				if before, seen := letters[letter]; seen && before != name {
					t.Errorf("-%s is --%s in one command and --%s in another", letter, before, name)
				}
				letters[letter] = name
			}
		}
	}
	for _, v := range g.verbs {
		for _, f := range v.Flags {
			if find(g.global, f.Names()[0]) != nil {
				t.Errorf("%s declares --%s, which every command has", v.Name, f.Names()[0])
			}
		}
	}
}

func flagsOf(verbs []*cli.Command) (all [][]cli.Flag) {
	for _, v := range verbs {
		all = append(all, v.Flags)
	}
	return all
}

// Arranging again changes nothing, no word is invented, and everything behind the first "--" of
// the result is an argument that was given.
func FuzzArrange(f *testing.F) {
	for _, seed := range []string{
		"version --json", "--home /x verify --since 2026", "completion -- zsh", "append --event a --payload {}",
		"-- -- --", "--home= --", "help help", "-h -h", "--version=1", "--=", "-", "export --canonical=x y",
	} {
		f.Add(seed)
	}
	g := testGrammar()
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		got, err := g.arrange(args)
		if err != nil {
			var usage *usageError
			if !errors.As(err, &usage) {
				t.Fatalf("arrange(%q): %v is no usage error", args, err)
			}
			return
		}
		again, err := g.arrange(got)
		if err != nil || !slices.Equal(got, again) {
			t.Fatalf("arrange(%q) = %q, and again %q, %v", args, got, again, err)
		}
		verbs := 0
		for i, word := range got {
			if word == "--" {
				for _, arg := range got[i+1:] {
					if !slices.Contains(args, arg) {
						t.Fatalf("arrange(%q) = %q: %q was not given", args, got, arg)
					}
				}
				break
			}
			if !strings.HasPrefix(word, "--") {
				verbs++
			}
		}
		if verbs > 1 {
			t.Fatalf("arrange(%q) = %q: an argument stands before --", args, got)
		}
	})
}
