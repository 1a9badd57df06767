package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// helpFlag begins the word that asks for help in an arranged command line.
const helpFlag = "--help"

// describe gives an app what help and the manual page say of it.
func describe(app *cli.App) {
	app.Description = appDescription()
	for i, v := range verbs() {
		app.Commands[i].UsageText = v.text()
		app.Commands[i].CustomHelpTemplate = v.help()
	}
}

// appHelp is the text of opscontext --help, as a template of urfave/cli.
const appHelp = `{{.Name}} - {{.Usage}}

Usage:
   {{.Name}} COMMAND [flags] [arguments]

Commands:{{template "visibleCommandTemplate" .}}

Flags of every command:{{template "visibleFlagTemplate" .}}

{{wrap .Description 0}}

{{.Name}} COMMAND --help shows examples, flags and exit codes of a command.
`

// verbHelp is the text of opscontext COMMAND --help, likewise.
const verbHelp = `{{.HelpName}} - {{.Usage}}

Usage:
   {{.HelpName}} [flags]{{if .ArgsUsage}} {{.ArgsUsage}}{{end}}{{if .Aliases}}
   Also called {{join .Aliases ", "}}.{{end}}

{{.UsageText}}

Flags:{{template "visibleFlagTemplate" .}}

Flags of every command:
`

// appDescription is what help and the manual page say of all commands together.
func appDescription() string {
	codes := make([]exitCode, len(exitTable))
	for i, row := range exitTable {
		codes[i] = row.code
	}
	return "Exit codes:\n" + indent(describeExits(codes...))
}

// text is what help and the manual page say of a command.
func (v verb) text() string {
	exits := append([]exitCode{exitDone, exitFailed, exitUsage, exitInterrupted}, v.exits...)
	return strings.TrimSpace(v.about) +
		"\n\nExample:\n" + indent(v.examples) +
		"\n\nExit codes:\n" + indent(describeExits(exits...))
}

// help is the help template of a command. The flags that every command has are shown with each.
func (v verb) help() string {
	var b strings.Builder
	b.WriteString(verbHelp)
	for _, f := range globalFlags() {
		b.WriteString("   " + f.String() + "\n")
	}
	return b.String()
}

// indent moves each line of text in by three columns, without a line end at its end.
func indent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "   " + line
		}
	}
	return strings.Join(lines, "\n")
}
