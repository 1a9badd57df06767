package backup

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// elsewhere is the next step where a backup holds what the home does not.
const elsewhere = "keep this backup as it is; run audit_verify on the log and with --home on the backup, and until it is clear which is right, take backups into another directory"

// plan holds the home against what the backup has, and decides what is to be written. Nothing is written
// before it is through: a backup that has something which the home has lost is refused.
func (r *run) plan() error {
	total := r.toCompare()
	for _, e := range r.now.entries {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		had, ok := r.have[e.name]
		if !ok {
			r.copies = append(r.copies, e)
			continue
		}
		same, err := r.compare(e, had, total)
		if err != nil {
			return err
		}
		if !same {
			r.copies = append(r.copies, e)
		}
	}
	return r.gone()
}

// toCompare is the number of bytes of the home that compare reads.
func (r *run) toCompare() (n int64) {
	for _, e := range r.now.entries {
		if had, ok := r.have[e.name]; ok && had.Size == e.info.Size {
			n += e.info.Size
		}
	}
	return n
}

// compare reports whether the backup has a file of the home as it is. One that is other and may be
// replaced is false; one that must not be is refused.
func (r *run) compare(e entry, had durable.Info, total int64) (bool, error) {
	if had.Size == e.info.Size {
		sum, same, err := r.sameSum(e, total)
		if err != nil {
			return false, err
		}
		if same {
			r.sums[e.name] = sum
			r.res.Same.add(e.info.Size)
			return true, nil
		}
	}
	switch kindOfName(e.name) {
	case live:
		return false, r.holdsLive(e.name)
	case lasting:
		return false, r.rotten(e)
	}
	return false, nil
}

// sameSum reads a file of the home and its copy, which lie on two disks if all is well, side by side.
func (r *run) sameSum(e entry, total int64) (sum chain.Hash, same bool, err error) {
	var there chain.Hash
	var failed error
	var copied sync.WaitGroup
	copied.Go(func() { there, failed = r.copySum(e.name, func(int64) {}) })
	here, err := r.homeSum(e, func(n int64) { r.through(Comparing, n, total) })
	copied.Wait()
	return here, here == there, errors.Join(err, failed)
}

// rotten decides about a file that never changes and is another in the backup. If the home has what
// backup.json says, the copy has gone bad and is written again. Otherwise the home has changed, or
// nobody can tell.
func (r *run) rotten(e entry) error {
	here, err := r.homeSum(e, func(int64) {})
	if err != nil {
		return err
	}
	if was, ok := r.was.sum(e.name); ok && was == here {
		r.res.Rewritten = append(r.res.Rewritten, e.name)
		return nil
	}
	return &segment.Refusal{Path: r.path(e.name), Offset: -1,
		Why: fmt.Sprintf("it differs from %s, and a file of that name never changes: one of them was altered or is damaged", r.homePath(e.name)), Next: elsewhere}
}

// gone decides about what the backup has and the home no longer has. It is kept, unless the backup gets
// the same bytes in another form, or it told of something that is over.
func (r *run) gone() error {
	var names []string
	for name := range r.have {
		if !r.now.has(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		over, err := r.over(name)
		if err != nil {
			return err
		}
		if over {
			r.superseded = append(r.superseded, name)
		} else {
			r.res.Extra = append(r.res.Extra, name)
		}
	}
	return nil
}

// over reports whether a file that the home no longer has may go from the backup.
func (r *run) over(name string) (bool, error) {
	switch kindOfName(name) {
	case passing:
		return true, nil
	case lasting:
	default:
		return false, nil
	}
	if aside, err := r.keptElsewhere(name); aside || err != nil {
		return aside, err
	}
	n, form, ok := segmentOf(name)
	if !ok || form == segment.FormManifest {
		return false, nil
	}
	if form == segment.FormPlain && r.now.has(inForm(n, segment.FormZstd)) {
		return r.archivedMeanwhile(name, n)
	}
	if r.was == nil && !r.now.has(inForm(n, segment.FormPlain)) && !r.now.has(inForm(n, segment.FormZstd)) {
		return false, &segment.Refusal{Path: r.path(name), Offset: -1, Why: "this log has no such segment, and no backup.json says which log it is of",
			Next: "give another directory, or move the file elsewhere"}
	}
	return false, nil
}

// keptElsewhere reports whether the home keeps the bytes of a file of the backup aside: under the name
// that they have now that a record names them, or because a segment was taken out of the log.
func (r *run) keptElsewhere(name string) (bool, error) {
	for _, e := range r.now.entries {
		if e.info.Size != r.have[name].Size || !isAside(e.name) {
			continue
		}
		here, err := r.homeSum(e, func(int64) {})
		if err != nil {
			return false, err
		}
		if there, err := r.copySum(name, func(int64) {}); err != nil || here == there {
			return here == there, err
		}
	}
	return false, nil
}

// archivedMeanwhile holds the copy of a plain segment against the compressed file that the home has
// in its place.
func (r *run) archivedMeanwhile(name string, n segment.Name) (bool, error) {
	for _, src := range r.now.log.Sources {
		if src.Segment() != n || src.State() != segment.StateArchived {
			continue
		}
		size := r.have[name].Size
		same, _, err := r.agree(name, size, []segment.Source{src})
		if err != nil {
			return false, err
		}
		if same == size && src.Size() == size {
			return true, nil
		}
	}
	return false, &segment.Refusal{Path: r.path(name), Offset: -1,
		Why: fmt.Sprintf("it is not what %s holds, which was made of that segment", r.homePath(inForm(n, segment.FormZstd))), Next: elsewhere}
}
