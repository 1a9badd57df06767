package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// Bounds of settings, in bytes.
const (
	minMaxBytes  = 1 << 10
	minMaxRecord = 1 << 10
	maxFile      = 1 << 20 // of the configuration file
)

// keys are the settings of the file: how each is read into a Config. why is what is wrong.
var keys = map[string]func(c *Config, value any) (why string){
	"segment.max_bytes": func(c *Config, v any) string {
		return readSize(v, &c.Segment.MaxBytes, minMaxBytes, 1<<62)
	},
	"segment.period": func(c *Config, v any) string {
		return readWord(v, &c.Segment.Period, "year", "month", "day", "none")
	},
	"segment.max_record": func(c *Config, v any) string {
		bytes := int64(0)
		why := readSize(v, &bytes, minMaxRecord, chain.MaxLine)
		c.Segment.MaxRecord = int(bytes)
		return why
	},
	"archive.to": func(c *Config, v any) (why string) {
		dir, ok := v.(string)
		if !ok {
			return `want a directory, as in "/var/backups/opscontext"`
		}
		c.Archive.To, why = cleanDir(dir)
		return why
	},
	"lock.timeout": func(c *Config, v any) string {
		text, ok := v.(string)
		d, err := time.ParseDuration(text)
		if !ok || err != nil || d <= 0 {
			return `want a time longer than none, as in "15s" or "1m30s"`
		}
		c.Lock.Timeout = d
		return ""
	},
	"lock.share_with_node": func(c *Config, v any) string {
		b, ok := v.(bool)
		if !ok {
			return "want true or false"
		}
		c.Lock.ShareWithNode = b
		return ""
	},
}

func readSize(value any, to *int64, least, most int64) string {
	n, ok := value.(int64)
	if text, isText := value.(string); isText {
		n, ok = parseSize(text)
	}
	switch {
	case !ok:
		return `want a size in bytes, KiB, MiB, GiB or TiB, as in "256MiB"`
	case n < least || n > most:
		return fmt.Sprintf("%s is out of bounds: want %s to %s", formatSize(n), formatSize(least), formatSize(most))
	}
	*to = n
	return ""
}

func readWord(value any, to *string, words ...string) string {
	word, ok := value.(string)
	if !ok || !slices.Contains(words, word) {
		return fmt.Sprintf("want one of %q", words)
	}
	*to = word
	return ""
}

// readFile applies the configuration file of the home, if there is one.
func (c *Config) readFile() error {
	path := filepath.Join(c.Home, FileName)
	text, err := readAll(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, durable.ErrNotRegular) {
		return &Error{File: path, Why: "not a regular file"}
	}
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	if len(text) > maxFile {
		return &Error{File: path, Why: "longer than " + formatSize(maxFile)}
	}
	if e := c.apply(string(text)); e != nil {
		e.File = path
		return e
	}
	return nil
}

// readAll gives the bytes of a regular file, and not many more than a configuration has.
func readAll(path string) (text []byte, err error) {
	f, err := durable.OS().OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// apply reads the text of a configuration file. The first thing wrong in it is the error.
//
// The TOML package would take a key in another case for a key we know, and in no certain order if
// both are there; and it says on which line a key stands only in an error. So keys are looked up
// here, and each value is asked for by a probe that fails.
func (c *Config) apply(text string) *Error {
	d := document{}
	var err error
	if d.meta, err = toml.Decode(text, &d.top); err != nil {
		if e, ok := errors.AsType[toml.ParseError](err); ok {
			return &Error{Line: e.Position.Line, Why: "not TOML: " + e.Message}
		}
		return &Error{Why: "not TOML: " + err.Error()}
	}
	for _, key := range d.meta.Keys() {
		name := strings.Join(key, ".")
		read, known := keys[name]
		switch {
		case len(key) == 2 && known:
			value, line := d.probe(key)
			if why := read(c, value); why != "" {
				return &Error{Setting: name, Line: line, Why: why}
			}
			c.origins[name] = File
		case len(key) == 1 && isTable(name):
			if value, line := d.probe(key); !isMap(value) {
				return &Error{Setting: name, Line: line, Why: "want a table, as in [" + name + "]"}
			}
		default:
			_, line := d.probe(key)
			return &Error{Setting: key.String(), Line: line, Why: "there is no such setting: want " + strings.Join(names(), ", ")}
		}
	}
	return nil
}

// isTable reports whether a setting has name before its dot.
func isTable(name string) bool {
	return slices.ContainsFunc(names(), func(s string) bool { return strings.HasPrefix(s, name+".") })
}

func isMap(value any) bool { _, ok := value.(map[string]any); return ok }

// names lists the settings of the file.
func names() []string {
	var all []string
	for _, s := range (Config{}).Settings() {
		if _, ok := keys[s.Name]; ok {
			all = append(all, s.Name)
		}
	}
	return all
}

// document is a TOML document that is read key by key.
type document struct {
	meta toml.MetaData
	top  map[string]toml.Primitive
}

// probe gives the value of a key and the line it stands on, 0 if that is not known.
func (d *document) probe(key toml.Key) (value any, line int) {
	at, ok := d.top[key[0]]
	for _, part := range key[1:] {
		var table map[string]toml.Primitive
		if !ok || d.meta.PrimitiveDecode(at, &table) != nil {
			return nil, line
		}
		at, ok = table[part]
	}
	var p failing
	if e, ok := errors.AsType[toml.ParseError](d.meta.PrimitiveDecode(at, &p)); ok {
		line = e.Position.Line
	}
	return p.value, line
}

// failing is a value that cannot be decoded, so that decoding it says where it stands.
type failing struct{ value any }

var errProbe = errors.New("probed")

func (f *failing) UnmarshalTOML(value any) error {
	f.value = value
	return errProbe
}
