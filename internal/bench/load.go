package main

import (
	"errors"
	"sync"
	"syscall"
	"time"
)

// load is what came of appending for a while.
type load struct {
	Records int64   `json:"records"`
	Seconds float64 `json:"seconds"` // by the clock on the wall
	CPU     float64 `json:"cpu"`     // seconds of all threads, in user and system mode
}

// produce has goroutines do one thing over and over, each at least once.
func produce(producers int, d time.Duration, one func() error) (load, error) {
	done, failed := make([]int64, producers), make([]error, producers)
	return timed(func() (sum int64, err error) {
		begun := time.Now()
		var wg sync.WaitGroup
		for i := range producers {
			wg.Go(func() {
				for failed[i] == nil {
					if failed[i] = one(); failed[i] == nil {
						done[i]++
					}
					if time.Since(begun) >= d {
						return
					}
				}
			})
		}
		wg.Wait()
		for _, n := range done {
			sum += n
		}
		return sum, errors.Join(failed...)
	})
}

// timed is what something cost that is done once.
func timed(do func() (records int64, err error)) (l load, err error) {
	cpu, err := spent()
	if err != nil {
		return l, err
	}
	begun := time.Now()
	l.Records, err = do()
	l.Seconds = time.Since(begun).Seconds()
	now, failed := spent()
	l.CPU = now - cpu
	return l, errors.Join(err, failed)
}

// spent is the processor time that this process has used, in seconds.
func spent() (float64, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds(), nil
}
