package intake

import (
	"context"
	"errors"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// intake is one import.
type intake struct {
	fs   durable.FS
	home string // real path
	so   segment.Options
	log  *segment.Log
	src  Source
	o    Options

	survey *survey
	left   int64 // bytes of the source behind what is imported
	keeper *keeper
	mark   *Bookmark // as an earlier run left it; nil: there was none

	done    progressOf // what is in the log
	durable bool       // and on the medium
	resumed int64
	wrote   Bookmark // as this run wrote it last
}

// File takes the events of a file into the log in home, and closes the import with an audit.import.
// When it returns nil, all of that is durable.
//
// The file is read twice: once to see that every line can be a record, so that a bad one refuses the
// import as a whole (*BadLinesError, which is segment.ErrRefused), and once to write. Bytes that are
// added meanwhile are not read; any other change ends the import with ErrChanged.
//
// An import that ends early, by an error (*StoppedError once something was written), a kill or a
// power cut, goes on when File is called again with the same bytes; nothing is then written twice,
// whatever other writers appended in between. A file that only grew since is completed as it was; the
// rest is Result.Left. A file that was imported before is refused, and so is one that grew since
// then: its first part would be there twice.
func File(ctx context.Context, home string, so segment.Options, src Source, o Options) (res Result, err error) {
	i, err := open(home, so, src, o)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, i.log.Close()) }()
	if err := i.examine(ctx); err != nil {
		return res, err
	}
	if err := i.load(ctx); err != nil {
		return res, i.stopped(err)
	}
	return i.close(ctx)
}

func open(home string, so segment.Options, src Source, o Options) (*intake, error) {
	if so.FS == nil {
		so.FS = durable.OS()
	}
	i := &intake{fs: so.FS, so: so, src: src, o: o.withDefaults()}
	var err error
	if i.log, err = segment.Open(home, so); err != nil {
		return nil, err
	}
	i.home = home
	snap, err := i.snapshot()
	if err == nil {
		i.home = snap.Home
		err = snap.Close()
	}
	if err != nil {
		return nil, errors.Join(err, i.log.Close())
	}
	return i, nil
}

func (i *intake) snapshot() (*segment.Snapshot, error) {
	return segment.OpenSnapshot(i.home, segment.SnapshotOptions{FS: i.fs, OpenArchived: i.so.OpenArchived})
}

// stopped says how far the import came, if that is anywhere.
func (i *intake) stopped(err error) error {
	if i.done.records == 0 && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrChanged) {
		return err
	}
	return &StoppedError{Source: i.src.Name, Records: i.done.records, Of: i.survey.events, Resumes: true, Err: err}
}

// examine looks at the source and finds out whether it, or the start of it, was imported before.
func (i *intake) examine(ctx context.Context) error {
	marks, err := ReadBookmarks(i.fs, i.home)
	if err != nil {
		return err
	}
	var sizes []int64
	for _, b := range marks {
		sizes = append(sizes, b.Bytes)
	}
	slices.Sort(sizes)
	if i.survey, err = i.look(ctx, everything, slices.Compact(sizes)); err != nil {
		return err
	}
	whole := i.survey.bytes
	var known *Bookmark // of the longest start of the source that was imported
	for n := range marks {
		if b := &marks[n]; i.survey.sums[b.Bytes] == b.SHA256 && (known == nil || b.Bytes > known.Bytes) {
			known = b
		}
	}
	if known != nil {
		if known.Closed != nil {
			return i.again(known, whole)
		}
		if i.left = whole - known.Bytes; i.left > 0 {
			if i.survey, err = i.look(ctx, known.Bytes, nil); err != nil {
				return err
			}
			if i.survey.sha256 != known.SHA256 {
				return ErrChanged
			}
		}
	}
	if err := i.survey.refusal(i.src.Name); err != nil {
		return err
	}
	i.keeper = newKeeper(i.fs, i.home, i.survey.sha256)
	if i.mark, err = i.keeper.read(i.survey.sha256); err != nil {
		return err
	}
	if i.mark != nil && i.mark.KeepTime != (i.o.Times == TimesOfSource) {
		return i.otherTimes()
	}
	return nil
}

// errMoved says that the log is not as it was when it was looked through.
var errMoved = errors.New("the log was changed while it was being looked through")

// tries bounds how often the log is looked through again.
const tries = 5

// load brings what is missing into the log.
func (i *intake) load(ctx context.Context) error {
	for n := 1; ; n++ {
		if i.mark != nil {
			if err := i.resume(ctx); err != nil {
				return err
			}
		}
		err := i.write(ctx)
		if !errors.Is(err, errMoved) || n == tries {
			return err
		}
	}
}

// resume finds out how far earlier runs came.
func (i *intake) resume(ctx context.Context) (err error) {
	snap, err := i.snapshot()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	var l loaded
	i.done, err = find(ctx, snap, i.mark, func(from int64) ([]segment.Event, error) {
		n := i.pieceOf(from)
		if n == len(i.survey.pieces) {
			return nil, nil
		}
		i.read(ctx, &l, n, wantEvents)
		return l.events[min(from-i.survey.pieces[n].first, int64(len(l.events))):], l.err
	})
	if errors.Is(err, errGone) {
		return i.gone()
	}
	i.resumed = i.done.records
	return err
}

// pieceOf is the index of the piece that has an event, the number of pieces if there is no such event.
func (i *intake) pieceOf(event int64) int {
	n := slices.IndexFunc(i.survey.pieces, func(p piece) bool { return event < p.first+p.events })
	if n < 0 {
		return len(i.survey.pieces)
	}
	return n
}

// write loads the pieces that are not in the log. While one is being written, the next is read.
func (i *intake) write(ctx context.Context) error {
	n := i.pieceOf(i.done.records)
	if n == len(i.survey.pieces) {
		return i.settle(ctx)
	}
	ahead := make(chan *loaded, 1)
	read := func(l *loaded, n int) {
		i.read(ctx, l, n, wantDrafts)
		ahead <- l
	}
	spare := new(loaded)
	go read(new(loaded), n)
	for ; n < len(i.survey.pieces); n++ {
		l := <-ahead
		if n+1 < len(i.survey.pieces) && l.err == nil {
			go read(spare, n+1)
		}
		err := l.err
		if err == nil {
			err = i.put(ctx, l.drafts[i.done.records-i.survey.pieces[n].first:])
		}
		if err != nil {
			if n+1 < len(i.survey.pieces) && l.err == nil {
				<-ahead // it reads the source, which is the caller's again once we return
			}
			return err
		}
		spare = l
		i.o.Progress(i.survey.bytes+i.survey.pieces[n].offset+i.survey.pieces[n].size, 2*i.survey.bytes)
	}
	return nil
}

// put writes drafts and waits until they are durable. It does not end with ctx, so that what became of
// them is always known.
func (i *intake) put(ctx context.Context, drafts []segment.Draft) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	loaded, err := i.log.Load(context.WithoutCancel(ctx), drafts, i.before)
	if loaded.Records > 0 {
		if i.done.records == 0 {
			i.done.first = loaded.First.Hash
		}
		i.done.records += int64(loaded.Records)
		i.done.last = loaded.Last.Hash
		i.durable, i.done.steps, i.done.spot = true, nil, nil
	}
	return err
}

// before runs under the lock, before the first byte of a piece is written.
func (i *intake) before(at segment.Place) error {
	if err := i.stillThere(); err != nil {
		return err
	}
	if err := i.keeper.unchanged(i.survey.sha256); err != nil {
		return err
	}
	b := Bookmark{Format: bookmarkFormat, Source: i.src.Name, SHA256: i.survey.sha256, Bytes: i.survey.bytes, Events: i.survey.events,
		KeepTime: i.o.Times == TimesOfSource, FirstHash: i.done.first}
	if i.mark != nil {
		b.Source = i.mark.Source
	}
	switch {
	case i.done.records == 0:
		b.BackDated = b.KeepTime && later(at.HeadTS, i.survey.first)
		// An import that was begun has passed this: what came since may be our own torn record, set
		// aside with the time of today.
		if b.BackDated && i.o.Order == InOrder && i.mark == nil {
			return backDated(i.src.Name, i.survey.first, at.HeadTS)
		}
	case i.mark != nil:
		b.BackDated = i.mark.BackDated
	default:
		b.BackDated = i.wrote.BackDated
	}
	// What an earlier run wrote may not be on the medium yet. Until something written after it is, the
	// steps that led to it stay.
	for _, s := range i.done.steps {
		if s.Records < i.done.records {
			b.Steps = append(b.Steps, s)
		}
	}
	b.Steps = append(b.Steps, Step{Records: i.done.records, Last: i.done.last, Head: at.Head, Stamp: at.Stamp})
	if err := i.keeper.write(&b); err != nil {
		return err
	}
	i.wrote = b
	return nil
}

// stillThere makes sure that settling the log has not taken away what was found in it.
func (i *intake) stillThere() (err error) {
	if i.durable || i.done.spot == nil {
		return nil
	}
	snap, err := i.snapshot()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	ok, err := i.done.spot.stillThere(snap)
	if err == nil && !ok {
		err = errMoved
	}
	return err
}

// errSettled ends a load that was to settle the log and to write nothing.
var errSettled = errors.New("settled")

// settle has the log settled without writing to it: what was found there is the log from then on.
func (i *intake) settle(ctx context.Context) error {
	if i.done.closed != nil {
		return nil
	}
	var l loaded
	// The last piece may hold empty lines alone.
	i.read(ctx, &l, i.pieceOf(i.survey.events-1), wantDrafts)
	if l.err != nil {
		return l.err
	}
	_, err := i.log.Load(context.WithoutCancel(ctx), l.drafts[:1], func(segment.Place) error {
		if err := i.stillThere(); err != nil {
			return err
		}
		return errSettled
	})
	if errors.Is(err, errSettled) {
		return nil
	}
	return err
}

// close chains the closing record, unless an earlier run did, and puts the bookmark away.
func (i *intake) close(ctx context.Context) (Result, error) {
	b := i.wrote
	if b.Format == 0 { // everything was there already
		b = *i.mark
	}
	v := i.survey
	res := Result{
		Import: chain.Import{Source: b.Source, SHA256: v.sha256, Bytes: v.bytes, Records: v.events, FirstHash: i.done.first, LastHash: i.done.last,
			KeepTime: b.KeepTime, BackDated: b.BackDated, Ignored: v.odd, By: i.o.By},
		Resumed: i.resumed, Renamed: v.renamed, StepsBack: v.back, Members: v.members(), Left: i.left,
	}
	if i.done.closed != nil {
		res.Closed = *i.done.closed
	} else {
		err := i.keeper.unchanged(v.sha256)
		if err == nil {
			res.Closed, err = i.log.AppendSystem(context.WithoutCancel(ctx), chain.KindImport, res.Import.Payload())
		}
		if err != nil {
			return res, i.stopped(err)
		}
	}
	b.FirstHash, b.Steps = i.done.first, []Step{}
	b.Closed = &Closed{Hash: res.Closed.Hash, TS: res.Closed.TS}
	if err := i.keeper.write(&b); err != nil {
		return res, i.stopped(err)
	}
	return res, nil
}
