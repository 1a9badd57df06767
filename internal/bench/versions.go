package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/opscontext/opscontext/internal/terminal"
)

// tools are the yardsticks that come from elsewhere, with what makes each say its version.
var tools = [][]string{{"zstd", "--version"}, {"rg", "--version"}, {"openssl", "version"}}

// number finds a version.
var number = regexp.MustCompile(`\d+(\.\d+)+[\w.+-]*`)

// versions writes when this is and what it is measured with.
func versions(ctx context.Context, out *report, bin string) error {
	said := []string{"opscontext " + versionOf(ctx, bin, "version")}
	for _, t := range tools {
		path, err := yardstick(t[0])
		if err != nil {
			return err
		}
		if path == "" {
			said = append(said, "no "+t[0])
			continue
		}
		said = append(said, t[0]+" "+versionOf(ctx, path, t[1:]...))
	}
	return errors.Join(
		out.field("date", time.Now().UTC().Format(time.DateOnly)),
		out.field("versions", terminal.Escape(strings.Join(said, ", "))),
	)
}

// versionOf asks a program. What does not say is no failure: it will be one where it is measured.
func versionOf(ctx context.Context, path string, args ...string) string {
	text, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		return fmt.Sprintf("of unknown version (%v)", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	name, _, _ := strings.Cut(line, ",")
	if found := number.FindString(name); found != "" {
		return found
	}
	return "of unknown version"
}
