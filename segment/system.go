package segment

import (
	"context"
	"fmt"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// AppendSystem chains a record that the log writes about itself, for the parts of this program that
// stand above the log and know what it is about. kind starts with audit., payload is spelled as
// JSON.stringify spells it. Otherwise it is Append: when it returns nil, the record is durable.
func (l *Log) AppendSystem(ctx context.Context, kind string, payload []byte) (chain.Record, error) {
	return l.AppendSystemAt(ctx, kind, payload, nil)
}

// AppendSystemAt is AppendSystem for a record that is only true of a log in a certain state: before
// is called as it is in a Load, and an error from it keeps the record from being written. nil: the
// record is true of any log.
func (l *Log) AppendSystemAt(ctx context.Context, kind string, payload []byte, before func(place Place) error) (chain.Record, error) {
	if !chain.IsSystem(kind) || ecmajson.ScanValue(payload, 0, chain.MaxDepth-1) != len(payload) {
		return chain.Record{}, &AppendError{Outcome: OutcomeRefused, Err: fmt.Errorf("%w: %q is no record of the log about itself", ErrInvalid, kind)}
	}
	r := l.newRequest()
	r.drafts, r.before = append(r.drafts, Draft{kind: kind, actor: chain.SystemActor, payload: payload}), before
	if err := l.do(ctx, r); err != nil {
		return chain.Record{}, err
	}
	if r.err != nil {
		return chain.Record{}, r.err
	}
	return r.first, nil
}

// Repair is Settle, and where the live log ends with complete lines that are no records, which keeps
// every append from being written, it moves them to audit-quarantine/ and chains an audit.torn_tail
// that names them. A live log that holds no record at all is left alone where no sealed segment says
// what to go on from: ErrRefused.
func (l *Log) Repair(ctx context.Context) error {
	r := l.newRequest()
	r.before, r.repair = func(Place) error { return nil }, true
	if err := l.do(ctx, r); err != nil {
		return err
	}
	return r.err
}

// Settle does what every append does before it writes, and writes nothing of its own: what killed
// writers left is finished or set aside, refused appends are chained, and a log that is not the one
// this machine remembers gets its audit.break. What it chains is durable when it returns.
func (l *Log) Settle(ctx context.Context) error {
	r := l.newRequest()
	r.before = func(Place) error { return nil }
	if err := l.do(ctx, r); err != nil {
		return err
	}
	return r.err
}
