package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// grammar is what may stand on a command line.
type grammar struct {
	global []cli.Flag
	verbs  []*cli.Command
}

// word is one flag as it was given.
type word struct {
	given  string // "--home"
	name   string // "home"
	value  string
	valued bool
}

func (w word) String() string {
	if w.valued {
		return w.given + "=" + w.value
	}
	return w.given
}

// arrange puts a command line (without the program's name) into the one order that the flag parser
// reads fully: global flags, the command, its flags, "--", its arguments. Flags may come before or
// after arguments; "--" ends them. Without this, a flag behind an argument would be taken for a
// further argument, and silently do nothing.
//
// It also refuses what the parser would let pass: a flag given twice that takes one value, a value
// that looks like a forgotten one, anything else that starts with "-".
func (g *grammar) arrange(args []string) ([]string, error) {
	words, positional, err := g.split(args)
	if err != nil {
		return nil, err
	}
	words, positional = spellOut(words, positional)
	var verb *cli.Command
	if len(positional) > 0 {
		if verb, positional, err = g.verb(positional); err != nil {
			// An unknown flag may have left its value where the command belongs.
			for _, w := range words {
				if g.flag(w.name) == nil {
					return nil, g.unknownFlag(w, nil, g.global)
				}
			}
			return nil, err
		}
	}
	allowed := slices.Concat(g.global, []cli.Flag{cli.HelpFlag})
	if verb != nil {
		allowed = slices.Concat(verb.Flags, allowed)
	}
	var before, after []string
	seen := map[string]bool{}
	for _, w := range words {
		switch {
		case find(allowed, w.name) == nil:
			return nil, g.unknownFlag(w, verb, allowed)
		case seen[w.name] && !repeats(find(allowed, w.name)):
			return nil, usagef("%s is given twice", w.given)
		case find(g.global, w.name) != nil:
			before = append(before, w.String())
		default:
			after = append(after, w.String())
		}
		seen[w.name] = true
	}
	if verb != nil {
		before = append(before, verb.Name)
	} else if !seen["help"] {
		return nil, usagef("no command given")
	}
	line := append(before, after...)
	if len(positional) > 0 {
		line = append(append(line, "--"), positional...)
	}
	return line, nil
}

// spellOut gives the two other ways to ask for help and version their common form.
func spellOut(words []word, positional []string) ([]word, []string) {
	if len(positional) > 0 && positional[0] == "help" {
		return append(words, word{given: "--help", name: "help"}), positional[1:]
	}
	version := slices.IndexFunc(words, func(w word) bool { return w.String() == "--version" })
	if version >= 0 && len(positional) == 0 {
		return slices.Delete(words, version, version+1), []string{"version"}
	}
	return words, positional
}

// split tells flags and their values from arguments, for any command: a flag takes a value or it
// does not, whichever command has it.
func (g *grammar) split(args []string) (words []word, positional []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return words, append(positional, args...), nil
		case arg == "-", !strings.HasPrefix(arg, "-"): // a dash alone is standard input
			positional = append(positional, arg)
			continue
		case !strings.HasPrefix(arg, "--"):
			if long := g.long(arg[1:]); long != nil {
				args = append(long, args...)
				continue
			}
		}
		w := word{}
		w.given, w.value, w.valued = strings.Cut(arg, "=")
		w.name = strings.TrimPrefix(w.given, "--")
		if takesValue(g.flag(w.name)) && !w.valued {
			if len(args) == 0 {
				return nil, nil, usagef("%s wants a value", w.given)
			}
			if next, dashes := strings.CutPrefix(args[0], "--"); dashes && g.flag(next) != nil {
				return nil, nil, usagef("%s wants a value, and %s is a flag; write %s=%s if it is the value",
					w.given, args[0], w.given, args[0])
			}
			w.value, w.valued = args[0], true
			args = args[1:]
		}
		words = append(words, w)
	}
	return words, positional, nil
}

// long gives flags of one letter each, as in -fn 20 and -n20, by their names. nil: they are not all
// flags.
func (g *grammar) long(letters string) (args []string) {
	for i := range letters {
		f := g.letter(letters[i : i+1])
		if f == nil {
			return nil
		}
		name := "--" + f.Names()[0]
		if rest := letters[i+1:]; takesValue(f) && rest != "" {
			return append(args, name+"="+strings.TrimPrefix(rest, "="))
		}
		args = append(args, name)
	}
	return args
}

// letter finds a flag by its letter, of whichever command.
func (g *grammar) letter(letter string) cli.Flag {
	flags := slices.Concat([]cli.Flag{cli.HelpFlag}, g.global)
	for _, v := range g.verbs {
		flags = append(flags, v.Flags...)
	}
	for _, f := range flags {
		if slices.Contains(f.Names()[1:], letter) {
			return f
		}
	}
	return nil
}

// verb finds the command that a line begins with, by its name or alias, and gives what follows it.
// Some names are two words, the first of which names a family of commands.
func (g *grammar) verb(positional []string) (v *cli.Command, rest []string, err error) {
	name, rest := positional[0], positional[1:]
	family := g.family(name)
	if len(family) > 0 && len(rest) > 0 {
		name, rest = name+" "+rest[0], rest[1:]
	}
	for _, v := range g.verbs {
		if v.HasName(name) {
			return v, rest, nil
		}
	}
	if len(family) > 0 {
		return nil, nil, usagef("%s wants one of: %s", positional[0], strings.Join(family, ", "))
	}
	return nil, nil, usagef("no such command: %s. %s", name, cli.SuggestCommand(g.verbs, name))
}

// family lists the second words of the commands whose name begins with a word.
func (g *grammar) family(first string) (second []string) {
	for _, v := range g.verbs {
		if a, b, ok := strings.Cut(v.Name, " "); ok && a == first {
			second = append(second, b)
		}
	}
	return second
}

// flag finds a flag by name, of whichever command.
func (g *grammar) flag(name string) cli.Flag {
	if f := find(g.global, name); f != nil {
		return f
	}
	for _, v := range g.verbs {
		if f := find(v.Flags, name); f != nil {
			return f
		}
	}
	return find([]cli.Flag{cli.HelpFlag}, name)
}

func find(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if f.Names()[0] == name {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// repeats tells the flags that may be given several times.
func repeats(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationSliceFlag)
	return ok && d.IsSliceFlag()
}

func (g *grammar) unknownFlag(w word, verb *cli.Command, allowed []cli.Flag) error {
	if verb == nil && g.flag(w.name) != nil {
		return usagef("no command given")
	}
	where := "opscontext"
	if verb != nil {
		where = verb.Name
	}
	hint := ""
	if g.flag(w.name) == nil && verb != nil {
		hint = " An argument that starts with - goes behind --"
	}
	return usagef("%s has no flag %s. Did you mean %s?%s",
		where, w.given, cli.SuggestFlag(allowed, strings.TrimLeft(w.name, "-"), true), hint)
}
