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
		{[]string{"export", "--format", ""}, "csv", "table"},
		{[]string{"search", "--format", ""}, "table", "append"},
		{[]string{"audit_search", "--by", ""}, "month", "append"},
		{[]string{"audit_search", "--by", ""}, "category", "append"},
		{[]string{"search", "--category", ""}, "user-activity", "append"},
		{[]string{"export", "--category", ""}, "unknown", "append"},
		{[]string{"stats", "--by", ""}, "actor", "append"},
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

// Each script completes in its shell, as far as the shell is here: what is asked for is what the
// shell's own completion finds.
func TestCompletionScripts(t *testing.T) {
	ask := map[string]string{
		"bash": `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _opscontext; printf '%s\n' "${COMPREPLY[@]}"`,
		// zsh completes in its line editor alone: its functions are put in the place of compadd and _files.
		"zsh": `compdef() { :; }; compadd() { printf '%s\n' ${(M)candidates:#${words[CURRENT]}*} }; _files() { :; }; ` +
			`source "$1"; shift; words=("$@"); CURRENT=$#; _opscontext`,
		"fish": `source $argv[1]; complete -C "$argv[2..]"`,
	}
	for shell, script := range completionScripts {
		t.Run(shell, func(t *testing.T) {
			program, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("%s is not here: its completion script was not run", shell)
			}
			file := filepath.Join(t.TempDir(), "completion")
			if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			for line, want := range map[string]string{
				"opscontext ver":          "version",
				"opscontext append --pay": "--payload",
				"opscontext completion f": "fish",
				"opscontext --color al":   "always",
				"opscontext version --js": "--json",
			} {
				args := []string{"-c", ask[shell]}
				if shell != "fish" {
					args = append(args, "completion-test")
				}
				cmd := exec.Command(program, append(append(args, file), strings.Fields(line)...)...)
				cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
				cmd.Stderr = os.Stderr
				out, err := cmd.Output()
				if got := strings.Fields(string(out)); err != nil || !slices.Contains(got, want) || slices.Contains(got, "append") {
					t.Errorf("%s<TAB>: %q, %v; want %q", line, got, err, want)
				}
			}
		})
	}
}
