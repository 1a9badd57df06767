//go:build !urfave_cli_no_docs

package main

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the manual page anew")

// TestManPage holds the kept manual page to the commands as they are.
func TestManPage(t *testing.T) {
	app := newApp(environment{})
	describe(app)
	page, err := app.ToManWithSection(1)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("opscontext.1", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page != manPage {
		t.Error("opscontext.1 is not what the commands say: go test ./cmd/opscontext -run TestManPage -update")
	}
}
