// Package config finds out which log is meant and how it is kept, and says where each answer comes
// from: the command line, the environment, opscontext.toml in the home, or the default.
//
// It is strict. A relative directory, a tilde that no shell expanded, a key that nobody knows: what
// would quietly mean another log, or another rule, than was meant is an [*Error].
package config

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Config is how a log is kept.
type Config struct {
	Home  string // directory of the log: absolute, clean; it need not be there yet
	State string // directory of what this machine remembers: the same; empty if Sources give no default

	Segment Segment
	Archive Archive
	Lock    Lock

	origins map[string]Origin
}

// Segment bounds the files of a log.
type Segment struct {
	MaxBytes  int64  // of a file
	Period    string // "year", "month", "day" or "none"
	MaxRecord int    // bytes of a line, LF included
}

// Archive says where else sealed segments go.
type Archive struct {
	To string // directory: absolute, clean; empty: nowhere
}

// Lock says how writers keep out of each other's way.
type Lock struct {
	Timeout       time.Duration
	ShareWithNode bool // existing Node writers may use the home, too
}

// Setting is one value of a [Config].
type Setting struct {
	Name   string // "home", "state" or as in the file: "segment.max_bytes"
	Value  string // as one would write it; empty: none
	Origin Origin
}

// Origin says where a setting comes from.
type Origin string

// The origins, weakest first.
const (
	Default     Origin = "default"
	File        Origin = "file" // FileName in the home
	Environment Origin = "environment"
	Flag        Origin = "flag"
)

// FileName is the name of the configuration file in the home.
const FileName = "opscontext.toml"

// Error is a setting that cannot be meant so, which is an error of usage.
type Error struct {
	Setting string // "--home", "CONTEXTENGINE_HOME", "segment.max_bytes"; empty for a file that is no TOML
	File    string // path of the configuration file if the setting is in it
	Line    int    // in File, from 1; 0 if it is not known
	Why     string
}

func (e *Error) Error() string {
	text := e.Why
	if e.Setting != "" {
		text = e.Setting + ": " + text
	}
	switch {
	case e.File != "" && e.Line > 0:
		text = fmt.Sprintf("%s:%d: %s", e.File, e.Line, text)
	case e.File != "":
		text = e.File + ": " + text
	}
	return text
}

// Sources is where [Load] looks.
type Sources struct {
	Home  *string // value of --home; nil: not given
	State *string // value of --state; nil: not given
	// Lookup gives an environment variable, and whether it is set; nil: os.LookupEnv.
	Lookup func(name string) (value string, ok bool)
	// StateDir gives the directory of the state unless --state does. nil: there is no default.
	StateDir func(home string) (string, error)
}

// defaults is the configuration that nothing was said about.
var defaults = Config{
	Segment: Segment{MaxBytes: 256 << 20, Period: "year", MaxRecord: 16 << 20},
	Lock:    Lock{Timeout: 15 * time.Second, ShareWithNode: true},
}

// Load resolves every setting. An [*Error] says which cannot be meant so; any other error, that the
// configuration file could not be read.
func Load(s Sources) (Config, error) {
	if s.Lookup == nil {
		s.Lookup = os.LookupEnv
	}
	c := defaults
	c.origins = map[string]Origin{}
	if err := c.findHome(s); err != nil {
		return Config{}, err
	}
	if err := c.findState(s); err != nil {
		return Config{}, err
	}
	if err := c.readFile(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Settings lists every setting, in the order of the documentation.
func (c Config) Settings() []Setting {
	list := []Setting{
		{Name: "home", Value: c.Home},
		{Name: "state", Value: c.State},
		{Name: "segment.max_bytes", Value: formatSize(c.Segment.MaxBytes)},
		{Name: "segment.period", Value: c.Segment.Period},
		{Name: "segment.max_record", Value: formatSize(int64(c.Segment.MaxRecord))},
		{Name: "archive.to", Value: c.Archive.To},
		{Name: "lock.timeout", Value: c.Lock.Timeout.String()},
		{Name: "lock.share_with_node", Value: strconv.FormatBool(c.Lock.ShareWithNode)},
	}
	for i := range list {
		list[i].Origin = Default
		if o, ok := c.origins[list[i].Name]; ok {
			list[i].Origin = o
		}
	}
	return list
}
