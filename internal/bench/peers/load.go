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
	cpu, err := spent()
	if err != nil {
		return load{}, err
	}
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
	l := load{Seconds: time.Since(begun).Seconds()}
	now, err := spent()
	l.CPU = now - cpu
	for _, n := range done {
		l.Records += n
	}
	return l, errors.Join(append(failed, err)...)
}

// spent is the processor time that this process has used, in seconds.
func spent() (float64, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds(), nil
}
