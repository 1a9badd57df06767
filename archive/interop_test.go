package archive

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	"github.com/klauspost/compress/zstd"

	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// bigSegment is a plain segment of a few frames on the machine's disk, archived: its bytes and the path
// of the compressed file.
func bigSegment(t *testing.T) (plain []byte, path string) {
	t.Helper()
	home := t.TempDir()
	o := segment.Options{Period: segment.PeriodNone}
	fill(t, o, home, 12_000, 1)
	plain = readFile(t, durable.OS(), filepath.Join(home, "audit-archive/audit-0001.jsonl"))
	if len(plain) < 2*FrameSize {
		t.Fatalf("%d bytes are too few for three frames", len(plain))
	}
	rs, err := Run(t.Context(), home, o, Options{})
	if err != nil || len(rs) != 1 || rs[0].Err != nil {
		t.Fatalf("%+v, %v", rs, err)
	}
	return plain, filepath.Join(home, "audit-archive/audit-0001.jsonl.zst")
}

func TestZstdCommandReadsArchives(t *testing.T) {
	plain, path := bigSegment(t)
	command, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("no zstd command here: that others can read archives was not tested")
	}
	if out, err := exec.Command(command, "-t", path).CombinedOutput(); err != nil {
		t.Errorf("zstd -t: %v\n%s", err, out)
	}
	if out, err := exec.Command(command, "-dc", path).Output(); err != nil || !bytes.Equal(out, plain) {
		t.Errorf("zstd -dc gives %d bytes of %d, %v", len(out), len(plain), err)
	}
}

func TestSeekableReaderReadsArchives(t *testing.T) {
	plain, path := bigSegment(t)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // reading only
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r, err := seekable.NewReader(f, d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // reading only
	for _, at := range []int64{0, 1, FrameSize - 10, FrameSize + 200_000, int64(len(plain)) - 100} {
		got := make([]byte, 100)
		if _, err := r.ReadAt(got, at); err != nil || !bytes.Equal(got, plain[at:at+100]) {
			t.Errorf("100 bytes at %d: %v", at, err)
		}
	}
	if n, err := r.Seek(0, io.SeekEnd); err != nil || n != int64(len(plain)) {
		t.Errorf("it ends at %d of %d, %v", n, len(plain), err)
	}
}

// The tables that the other implementation writes, with checksums, are read here.
func TestReadsSeekTablesOfOthers(t *testing.T) {
	m := newHome(t, 50)
	plain := readFile(t, m, archivePath("audit-0001.jsonl"))
	var file bytes.Buffer
	w, err := seekable.NewWriter(&file, encoder(t))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(plain) {
		if _, err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, m, archivePath("audit-0007.jsonl.zst"), file.Bytes())
	s := openTest(t, m, "audit-0007.jsonl.zst")
	if len(s.frames) != 50 || s.short != nil {
		t.Errorf("%d frames, %v", len(s.frames), s.short)
	}
	if got, err := readAll(s); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%d bytes of %d, %v", len(got), len(plain), err)
	}
}
