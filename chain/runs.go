package chain

import "fmt"

// run is a run of records that a rotation or restore record names.
type run struct {
	*item
	Rotate
}

// runs are those that no source matches as a whole, so that their ends have to be looked for.
type runs struct {
	open   []run
	wanted []key
}

// findRuns reads the rotation and restore records. A run that is exactly one file's records is
// there; names of files are not compared.
func (j *Judge) findRuns(walk []*item) runs {
	var rs runs
	for _, it := range walk {
		if (it.kind != KindRotate && it.kind != KindRestore) || !it.class.Whole() {
			continue
		}
		p, err := ParseRotate(it.kind, it.payload())
		if err != nil || isBranch(it) {
			continue // existing writers' payloads are free; nothing is claimed
		}
		if !j.isSource(p) {
			rs.open = append(rs.open, run{it, p})
			rs.wanted = append(rs.wanted, p.FirstHash, p.LastHash)
		}
	}
	return rs
}

// isSource reports whether the named run is one source from its first record to its last.
func (j *Judge) isSource(p Rotate) bool {
	for i := range j.sources {
		s := &j.sources[i]
		if s.First == p.FirstHash && s.Last == p.LastHash && (s.Records == p.Records || s.Filled == p.Records) {
			return true
		}
	}
	return false
}

// runs reports the named runs that are not in the log although nothing before them is missing, nor
// could not be read.
func (f *finder) runs(rs runs) {
	known := f.gone
	for _, it := range f.j.items {
		if it.unread > 0 {
			known = min(known, it.Record)
		}
	}
	for _, r := range rs.open {
		if known <= r.Record || f.hasRun(r.Rotate) {
			continue
		}
		f.add(RotateMismatch, r.item, fmt.Sprintf("it names %d records from %s to %s", r.Records, r.FirstHash.Short(), r.LastHash.Short()))
	}
}

// hasRun reports whether the named run is somewhere in reading order.
func (f *finder) hasRun(p Rotate) bool {
	for _, first := range f.l.seen.of(p.FirstHash) {
		for _, last := range f.l.seen.of(p.LastHash) {
			if last.at.Record-first.at.Record+1 == p.Records {
				return true
			}
		}
	}
	return false
}
