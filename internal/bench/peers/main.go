// Peers appends to logs and stores of others, so that the benchmark of appending can hold ours against
// them. It is a module of its own: nothing of it is part of the program, and what it needs is pinned
// here and nowhere else.
//
//	go build -C internal/bench/peers -o /tmp/peers .
//	/tmp/peers list
//	/tmp/peers load STORE DIR PRODUCERS DURATION BYTES </dev/null
//
// list prints the stores with their versions, as JSON. load opens a store in the folder, says "ready",
// waits for the end of its input, has so many goroutines append records of so many bytes for so long,
// each waiting until its record is on the medium before the next, and prints what came of it, as JSON.
//
// Each store is used as it comes, by what its documentation offers for one record that must survive a
// power cut. A store that numbers its records by hand is called under a mutex, since that is how it has
// to be used. What shares one sync among callers is left to do so: JetStream and the log of tessera
// gather by themselves, and bbolt does in Batch.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "list":
		return json.NewEncoder(os.Stdout).Encode(list())
	case len(args) == 6 && args[0] == "load":
		return loadStore(args[1], args[2], args[3:])
	}
	return errors.New("usage: peers list | peers load STORE DIR PRODUCERS DURATION BYTES")
}

func loadStore(name, dir string, numbers []string) error {
	producers, err := strconv.Atoi(numbers[0])
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(numbers[1])
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(numbers[2])
	if err != nil || size < 1 {
		return fmt.Errorf("records of %q bytes: want 1 or more", numbers[2])
	}
	open, err := named(name)
	if err != nil {
		return err
	}
	s, err := open(dir)
	if err != nil {
		return err
	}
	record := make([]byte, size)
	for i := range record {
		record[i] = byte('a' + i%26)
	}
	if _, err := fmt.Println("ready"); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	l, err := produce(producers, d, func() error { return s.Append(record) })
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(l)
}
