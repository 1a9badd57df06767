package backup

import (
	"fmt"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// finish writes backup.json, which says that the backup is complete.
func (r *run) finish() error {
	rep := r.res.Report
	m := &Manifest{Format: ManifestFormat, LogID: rep.LogID, Incarnation: rep.Incarnation, Head: rep.Head, Records: rep.Records.Total,
		Verdict: rep.Verdict, Exit: rep.Exit, TakenAt: r.so.Now().UTC().Format(chain.TimeLayout), Home: r.home,
		RecordedBy: r.o.By}
	l, err := list(r.fs, r.dir)
	if err != nil {
		return err
	}
	for _, e := range l.entries {
		f := File{Name: e.name, Bytes: e.info.Size, Mode: octal(e.info), InHome: true}
		if i := find(r.now.entries, e.name); i >= 0 {
			f.Mode = octal(r.now.entries[i].info)
		} else {
			f.InHome = false
			if err := r.extra(e.name); err != nil {
				return err
			}
		}
		f.SHA256 = r.sums[e.name].String()
		m.Files = append(m.Files, f)
	}
	text, err := m.Encode()
	if err != nil {
		return err
	}
	r.res.Manifest = m
	return r.fs.Replace(r.path(ManifestName), text, 0o600)
}

// extra finds the digest of a file that the home no longer has, and what became of it since it was
// copied.
func (r *run) extra(name string) error {
	sum, err := r.copySum(name, func(int64) {})
	if err != nil {
		return err
	}
	if was, ok := r.was.sum(name); ok && was != sum {
		r.res.Spoilt = append(r.res.Spoilt, name)
		sum = was // what it should be
	}
	r.sums[name] = sum
	return nil
}

// octal is the mode of a file as people write it.
func octal(info durable.Info) string { return fmt.Sprintf("%04o", info.Mode.Perm()) }
