package archive

import (
	"testing"

	"github.com/klauspost/compress/zstd"
)

func encoder(t testing.TB, o ...zstd.EOption) *zstd.Encoder {
	t.Helper()
	e, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithEncoderConcurrency(1)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
