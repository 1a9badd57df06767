package chain_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/opscontext/opscontext/chain"
)

// file is a source of a history held in memory.
type file struct {
	name string
	live bool
	data []byte
}

// cut cuts a file into inputs of whole lines of about size bytes.
func cut(source int, data []byte, size int) (ins []chain.Input) {
	for at := 0; at < len(data); {
		end := min(at+size, len(data))
		if n := bytes.IndexByte(data[end:], '\n'); n >= 0 && (end == at || data[end-1] != '\n') {
			end += n + 1
		} else if n < 0 && end < len(data) && data[end-1] != '\n' {
			end = len(data)
		}
		ins = append(ins, chain.Input{Source: source, Offset: int64(at), Data: data[at:end]})
		at = end
	}
	return ins
}

// judge gives the verdict over files cut into blocks of about size bytes.
func judge(t failer, files []file, size int) *chain.Verdict {
	t.Helper()
	return judgeBy(t, chain.Rules{Forks: chain.Fork}, files, size)
}

// judgeBy is judge with rules of the test's own.
func judgeBy(t failer, rules chain.Rules, files []file, size int) *chain.Verdict {
	t.Helper()
	var ins []chain.Input
	infos := make([]chain.SourceInfo, len(files))
	for i, f := range files {
		infos[i] = chain.SourceInfo{Name: f.name, Live: f.live}
		ins = append(ins, cut(i, f.data, size)...)
	}
	j := chain.NewJudge(infos)
	for _, in := range ins {
		own := bytes.Clone(in.Data)
		b := chain.JudgeBlock(chain.Input{Source: in.Source, Offset: in.Offset, Data: own}, chain.Look{})
		for i := range own {
			own[i] = 'x' // the verdict must not hold on to the bytes
		}
		j.Join(b)
	}
	again := func(_ context.Context, from, to int, each func(int, chain.Input)) error {
		for i := from; i < to; i++ {
			each(i, ins[i])
		}
		return nil
	}
	v, err := j.Finish(context.Background(), again, rules)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// failer is what a test and a property check have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}

var segmentName = regexp.MustCompile(`^audit-(\d{4,})(?:-r([1-9]\d*))?\.jsonl$`)

// readHome reads the files of a home in reading order.
func readHome(t testing.TB, home string) (files []file) {
	t.Helper()
	type segment struct {
		n, k uint64
		name string
	}
	var segments []segment
	entries, _ := os.ReadDir(filepath.Join(home, "audit-archive"))
	for _, e := range entries {
		if m := segmentName.FindStringSubmatch(e.Name()); m != nil {
			n, _ := strconv.ParseUint(m[1], 10, 64)
			k, _ := strconv.ParseUint(m[2], 10, 64)
			segments = append(segments, segment{n, k, e.Name()})
		}
	}
	slices.SortFunc(segments, func(a, b segment) int {
		if a.n != b.n {
			return int(a.n) - int(b.n)
		}
		return int(a.k) - int(b.k)
	})
	read := func(name, path string, live bool) {
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{name, live, data})
	}
	for _, s := range segments {
		read(s.name, filepath.Join(home, "audit-archive", s.name), false)
	}
	read("audit.log", filepath.Join(home, "audit.log"), true)
	return files
}
