//go:build race

package main

// raced says that the race detector is on, under which a process starts ten times as slowly.
const raced = true
