package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/opscontext/opscontext/archive"
)

// part does one thing that a measured process does, and nothing else: codec compresses a file into
// another, hash only reads it, sums hashes messages of the lengths in a file, links follows the chain of
// a segment, peak runs a command to say what memory that held, and batches and load append to a log and
// print what came of it by their own clock, so that starting is no part of it.
func part(ctx context.Context, name string, args []string) error {
	switch {
	case name == "codec" && len(args) == 2:
		return compress(args[0], args[1])
	case name == "hash" && len(args) == 1:
		return hash(args[0])
	case name == "sums" && len(args) == 1:
		return sums(args[0])
	case name == "links" && len(args) == 1:
		return links(ctx, args[0])
	case name == "peak":
		return peak(ctx, os.Stdout, args)
	case name == "batches" && len(args) == 2:
		return printLoad(appendBatches(args[0], args[1]))
	case name == "load" && len(args) == 4:
		return runLoad(args)
	}
	return fmt.Errorf("-part %s with %d arguments is nothing that can be done", name, len(args))
}

func printLoad(l load, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(l)
}

// compress writes frames as an archive has them, one after the other.
func compress(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	raw := make([]byte, archive.FrameSize)
	var coded []byte
	for {
		n, err := io.ReadFull(in, raw)
		coded = enc.EncodeAll(raw[:n], coded[:0])
		if _, err := out.Write(coded); err != nil {
			return err
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func hash(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyBuffer(sha256.New(), struct{ io.Reader }{f}, make([]byte, archive.FrameSize))
	return err
}
