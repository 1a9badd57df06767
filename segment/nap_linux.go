package segment

import (
	"syscall"
	"time"
)

// nap sleeps for less than a millisecond, or shorter if a signal comes. A timer takes a millisecond at
// least: the runtime waits for timers and for the network in one call, which counts in milliseconds. A
// lock is held for a few microseconds, so that whoever waits would miss its turn dozens of times.
func nap(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // what is left of it after a signal is not worth another call
}
