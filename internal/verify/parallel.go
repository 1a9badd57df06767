package verify

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// inParallel calls do for every number from (inclusive) to (exclusive), by several goroutines at
// once; do may keep the buffer it is given and returns the one to be given next.
func inParallel(ctx context.Context, workers, from, to int, do func(i int, buf []byte) []byte) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	next.Store(int64(from))
	var all sync.WaitGroup
	for range min(workers, to-from) {
		all.Go(func() {
			var buf []byte
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= to {
					return
				}
				buf = do(i, buf)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}
