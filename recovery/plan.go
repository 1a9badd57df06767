package recovery

import (
	"context"
	"errors"

	"github.com/opscontext/opscontext/segment"
)

// Step is one thing that a plan does.
type Step struct {
	Do     string   `json:"do"`     // one sentence
	Reads  []string `json:"reads"`  // files, relative to the home where they are in it
	Writes []string `json:"writes"` // files, and records as "audit.anchor in audit.log"
	Keeps  []string `json:"keeps"`  // where bytes go that leave their place; nothing is deleted
}

// Plan is what would be done to a log. It is made without writing anything; Apply does it.
type Plan struct {
	Steps    []Step   `json:"steps"`
	Expected Expected `json:"expected"`

	apply func(ctx context.Context, log *segment.Log) error
}

// Expected is the verdict after the plan was applied.
type Expected struct {
	Exit    int    `json:"exit"`
	Verdict string `json:"verdict"`
}

// ErrStale says that the log is no longer the one that a plan was made for. Nothing was written.
var ErrStale = errors.New("the log changed since the plan was made: look at the new plan, then apply that")

// Apply does what the plan says, or nothing. Before it writes it looks at the log again, under the
// locks where it matters, and refuses if what the plan rests on is no longer so (ErrStale). It may be
// interrupted at any moment: the same command then plans and does what is left. Every record that it
// writes is durable when it returns.
func (p *Plan) Apply(ctx context.Context, o Options) (err error) {
	if len(p.Steps) == 0 {
		return nil
	}
	o = o.withDefaults()
	log, err := segment.Open(o.Home, o.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	return p.apply(ctx, log)
}

// tries is how often something is looked at anew because a writer appended meanwhile.
const tries = 5

// errMoved says that a writer appended between the look at the log and the record that rests on it.
var errMoved = errors.New("the log was appended to meanwhile: stop its writers, then run this again")
