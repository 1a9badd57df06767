package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completionRequest is the last word of a command line that a shell wants completed.
const completionRequest = "--generate-completion"

func completionVerb() verb {
	return verb{
		name:  "completion",
		usage: "print a completion script for a shell",
		args:  "bash|zsh|fish",
		about: "Prints a script that teaches a shell to complete commands and flags.",
		examples: `# bash, for this session
source <(opscontext completion bash)
# zsh, for good
opscontext completion zsh > "${fpath[1]}/_opscontext"
# fish, for good
opscontext completion fish > ~/.config/fish/completions/opscontext.fish`,
		run: func(c *call) error {
			shell := c.cli.Args().First()
			if c.cli.NArg() != 1 {
				return usagef("completion wants one shell: bash, zsh or fish")
			}
			script, ok := completionScripts[shell]
			if !ok {
				return usagef("no completion for %s: bash, zsh or fish", shell)
			}
			_, err := io.WriteString(c.stdout, script)
			return err
		},
	}
}

// completionScripts hand over the words up to the cursor and get the candidates, one a line. Where
// there are none, the shell completes file names.
var completionScripts = map[string]string{
	"bash": `# bash completion for opscontext
_opscontext() {
  local IFS=$'\n' word="${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "$("${COMP_WORDS[@]:0:COMP_CWORD}" "$word" ` + completionRequest + ` 2>/dev/null)" -- "$word"))
}
complete -o default -F _opscontext opscontext
`,
	"zsh": `#compdef opscontext
_opscontext() {
  local -a candidates
  candidates=("${(@f)$("${(@)words[1,CURRENT]}" ` + completionRequest + ` 2>/dev/null)}")
  if [[ -n "${candidates[1]}" ]]; then
    compadd -a candidates
  else
    _files
  fi
}
if [[ "${funcstack[1]}" == _opscontext ]]; then
  _opscontext "$@"
else
  compdef _opscontext opscontext
fi
`,
	"fish": `# fish completion for opscontext
function __opscontext_candidates
    set -l words (commandline -opc) (commandline -ct)
    command $words ` + completionRequest + ` 2>/dev/null
end
complete -c opscontext -n 'count (__opscontext_candidates) >/dev/null' -f -a '(__opscontext_candidates)'
`,
}

// complete writes what may stand in the place of the last of words: flags of the command where it
// begins with a dash, else commands, or the words a flag or an argument takes.
func (g *grammar) complete(w io.Writer, words []string) error {
	current := ""
	if n := len(words); n > 0 {
		current, words = words[n-1], words[:n-1]
	}
	if n := len(words); n > 0 {
		name, dashes := strings.CutPrefix(words[n-1], "--")
		if dashes && takesValue(g.flag(name)) {
			return printWords(w, g.values(words[:n-1], name))
		}
	}
	_, positional, err := g.split(words)
	if err != nil {
		return nil //nolint:nilerr // a line that is wrong already has no continuation
	}
	var verb *cli.Command
	if len(positional) == 1 && !strings.HasPrefix(current, "-") {
		if family := g.family(positional[0]); len(family) > 0 {
			return printWords(w, family)
		}
	}
	if len(positional) > 0 {
		if verb, _, err = g.verb(positional); err != nil {
			return nil //nolint:nilerr // likewise
		}
	}
	switch {
	case strings.HasPrefix(current, "-"):
		return printWords(w, g.flagNames(verb))
	case verb == nil:
		return printWords(w, g.verbNames())
	}
	return printWords(w, valuesOf[verb.Name])
}

// values are the words that a flag takes behind words.
func (g *grammar) values(words []string, flag string) []string {
	if _, positional, err := g.split(words); err == nil && len(positional) > 0 {
		if verb, _, err := g.verb(positional); err == nil {
			if own, ok := valuesOf[verb.Name+" --"+flag]; ok {
				return own
			}
		}
	}
	return valuesOf[flag]
}

// valuesOf lists the words that a flag or a command takes; a flag that takes others with one
// command stands behind its name. What is not here takes a path, a number or free text.
var valuesOf = map[string][]string{
	flagColor:  {"auto", "always", "never"},
	flagFormat: {formatJSONL, formatCSV},
	flagBy:     byWords(),

	flagCategory: categoryWords(),

	searchName + " --" + flagFormat: searchFormats,
	tailName + " --" + flagFormat:   searchFormats,
	statsName + " --" + flagBy:      statsBys,

	"completion": {"bash", "zsh", "fish"},
}

func (g *grammar) flagNames(verb *cli.Command) []string {
	flags := append([]cli.Flag{cli.HelpFlag}, g.global...)
	if verb != nil {
		flags = append(flags, verb.Flags...)
	}
	names := make([]string, len(flags))
	for i, f := range flags {
		names[i] = "--" + f.Names()[0]
	}
	return names
}

func (g *grammar) verbNames() []string {
	names := []string{"help"}
	for _, v := range g.verbs {
		for _, name := range v.Names() {
			first, _, _ := strings.Cut(name, " ")
			names = append(names, first)
		}
	}
	return slices.Compact(names)
}

func printWords(w io.Writer, words []string) error {
	for _, word := range words {
		if _, err := fmt.Fprintln(w, word); err != nil {
			return err
		}
	}
	return nil
}
