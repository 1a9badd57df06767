package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
)

// release is the version that this binary was built as, such as 0.1.0; set by the linker
// (-X main.release=0.1.0). A binary built without takes it from the module it was built from.
var release string

// build says which program this is.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"` // with "+" behind it if the tree held changes; empty if unknown
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisBuild() build {
	b := build{Version: release, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b.named()
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	modified := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+"
		}
	}
	if b.Commit != "" {
		b.Commit += modified
	}
	return b.named()
}

// named gives the version its common form.
func (b build) named() build {
	b.Version = strings.TrimPrefix(b.Version, "v")
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	return b
}

// tool is the name that records and reports carry: "opscontext 0.1.0".
func tool() string { return "opscontext " + thisBuild().Version }

func versionVerb() verb {
	return verb{
		name:     "version",
		usage:    "say which program this is",
		about:    "Prints the version, the commit it was built from, the Go release and the\nplatform.",
		examples: "opscontext version --json",
		flags:    []cli.Flag{boolFlag(flagJSON, "as one JSON object")},
		run: func(c *call) error {
			b := thisBuild()
			if c.cli.Bool(flagJSON) {
				return json.NewEncoder(c.stdout).Encode(b)
			}
			commit := ""
			if b.Commit != "" {
				commit = ", commit " + b.Commit
			}
			_, err := io.WriteString(c.stdout, fmt.Sprintf("%s%s, %s, %s\n", tool(), commit, b.Go, b.Platform))
			return err
		},
	}
}
