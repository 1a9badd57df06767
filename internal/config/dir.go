package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// homeVariable is the environment variable by which existing installs name their home.
const homeVariable = "CONTEXTENGINE_HOME"

// findHome takes --home, else CONTEXTENGINE_HOME, else .contextengine in the user's home directory.
func (c *Config) findHome(s Sources) error {
	name, value := "--home", ""
	origin := Flag
	if s.Home != nil {
		value = *s.Home
	} else if v, ok := s.Lookup(homeVariable); ok {
		name, value, origin = homeVariable, v, Environment
	} else {
		user, ok := s.Lookup("HOME")
		if !ok || user == "" {
			return &Error{Setting: "HOME", Why: "not set, so there is no default home: give --home DIR"}
		}
		name, value, origin = "HOME", filepath.Join(user, ".contextengine"), Default
	}
	dir, why := checkDir(value)
	if why != "" {
		return &Error{Setting: name, Why: why}
	}
	c.Home, c.origins["home"] = dir, origin
	return nil
}

func (c *Config) findState(s Sources) error {
	if s.State != nil {
		dir, why := checkDir(*s.State)
		if why != "" {
			return &Error{Setting: "--state", Why: why}
		}
		c.State, c.origins["state"] = dir, Flag
		return nil
	}
	if s.StateDir == nil {
		return nil
	}
	dir, err := s.StateDir(c.Home)
	if err != nil {
		return &Error{Setting: "--state", Why: err.Error()}
	}
	c.State = dir
	return nil
}

// longestName is the length in bytes that file systems allow a name.
const longestName = 255

// checkDir gives the clean path of a directory, which need not be there, or says what is wrong.
func checkDir(dir string) (clean, why string) {
	if dir, why = cleanDir(dir); why != "" {
		return "", why
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err.Error()
	case !info.IsDir():
		return "", fmt.Sprintf("%q is not a directory", dir)
	}
	return dir, ""
}

// cleanDir gives the clean path of a directory, or says what is wrong with its spelling. It does not
// look at the disk: a network path that is stale or hangs is for those to meet who use it.
func cleanDir(dir string) (clean, why string) {
	switch {
	case dir == "":
		return "", "empty: want a directory"
	case !utf8.ValidString(dir):
		return "", fmt.Sprintf("%q is not UTF-8", dir)
	case strings.ContainsFunc(dir, unicode.IsControl):
		return "", fmt.Sprintf("%q holds a control character", dir)
	case dir[0] == '~':
		return "", fmt.Sprintf("%q starts with a tilde that no shell expanded: write the directory in full", dir)
	case slices.ContainsFunc(strings.Split(dir, "/"), func(name string) bool { return len(name) > longestName }):
		return "", fmt.Sprintf("%q holds a name of more than %d bytes", dir, longestName)
	case !filepath.IsAbs(dir):
		return "", fmt.Sprintf("%q is relative: %s", dir, absolute(dir))
	}
	return filepath.Clean(dir), ""
}

// absolute says what a relative path would be in full, for whoever meant that.
func absolute(dir string) string {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "write the directory in full"
	}
	return "write the directory in full, as in " + full
}
