// Opscontext keeps the audit log of AI tooling: it appends hash-chained records, rotates and
// verifies them. Each command is one file of this package; what a command does lives in the
// packages below, and here are only its words: flags in, text or JSON and an exit code out.
package main

import "os"

func main() {
	os.Exit(run(os.Args, environment{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lookup: os.LookupEnv}))
}
