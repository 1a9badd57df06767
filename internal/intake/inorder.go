package intake

import (
	"context"
	"errors"
	"io"
	"sync"
)

// inOrder has work done by several goroutines on what next gives, and joins the results in the order
// of next. next is called by one goroutine, join by the caller's. io.EOF from next ends it well; any
// other error, from next or join, and the end of ctx, end it with that error. What came from next
// before its error is joined first. No more than twice as many items as workers are in flight.
func inOrder[T, R any](ctx context.Context, workers int, next func() (T, error), work func(T) R, join func(R) error) error {
	type job struct {
		item T
		done chan R
	}
	ctx, cancel := context.WithCancelCause(ctx)
	jobs := make(chan job)
	order := make(chan chan R, workers)
	var ended error // of next; to be read once order is closed
	var running sync.WaitGroup
	running.Go(func() {
		defer close(order)
		defer close(jobs)
		for {
			item, err := next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					ended = err
				}
				return
			}
			j := job{item, make(chan R, 1)}
			select {
			case order <- j.done:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- j:
			case <-ctx.Done():
				return
			}
		}
	})
	for range workers {
		running.Go(func() {
			for j := range jobs {
				j.done <- work(j.item)
			}
		})
	}
	defer running.Wait()
	defer cancel(nil)
	for done := range order {
		select {
		case r := <-done:
			if err := join(r); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return ended
}
