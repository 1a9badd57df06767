package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/opscontext/opscontext/archive"
)

// part does one of the things that archiving a segment cannot do without, and nothing else, on a file:
// codec compresses it into another, hash only reads it.
func part(name string, files []string) error {
	switch {
	case name == "codec" && len(files) == 2:
		return compress(files[0], files[1])
	case name == "hash" && len(files) == 1:
		return hash(files[0])
	}
	return fmt.Errorf("-part codec wants two files, -part hash one; this is %q with %d", name, len(files))
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
