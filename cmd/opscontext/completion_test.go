package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	g := testGrammar()
	for _, c := range []struct {
		words    []string
		has, not string
	}{
		{[]string{""}, "append", "--home"},
		{[]string{"aud"}, "audit_verify", "--home"}, // the shell picks those that fit
		{[]string{"--quiet", ""}, "verify", "--home"},
		{[]string{"append", "--"}, "--event", "--strict"},
		{[]string{"--"}, "--home", "--event"},
		{[]string{"verify", "-"}, "--against", "--event"},
		{[]string{"completion", ""}, "zsh", "append"},
		{[]string{"--color", ""}, "never", "append"},
		{[]string{"--home", ""}, "", "append"}, // a directory: for the shell
		{[]string{"append", ""}, "", "append"},
		{[]string{"nosuch", ""}, "", "append"},
	} {
		var out bytes.Buffer
		if err := g.complete(&out, c.words); err != nil {
			t.Fatal(err)
		}
		got := strings.Fields(out.String())
		if c.has != "" && !slices.Contains(got, c.has) || c.has == "" && len(got) > 0 || slices.Contains(got, c.not) {
			t.Errorf("complete(%q) = %q; want %q and not %q", c.words, got, c.has, c.not)
		}
	}
}

// The bash script completes with nothing but bash. complete -p and compgen are what a terminal uses.
func TestBashCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not here: the completion script was not run")
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "completion")
	if err := os.WriteFile(script, []byte(bashCompletion), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"opscontext ver":          "verify version",
		"opscontext append --pay": "--payload",
		"opscontext completion f": "fish",
		"opscontext --color al":   "always",
		"opscontext version --":   "--color --help --home --json --quiet --state",
	} {
		words := strings.Fields(line)
		cmd := exec.Command(bash, "--norc", "-c", `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _opscontext; printf '%s\n' "${COMPREPLY[@]}" | sort`,
			script)
		cmd.Args = append(cmd.Args, words...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != want {
			t.Errorf("%s<TAB>: %q, %v; want %q", line, got, err, want)
		}
	}
}

func TestFishAndZshCompletionNameTheCommands(t *testing.T) {
	fish := output(t, "completion", "fish")
	for _, v := range verbs() {
		if !strings.Contains(fish, v.name) {
			t.Errorf("fish: no %s", v.name)
		}
	}
	if zsh := output(t, "completion", "zsh"); !strings.HasPrefix(zsh, "#compdef opscontext\n") {
		t.Errorf("zsh: %.60q", zsh)
	}
}
