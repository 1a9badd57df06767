package segment

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Aside lists the files of bytes that were taken out of the log and kept, as paths relative to the
// home, sorted: torn ends beside the live log and all that is in [QuarantineDir]. They are no part of
// any source. A copy that is still being made is not in the list: the log has its bytes, too.
func (s *Snapshot) Aside() ([]string, error) {
	if !s.Exists {
		return nil, nil
	}
	var list []string
	for _, dir := range []string{"", QuarantineDir} {
		entries, err := s.fs.ReadDir(filepath.Join(s.Home, dir))
		if dir != "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			name := e.Name()
			if dir == "" && !isTorn(name) || strings.HasSuffix(name, keptSuffix+copySuffix) {
				continue
			}
			list = append(list, strings.TrimPrefix(dir+"/"+name, "/"))
		}
	}
	slices.Sort(list)
	return list, nil
}
