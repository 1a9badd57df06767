package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Moved reports whether the live log was written, cut or replaced since the snapshot was taken. Until it
// was, what is at its end may have been half written.
func (s *Snapshot) Moved() (bool, error) {
	if s.Live == nil {
		return false, nil
	}
	now, err := s.fs.Stat(filepath.Join(s.Home, LiveName))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the live log again: %w", err)
	}
	then := s.Live.Info()
	return now.ID != then.ID || now.Size != then.Size, nil
}
