package segment

import (
	"github.com/opscontext/opscontext/internal/durable"
)

// Directory is a directory as it was when somebody began to work in it. Names can be moved by whoever
// may write beside them: whoever changes something by name asks before and after it whether the name
// still means the same directory.
type Directory struct {
	fs   durable.FS
	path string
	id   durable.FileID
}

// StandIn notes which directory a name means. ErrRefused if it means a link or anything else, and
// fs.ErrNotExist if nothing.
func StandIn(fsys durable.FS, path string) (Directory, error) {
	info, err := fsys.Stat(path)
	if err == nil && !info.Mode.IsDir() {
		err = &Refusal{Path: path, Offset: -1, Why: "in the place of the directory there is something else", Next: "move it elsewhere and put the directory back"}
	}
	return Directory{fsys, path, info.ID}, err
}

// Same is ErrRefused if the name means another directory by now.
func (d Directory) Same() error {
	info, err := d.fs.Stat(d.path)
	if err == nil && info.ID != d.id {
		err = replaced(d.path)
	}
	return err
}

func replaced(dir string) error {
	return &Refusal{Path: dir, Offset: -1, Why: "the directory was replaced meanwhile", Next: "find out who moves it, and run this again on what is there"}
}

// standAtHome notes which directory the home is: the one in which the lock is that we hold.
func (w *writer) standAtHome() (Directory, error) {
	d, err := StandIn(w.fs, w.home)
	if err != nil {
		return d, err
	}
	info, err := w.fs.Stat(w.path(FlockName))
	if err == nil && info.ID != w.locks.word.id {
		err = replaced(w.home)
	}
	return d, err
}

// ledElsewhere refuses a home whose path has come to lead through a link: it was without one when the log
// was opened.
func ledElsewhere(home string) error {
	real, err := realPath(home)
	if err == nil && real != home {
		err = &Refusal{Path: home, Offset: -1, Why: "a directory of this path was replaced by a link, and it leads to " + real + " now",
			Next: "put the directory back, or open the log by the path that it has now"}
	}
	return err
}
