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
	if !chain.IsSystem(kind) || ecmajson.ScanValue(payload, 0, chain.MaxDepth-1) != len(payload) {
		return chain.Record{}, &AppendError{Outcome: OutcomeRefused, Err: fmt.Errorf("%w: %q is no record of the log about itself", ErrInvalid, kind)}
	}
	r := &request{drafts: []Draft{{kind: kind, actor: chain.SystemActor, payload: payload}}}
	if err := l.do(ctx, r); err != nil {
		return chain.Record{}, err
	}
	if r.err != nil {
		return chain.Record{}, r.err
	}
	return r.records[0], nil
}
