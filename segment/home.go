package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// realPath is the one path by which a home is known: absolute, clean and without symbolic links.
// Of a home that is not there yet, that is true of the part that is.
func realPath(home string) (string, error) {
	if home == "" {
		return "", errors.New("no home given")
	}
	abs, err := filepath.Abs(home)
	if err != nil {
		return "", fmt.Errorf("home %q: %w", home, err)
	}
	rest := ""
	for dir := abs; ; dir = filepath.Dir(dir) {
		real, err := filepath.EvalSymlinks(dir)
		switch {
		case err == nil:
			return filepath.Join(real, rest), nil
		case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
			return "", fmt.Errorf("home %q: %w", home, err)
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}
