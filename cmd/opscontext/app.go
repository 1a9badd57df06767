package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/intake"
	"github.com/opscontext/opscontext/internal/terminal"
)

// environment is all that a command line runs in.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookup         func(string) (string, bool) // as os.LookupEnv
}

// The flags that every command has.
const (
	flagHome  = "home"
	flagState = "state"
	flagColor = "color"
	flagQuiet = "quiet"
	flagJSON  = "json"
)

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: flagHome, Usage: "the log: `DIR` (else $CONTEXTENGINE_HOME, ~/.contextengine)"},
		&cli.StringFlag{Name: flagState, Usage: "what this machine remembers: `DIR` (else ~/.local/state)"},
		&cli.StringFlag{Name: flagColor, Usage: "colours: `WHEN` is auto, always or never"},
		boolFlag(flagQuiet, "no progress on standard error"),
	}
}

// boolFlag is a flag without a value; help does not say that it is off unless it is given.
func boolFlag(name, usage string) cli.Flag {
	return &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
}

// verb is one command as a person meets it.
type verb struct {
	name, alias string
	usage       string     // one line
	args        string     // arguments in the usage line
	about       string     // paragraphs, broken by hand at 76 columns
	examples    string     // command lines, with comments
	exits       []exitCode // besides those that every command has
	flags       []cli.Flag
	run         func(*call) error
}

// verbs lists the commands in the order in which help shows them.
func verbs() []verb {
	return []verb{
		appendVerb(), importVerb(), adoptVerb(), rotateVerb(), archiveVerb(), backupVerb(), verifyVerb(), segmentsVerb(), statusVerb(),
		diagnoseVerb(), repairVerb(), restoreVerb(), declareVerb(),
		searchVerb(), tailVerb(), showVerb(), statsVerb(), exportVerb(),
		versionVerb(), completionVerb(), manVerb(),
	}
}

// call is one run of one command.
type call struct {
	environment
	ctx  context.Context
	cli  *cli.Context
	app  *cli.App
	out  *terminal.Stream // standard output, for people
	errs *terminal.Stream // standard error, likewise

	warnings *warnings // of the log
	command  string    // the command line, as a shell reads it
}

// newApp puts the commands together for one command line. What help shows of them is for [describe] to
// add: to make it takes longer than to append a record.
func newApp(env environment) *cli.App {
	app := &cli.App{
		Name:                      "opscontext",
		Usage:                     "keep the audit log of AI tooling, and verify it",
		HideVersion:               true,
		HideHelpCommand:           true,
		Flags:                     globalFlags(),
		Writer:                    env.stdout,
		ErrWriter:                 env.stderr,
		Reader:                    env.stdin,
		DisableSliceFlagSeparator: true,
		CustomAppHelpTemplate:     appHelp,
		// Errors are printed and mapped to an exit code in one place, run.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   onUsageError,
	}
	for _, v := range verbs() {
		app.Commands = append(app.Commands, v.command(env))
	}
	return app
}

func (v verb) command(env environment) *cli.Command {
	c := &cli.Command{
		Name:            v.name,
		Usage:           v.usage,
		ArgsUsage:       v.args,
		Flags:           v.flags,
		HideHelpCommand: true,
		OnUsageError:    onUsageError,
		Action: func(ctx *cli.Context) error {
			c, err := newCall(env, ctx)
			if err != nil {
				return err
			}
			if v.args == "" && ctx.NArg() > 0 {
				return usagef("%s takes no argument: %s", v.name, ctx.Args().First())
			}
			return v.run(c)
		},
	}
	if v.alias != "" {
		c.Aliases = []string{v.alias}
	}
	return c
}

func newCall(env environment, ctx *cli.Context) (*call, error) {
	mode, err := terminal.ParseColourMode(ctx.String(flagColor))
	if err != nil {
		return nil, usagef("--%s: %v", flagColor, err)
	}
	return &call{
		environment: env,
		ctx:         ctx.Context,
		cli:         ctx,
		app:         ctx.App,
		out:         terminal.NewStream(env.stdout, mode, env.lookup),
		errs:        terminal.NewStream(env.stderr, mode, env.lookup),
		warnings:    &warnings{out: env.stderr},
		command:     commandLine(ctx.App),
	}, nil
}

func onUsageError(_ *cli.Context, err error, _ bool) error { return &usageError{text: err.Error()} }

// run runs a command line and gives its exit code. argv[0] is the name of the program.
func run(argv []string, env environment) int {
	// A reader that goes away shows as an error of the write, not as the end of this process: what
	// verify found must still reach the exit code.
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, interrupts()...)
	defer signal.Stop(arrived)
	go func() {
		<-arrived
		signal.Stop(arrived) // the second interrupt ends the process at once
		cancel()
	}()

	err := dispatch(ctx, argv, env)
	if err != nil {
		complain(env, err)
	}
	return int(exitOf(err))
}

// interrupts are the signals that end a command in good order. A shell that starts a job in the
// background, where Ctrl-C is not meant for it, has it ignore the interrupt: so it stays.
func interrupts() []os.Signal {
	signals := []os.Signal{syscall.SIGTERM}
	if !signal.Ignored(os.Interrupt) {
		signals = append(signals, os.Interrupt)
	}
	return signals
}

func dispatch(ctx context.Context, argv []string, env environment) error {
	app := newApp(env)
	g := &grammar{global: app.Flags, verbs: app.Commands}
	args := argv[min(1, len(argv)):]
	if n := len(args); n > 0 && args[n-1] == completionRequest {
		return g.complete(env.stdout, args[:n-1])
	}
	line, err := g.arrange(args)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(line, func(word string) bool { return strings.HasPrefix(word, helpFlag) }) {
		describe(app)
	}
	app.Metadata = map[string]any{metaLine: line}
	return app.RunContext(ctx, append([]string{app.Name}, line...))
}

// complain says on standard error why the command did not do what it was asked.
func complain(env environment, err error) {
	var (
		v     verdict
		usage *usageError
		hint  interface{ Next() string }
	)
	if errors.As(err, &v) || errors.Is(err, syscall.EPIPE) {
		return
	}
	text := "opscontext: " + terminal.Escape(sentence(err)) + "\n"
	switch {
	case errors.As(err, &usage):
		for line := range strings.Lines(usage.shown) {
			text += terminal.Escape(strings.TrimSuffix(line, "\n")) + "\n"
		}
		text += "Try opscontext --help, or opscontext COMMAND --help.\n"
	case errors.As(err, &hint) && hint.Next() != "":
		text += "Next: " + terminal.Escape(hint.Next()) + "\n"
	}
	// Standard error is the last place to complain to: if it is gone, the exit code remains.
	_, _ = io.WriteString(env.stderr, text)
}

// sentence gives an error on one line. Errors that were joined stand on lines of their own.
func sentence(err error) string {
	var (
		stopped *stoppedError
		taken   *intake.StoppedError
	)
	if errors.Is(err, context.Canceled) && !errors.As(err, &stopped) && !errors.As(err, &taken) {
		return "interrupted"
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

// metaLine is where an app keeps its arranged command line.
const metaLine = "line"

// commandLine is the command line of an app as a shell reads it.
func commandLine(app *cli.App) string {
	line, _ := app.Metadata[metaLine].([]string)
	words := []string{app.Name}
	for _, word := range line {
		if slices.ContainsFunc(app.Commands, func(c *cli.Command) bool { return c.Name == word }) {
			words = append(words, word) // which may be two words
			continue
		}
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !strings.ContainsRune(shellSafe, r) }) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

const shellSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,+@%"
