//go:build race

package verify_test

// raced says that the race detector is on, under which a byte costs twenty times as much.
const raced = true
